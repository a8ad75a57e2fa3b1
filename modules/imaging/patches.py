"""Continuing a picture into a hole by copying patches of its known part, from coarse to fine.

Each level alternates two steps: find for every patch that touches the hole the most similar known patch
(exactly where that is cheap, else by PatchMatch: propagation and random search), then repaint the hole with the
average of what the overlapping patches say. Two further channels carry the local amount of texture, so that grass
is not continued as a blur.

References:
    Wexler, Shechtman & Irani, "Space-Time Completion of Video", PAMI 2007 (the two steps, weights by distance);
    Barnes et al., "PatchMatch", SIGGRAPH 2009 (the search);
    Newson et al., "Video Inpainting of Complex Scenes", SIAM J. Imaging Sciences 2014 (texture channels, copying between levels).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

PATCH = 7
REACH = PATCH // 2
COARSEST_DEPTH_PX = 3.0  # levels are halved until no hole pixel is farther from known ones
COARSEST_SIDE_PX = 4 * PATCH
MIN_SOURCES = 30
MAX_EXACT_PAIRS = 4_000_000
MAX_SEARCHED = 50_000  # patches; levels with more are only copied from the level below
COARSEST_ROUNDS, FINEST_ROUNDS = 10, 2
TEXTURE_RADIUS_PX, TEXTURE_WEIGHT = 8, 8.0
FAITH_FALLOFF = 1.25  # a pixel's say shrinks by this factor for each px of distance to the known
SEED_NOISE = 4.0  # of 255, on the first guess
FINAL_SHARPNESS = 0.1

Spread = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(picture (h, w, 3) uint8, hole (h, w) bool) -> the picture with the surroundings' values spread smoothly into the hole."""


def complete(image: np.ndarray, hole: np.ndarray, seed: int, spread: Spread) -> np.ndarray:
    """Fill the hole of a picture.

    Args:
        image: (h, w, 3) uint8.
        hole: (h, w) bool.
        seed: Not negative; the same one gives the same filling.
        spread: Makes the first guess, for colours and for texture.

    Returns:
        (h, w, 3) uint8, identical outside the hole.

    Raises:
        ValueError: No whole patch of `PATCH` px a side is free of the hole.
    """
    if np.count_nonzero(_sources(hole)) < 1:
        raise ValueError(f"the hole leaves no known patch of {PATCH}x{PATCH} px")
    rng = np.random.default_rng(seed)
    guess = np.concatenate([spread(image, hole).astype(np.float32), _texture(image, hole, spread)], axis=-1)
    levels = _pyramid(_Level(np.where(hole[..., None], guess, _known(image, guess)), hole))
    coarsest = levels[-1]
    current = coarsest.pixels + coarsest.hole[..., None] * rng.normal(0, SEED_NOISE, coarsest.pixels.shape).astype(np.float32)
    offsets: np.ndarray | None = None
    for index in range(len(levels) - 1, -1, -1):
        level = levels[index]
        if offsets is not None:
            current, offsets = _copy_up(level, current, offsets)
        rounds = max(FINEST_ROUNDS, COARSEST_ROUNDS >> (len(levels) - 1 - index))
        search = _Search(level, rng)
        if offsets is None or len(search.queries) <= MAX_SEARCHED:
            current, offsets = search.run(current, offsets, rounds, FINAL_SHARPNESS if index == 0 else 1.0)
    return np.where(hole[..., None], np.clip(np.rint(current[..., :3]), 0, 255).astype(np.uint8), image)


@dataclass(frozen=True)
class _Level:
    """One size of the picture: (h, w, 5) float32 colours and texture, the first guess in the hole; (h, w) bool."""

    pixels: np.ndarray
    hole: np.ndarray


class _Search:
    """Patches of one level that touch the hole (queries), and where their likes are (matches, flat indices of centres)."""

    def __init__(self, level: _Level, rng: np.random.Generator) -> None:
        self.height, self.width = level.hole.shape
        self.rng = rng
        self.known = level.pixels.reshape(self.height * self.width, -1)
        self.hole_pixels = np.flatnonzero(level.hole)
        sources = _sources(level.hole)
        self.is_source = sources.ravel()
        self.sources = np.flatnonzero(sources)
        self.queries = np.flatnonzero(_inner(level.hole) & ~sources)
        self.query_y, self.query_x = np.divmod(self.queries, self.width)
        self.query_at = np.full(self.height * self.width, -1)
        self.query_at[self.queries] = np.arange(len(self.queries))
        span = np.arange(-REACH, REACH + 1)
        self.around = (span[:, None] * self.width + span).ravel()
        self.faith = (FAITH_FALLOFF ** -_depth(level.hole)).ravel()

    def run(self, current: np.ndarray, offsets: np.ndarray | None, rounds: int, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
        """Alternate matching and repainting.

        Returns:
            The picture, and the offsets (h, w, 2) int from each pixel to its match.
        """
        flat = current.reshape(self.known.shape).copy()
        self.weights = self.faith[self.queries[:, None] + self.around]
        self.weights /= self.weights.sum(axis=1, keepdims=True)
        self.matches = self._starting_matches(offsets)
        is_exact = len(self.queries) * len(self.sources) <= MAX_EXACT_PAIRS
        for index in range(rounds):
            self.targets = flat[self.queries[:, None] + self.around]
            if is_exact:
                self._match_exactly()
            else:
                self._match_by_search()
            self._repaint(flat, sharpness if index == rounds - 1 else 1.0)
        return flat.reshape(current.shape), self._offsets()

    def _starting_matches(self, offsets: np.ndarray | None) -> np.ndarray:
        anywhere = self.sources[self.rng.integers(0, len(self.sources), len(self.queries))]
        if offsets is None:
            return anywhere
        shift = offsets.reshape(-1, 2)[self.queries]
        places, is_usable = self._places(self.query_y + shift[:, 0], self.query_x + shift[:, 1])
        return np.where(is_usable, places, anywhere)

    def _places(self, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Flat indices (0 where outside), and which of them are centres of known patches."""
        is_inside = (y >= 0) & (y < self.height) & (x >= 0) & (x < self.width)
        places = np.where(is_inside, y * self.width + x, 0)
        return places, is_inside & self.is_source[places]

    def _match_exactly(self) -> None:
        """Weighted squared distance to every source, multiplied out: w q^2 - 2 (w q) s + w s^2."""
        patches = self.known[self.sources[:, None] + self.around]
        squares = (patches**2).sum(axis=-1).T
        flat_patches = patches.reshape(len(patches), -1).T
        weighted = (self.weights[..., None] * self.targets).reshape(len(self.queries), -1)
        costs = self.weights @ squares - 2 * (weighted @ flat_patches)
        best = costs.argmin(axis=1)
        own = (self.weights * (self.targets**2).sum(axis=-1)).sum(axis=1)
        self.matches = self.sources[best]
        self.costs = np.maximum(costs[np.arange(len(best)), best] + own, 0)

    def _match_by_search(self) -> None:
        self.costs = self._cost(np.arange(len(self.queries)), self.matches)
        for step in (2, 1, 1):
            for down, right in ((0, -step), (0, step), (-step, 0), (step, 0)):
                self._propagate(down, right)
        radius = max(self.height, self.width) // 2
        while radius >= 1:
            y, x = np.divmod(self.matches, self.width)
            moves = self.rng.integers(-radius, radius + 1, (2, len(self.queries)))
            self._offer(*self._places(y + moves[0], x + moves[1]))
            radius //= 3

    def _propagate(self, down: int, right: int) -> None:
        """Offer each query what its neighbour's match would mean for itself."""
        y, x = self.query_y + down, self.query_x + right
        is_inside = (y >= 0) & (y < self.height) & (x >= 0) & (x < self.width)
        neighbours = np.where(is_inside, self.query_at[np.where(is_inside, y * self.width + x, 0)], -1)
        match_y, match_x = np.divmod(self.matches[neighbours], self.width)
        places, is_usable = self._places(match_y - down, match_x - right)
        self._offer(places, is_usable & (neighbours >= 0))

    def _offer(self, places: np.ndarray, is_usable: np.ndarray) -> None:
        asked = np.flatnonzero(is_usable & (places != self.matches))
        costs = self._cost(asked, places[asked])
        is_better = costs < self.costs[asked]
        taken = asked[is_better]
        self.matches[taken] = places[taken]
        self.costs[taken] = costs[is_better]

    def _cost(self, asked: np.ndarray, places: np.ndarray) -> np.ndarray:
        delta = self.targets[asked] - self.known[places[:, None] + self.around]
        return np.einsum("npc,npc,np->n", delta, delta, self.weights[asked])

    def _repaint(self, flat: np.ndarray, sharpness: float) -> None:
        """Average over all patches that cover a hole pixel; good matches and patches near the known count most."""
        scale = max(float(np.percentile(self.costs, 75)), 1e-3) * sharpness
        say = np.exp(-(self.costs - self.costs.min()) / (2 * scale)) * self.faith[self.queries] + 1e-9
        channels = self.known.shape[1]
        votes = np.zeros((len(self.known), channels + 1))
        for shift in self.around:
            seen = self.queries + shift
            votes[seen, :channels] += say[:, None] * self.known[self.matches + shift]
            votes[seen, channels] += say
        cast = votes[self.hole_pixels]
        has_votes = cast[:, channels] > 0
        flat[self.hole_pixels[has_votes]] = cast[has_votes, :channels] / cast[has_votes, channels:]

    def _offsets(self) -> np.ndarray:
        match_y, match_x = np.divmod(self.matches, self.width)
        offsets = np.zeros((self.height * self.width, 2), dtype=np.int64)
        offsets[self.queries] = np.stack([match_y - self.query_y, match_x - self.query_x], axis=-1)
        inner = offsets.reshape(self.height, self.width, 2)[REACH : self.height - REACH, REACH : self.width - REACH]
        return np.pad(inner, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")


def _inner(hole: np.ndarray) -> np.ndarray:
    """Centres whose patch lies inside the picture."""
    inner = np.zeros_like(hole)
    inner[REACH : hole.shape[0] - REACH, REACH : hole.shape[1] - REACH] = True
    return inner


def _sources(hole: np.ndarray) -> np.ndarray:
    """Centres of patches that lie inside the picture and outside the hole."""
    touched = cv2.dilate(hole.astype(np.uint8), np.ones((PATCH, PATCH), np.uint8)).astype(bool)
    return _inner(hole) & ~touched


def _depth(hole: np.ndarray) -> np.ndarray:
    """Distance of each hole pixel to the known part, in px; the picture's border is no known part."""
    padded = np.pad(hole, 1, mode="edge").astype(np.uint8)
    return cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]


def _known(image: np.ndarray, guess: np.ndarray) -> np.ndarray:
    return np.concatenate([image.astype(np.float32), guess[..., 3:]], axis=-1)


def _texture(image: np.ndarray, hole: np.ndarray, spread: Spread) -> np.ndarray:
    """(h, w, 2) float32: mean absolute derivative along x and y around each known pixel, spread into the hole."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    is_known = cv2.erode((~hole).astype(np.float32), np.ones((3, 3)))
    window = (2 * TEXTURE_RADIUS_PX + 1,) * 2
    share = np.maximum(cv2.blur(is_known, window), 1e-6)
    amounts = [cv2.blur(np.abs(cv2.Sobel(grey, cv2.CV_32F, *axis, ksize=1)) * is_known, window) / share for axis in ((1, 0), (0, 1))]
    packed = np.clip(np.stack([*amounts, amounts[0]], axis=-1), 0, 255).astype(np.uint8)
    return spread(packed, hole)[..., :2].astype(np.float32) * TEXTURE_WEIGHT


def _pyramid(finest: _Level) -> list[_Level]:
    levels = [finest]
    while _depth(levels[-1].hole).max() > COARSEST_DEPTH_PX:
        smaller = _halve(levels[-1])
        if min(smaller.hole.shape) < COARSEST_SIDE_PX or np.count_nonzero(_sources(smaller.hole)) < MIN_SOURCES:
            break
        levels.append(smaller)
    return levels


def _halve(level: _Level) -> _Level:
    """Half the size; known pixels are averaged from known ones only."""
    size = (level.hole.shape[1] // 2, level.hole.shape[0] // 2)
    is_known = (~level.hole).astype(np.float32)
    share = cv2.resize(is_known, size, interpolation=cv2.INTER_AREA)
    known = _shrink(level.pixels * is_known[..., None], size)
    guess = _shrink(level.pixels, size)
    hole = share < 0.999
    return _Level(np.where(hole[..., None], guess, known / np.maximum(share, 1e-6)[..., None]), hole)


def _shrink(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Area average of any number of channels; OpenCV takes four at once."""
    parts = [
        cv2.resize(np.ascontiguousarray(pixels[..., channels]), size, interpolation=cv2.INTER_AREA)
        for channels in (slice(0, 3), slice(3, 5))
    ]
    return np.concatenate(parts, axis=-1)


def _copy_up(level: _Level, coarse: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring a solution to the next finer level: doubled offsets, and sharp pixels copied along them."""
    height, width = level.hole.shape
    rows = np.minimum(np.arange(height) // 2, offsets.shape[0] - 1)
    columns = np.minimum(np.arange(width) // 2, offsets.shape[1] - 1)
    finer = 2 * offsets[rows][:, columns]
    y, x = np.arange(height)[:, None] + finer[..., 0], np.arange(width) + finer[..., 1]
    is_usable = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    y, x = np.where(is_usable, y, 0), np.where(is_usable, x, 0)
    is_usable &= ~level.hole[y, x]
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    filled = np.where(is_usable[..., None], level.pixels[y, x], smooth)
    return np.where(level.hole[..., None], filled, level.pixels), finer
