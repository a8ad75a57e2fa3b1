"""Selecting what a picture shows: by a click, by a box, or its main subject.

A small network says where something stands out, colours find its outline (`imaging.outlines`), edges sharpen it at full size.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.base.errors import InvalidRequest, MissingModel
from modules.imaging.geometry import Box, Extent
from modules.imaging.outlines import PROBABLY, PROBABLY_NOT, SURELY, SURELY_NOT, cut_by_colour, follow_edges, keep_parts

Pixels = NDArray[np.uint8]
Flags = NDArray[np.bool_]

HOW_TO_GET = "start `python launch.py` once with a network connection, and its set-up step fetches it"
WITHOUT_NETWORK = "without_network"
BY_COLOUR = "by_colour"
NOTES = {
    WITHOUT_NETWORK: f"u2netp.onnx is missing, so the box was cut out by colours alone; {HOW_TO_GET}",
    BY_COLOUR: "nothing stands out there, so the area was selected by its colours; a box round the object may do better",
}
"""Kind of note to its words."""

PROBABLE, SURE = 100, 230
"""Of 255: from here on the network's answer counts as probably, and as surely, the object."""

_INPUT_PX = 320
_WORKING_PX = 352
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
_POSSIBLE = 50
_FAINT = 20
_REACH = 0.012
_GOOD_FIT = 0.7
_POOR_FIT = 0.2
_BOX_MARGINS = (0.15, 0.6)
_CLICK_SIDES = (0.6, 0.4, 0.2)
_SMALLEST_LOOK_PX = 160
_CLICK_REACH = 0.02
_STEP_TOLERANCES = (3, 6, 12)
_SMALLEST_REGION = 2e-3
_SMALLEST_SUBJECT = 5e-4
_CLOSE_LOOKS = ((0.15, False), (0.3, True))
_SAME_SUBJECT = 0.02
_CRUMB = 0.03


class NothingFound(InvalidRequest):
    """A picture in which nothing stands out."""


@dataclass(frozen=True)
class Selection:
    """What was selected.

    Attributes:
        mask: (H, W) uint8 of the picture's size; 255 = the object, soft along its outline.
        notes: Keys of `NOTES`: what a person should know about how it was made.
    """

    mask: Pixels
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """One of several subjects.

    Attributes:
        seen: (H, W) uint8 of the picture's size: how much each pixel belongs to it; soft, as the network sees it.
        confidence: 0 to 1: how clearly it stands out. Textures and landscapes have low ones.
    """

    seen: Pixels
    confidence: float


class SubjectNetwork:
    """U^2-Net (small), which marks what stands out in a picture. Loaded on first use; calls from several threads wait for each other.

    References:
        Qin et al., "U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection", Pattern Recognition 106, 2020.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._net: cv2.dnn.Net | None = None

    @property
    def is_there(self) -> bool:
        return self._net is not None or self._file.is_file()

    def look(self, picture: Pixels) -> Pixels:
        """How much each pixel belongs to what stands out.

        Args:
            picture: (h, w, 3) uint8 RGB; seen at 320 x 320.

        Returns:
            (h, w) uint8; 255 = certainly.

        Raises:
            MissingModel: The file is not there, or damaged.
        """
        small = cv2.resize(picture, (_INPUT_PX, _INPUT_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
        values = (small / max(float(small.max()), 1.0) - _MEAN) / _DEVIATION
        with self._lock:
            self._net = self._net or self._load()
            self._net.setInput(np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32))
            answer = self._net.forward(self._net.getUnconnectedOutLayersNames()[0])[0, 0]
        whole = cv2.resize(answer, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return np.clip(np.rint(whole * 255), 0, 255).astype(np.uint8)

    def _load(self) -> cv2.dnn.Net:
        if not self._file.is_file():
            place = f"{self._file.name}, which finds objects, is missing in {self._file.parent}"
            raise MissingModel(f"{place}; {HOW_TO_GET}; a box round the object works without it")
        try:
            return cv2.dnn.readNetFromONNX(str(self._file))
        except cv2.error as error:
            raise MissingModel(f"{self._file.name} is damaged; delete it; {HOW_TO_GET}") from error


class SubjectSelector:
    """Selects objects in pictures: (H, W, 3) uint8 RGB arrays of any size.

    Args:
        network: Its file may be missing; then only `by_box` works.
    """

    def __init__(self, network: SubjectNetwork) -> None:
        self._network = network

    def by_box(self, picture: Pixels, box: Box) -> Selection:
        """The object that a person drew a box around; nothing outside the box is selected.

        Raises:
            InvalidRequest: The box leaves the picture, or is smaller than 8 x 8 px.
        """
        if not box.lies_within(_extent(picture)) or min(box.width, box.height) < 8:
            raise InvalidRequest("box", list(box.edges), "[left, top, right, bottom] inside the picture, at least 8 x 8 px")
        view = _View.around(picture, box, 0.25)
        inside = view.flags(box)
        guess = self._guess_in_box(picture, view, box) if self._network.is_there else None
        if guess is None:
            trimap = np.where(inside, PROBABLY, SURELY_NOT).astype(np.uint8)
            note = BY_COLOUR if self._network.is_there else WITHOUT_NETWORK
            return Selection(_only(box, view.place(keep_parts(cut_by_colour(view.pixels, trimap), inside))), (note,))
        return Selection(_only(box, view.place(_cut(view.pixels, guess, inside))))

    def by_click(self, picture: Pixels, point: tuple[int, int]) -> Selection:
        """The object that a person clicked on: the whole picture is looked at, then closer and closer around (x, y).

        Raises:
            MissingModel: The network's file is missing or damaged.
            InvalidRequest: The point is outside the picture.
        """
        for name, value, side in zip("xy", point, picture.shape[1::-1], strict=True):
            if not 0 <= value < side:
                raise InvalidRequest(name, value, f"a pixel of the picture, 0 to {side - 1}")
        best, best_score = None, _POOR_FIT
        for box in _boxes_around(_extent(picture), point):
            part, score = _part_under(self._network.look(_crop(picture, box)), box, point, _extent(picture))
            if score > best_score:
                best, best_score = (box, part), score
            if score > _GOOD_FIT:
                break
        if best is None:
            return Selection(_alike_region(picture, point), (BY_COLOUR,))
        return Selection(self._outline(picture, *best))

    def subject(self, picture: Pixels) -> Selection:
        """The picture's main subject.

        Raises:
            MissingModel: The network's file is missing or damaged.
            NothingFound: Nothing stands out.
        """
        seen = self._network.look(picture)
        core = seen > PROBABLE
        if core.mean() < _SMALLEST_SUBJECT:
            raise NothingFound("picture", "a picture in which nothing stands out", "a subject; click on an object or draw a box round it")
        return Selection(
            self._outline(picture, Box(0, 0, *_extent(picture).size), np.where(keep_parts(core, core), seen, 0).astype(np.uint8))
        )

    def subjects(self, picture: Pixels, most: int) -> list[Found]:
        """Each of the things that stand out, the largest first; none of them may be sure.

        Args:
            most: Only so many of the largest.

        Raises:
            MissingModel: The network's file is missing or damaged.
        """
        seen = self._network.look(picture)
        parts = _parts(seen > PROBABLE)
        return [self._closely(picture, seen, part, parts) for part in parts[:most]]

    def _closely(self, picture: Pixels, seen: Pixels, part: Flags, parts: list[Flags]) -> Found:
        """Look twice more, from nearer by, at one of several parts; what lies nearer to another of them is left to that."""
        whole = Box(0, 0, *_extent(picture).size)
        looks = []
        for margin, is_mirrored in _CLOSE_LOOKS:
            box = _enlarge(_bounds(part, whole), margin, _extent(picture))
            crop = _crop(picture, box)
            answer = self._network.look(np.ascontiguousarray(crop[:, ::-1]))[:, ::-1] if is_mirrored else self._network.look(crop)
            look = np.zeros_like(seen)
            _crop(look, box)[:] = answer
            looks.append(look)
        is_own = _nearest(parts) == next(number for number, other in enumerate(parts) if other is part)
        own = np.where(is_own, seen, 0).astype(np.uint8)
        closer = np.where(is_own, np.mean(looks, axis=0), 0)
        agreement = _overlap(closer > PROBABLE, own > PROBABLE)
        best = np.rint(closer if agreement > _GOOD_FIT else own).astype(np.uint8)
        return Found(best, _confidence(own) * min(0.5 + 0.5 * agreement / _GOOD_FIT, 1.0))

    def _outline(self, picture: Pixels, box: Box, seen: Pixels) -> Pixels:
        """Look once more, closely, at what was `seen` in `box`, and cut it out."""
        tight = _bounds(seen > PROBABLE, box)
        view = _View.around(picture, tight, 0.15)
        guess = view.resample(seen, box)
        if max(box.extent.size) > _INPUT_PX and tight.width * tight.height < 0.5 * box.width * box.height:
            closer = view.resample(self._network.look(_crop(picture, view.box)), view.box)
            if _overlap(closer > PROBABLE, guess > PROBABLE) > _GOOD_FIT:
                guess = closer
        return view.place(_cut(view.pixels, guess, np.ones(guess.shape, np.bool_)))

    def _guess_in_box(self, picture: Pixels, view: _View, box: Box) -> Pixels | None:
        """What the network sees inside the box, from the distance at which that fills the box best; None if nothing does."""
        best, best_fit = None, _POOR_FIT
        for margin in _BOX_MARGINS:
            wide = _enlarge(box, margin, _extent(picture))
            seen = view.resample(self._network.look(_crop(picture, wide)), wide)
            seen = np.where(view.flags(box), seen, 0).astype(np.uint8)
            fit = _box_overlap(_bounds(seen > PROBABLE, view.box), box) if (seen > PROBABLE).any() else 0.0
            if fit > best_fit:
                best, best_fit = seen, fit
            if fit > _GOOD_FIT:
                break
        return best


@dataclass(frozen=True)
class _View:
    """A part of a picture, at working size.

    Attributes:
        whole: The picture.
        box: The part, in the picture's pixels.
        pixels: (h, w, 3), at most 352 px a side.
    """

    whole: Pixels
    box: Box
    pixels: Pixels

    @classmethod
    def around(cls, picture: Pixels, box: Box, margin: float) -> _View:
        wide = _enlarge(box, margin, _extent(picture))
        scale = min(1.0, _WORKING_PX / max(wide.width, wide.height))
        size = (max(round(wide.width * scale), 1), max(round(wide.height * scale), 1))
        return cls(picture, wide, cv2.resize(_crop(picture, wide), size, interpolation=cv2.INTER_AREA).astype(np.uint8))

    @property
    def shape(self) -> tuple[int, int]:
        return self.pixels.shape[0], self.pixels.shape[1]

    def flags(self, box: Box) -> Flags:
        """Where `box` (in the picture's pixels) lies in this view."""
        flags = np.zeros(self.shape, np.bool_)
        left, right = ((edge - self.box.x) * self.shape[1] / self.box.width for edge in (box.x, box.x + box.width))
        top, bottom = ((edge - self.box.y) * self.shape[0] / self.box.height for edge in (box.y, box.y + box.height))
        flags[max(round(top), 0) : max(round(bottom), 0), max(round(left), 0) : max(round(right), 0)] = True
        return flags

    def resample(self, seen: Pixels, box: Box) -> Pixels:
        """Values over `box` (a part of the picture) as values over this view; 0 outside of it."""
        height, width = self.shape
        columns = ((np.arange(width) + 0.5) * self.box.width / width + self.box.x - box.x) * seen.shape[1] / box.width - 0.5
        rows = ((np.arange(height) + 0.5) * self.box.height / height + self.box.y - box.y) * seen.shape[0] / box.height - 0.5
        x, y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
        return np.asarray(cv2.remap(seen, x, y, cv2.INTER_LINEAR), np.uint8)

    def place(self, is_object: Flags) -> Pixels:
        """A full-size mask with the object's outline along the picture's edges."""
        mask = np.zeros(self.whole.shape[:2], np.uint8)
        left, top, right, bottom = self.box.edges
        mask[top:bottom, left:right] = follow_edges(_crop(self.whole, self.box), is_object)
        return mask


def _cut(pixels: Pixels, guess: Pixels, allowed: Flags) -> Flags:
    """The network's guess, corrected by colours; the guess itself where colours lead astray."""
    core = (guess > PROBABLE) & allowed
    reach = max(_REACH * max(guess.shape), 2.0)
    is_far = cv2.distanceTransform((guess <= _FAINT).astype(np.uint8), cv2.DIST_L2, 5) > reach
    trimap = np.select([~allowed | is_far, guess > SURE, core], [SURELY_NOT, SURELY, PROBABLY], PROBABLY_NOT).astype(np.uint8)
    found = keep_parts(cut_by_colour(pixels, trimap), core)
    return found if _overlap(found, core) > 0.5 else core


def _parts(core: Flags) -> list[Flags]:
    """Connected parts, the largest first, without crumbs; small gaps do not part them."""
    reach = max(round(_SAME_SUBJECT * max(core.shape)), 1)
    joined = cv2.morphologyEx(core.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    _, labels = cv2.connectedComponents(joined, connectivity=8)
    sizes = np.bincount(labels[core], minlength=1)
    least = max(_CRUMB * int(sizes.max(initial=0)), _SMALLEST_SUBJECT * core.size)
    order = [int(label) for label in np.argsort(-sizes, kind="stable") if label and sizes[label] > least]
    return [core & (labels == label) for label in order]


def _nearest(parts: list[Flags]) -> NDArray[np.intp]:
    """The number of the part that lies nearest to each pixel."""
    if len(parts) == 1:
        return np.zeros(parts[0].shape, np.intp)
    return np.argmin([cv2.distanceTransform((~part).astype(np.uint8), cv2.DIST_L2, 5) for part in parts], axis=0)


def _confidence(seen: Pixels) -> float:
    """How strongly something is seen, less the share of it that is neither seen nor not."""
    is_seen = seen > PROBABLE
    between = int(((seen > _FAINT) & (seen < SURE)).sum())
    return float(max(seen[is_seen].mean() / 255 - 0.5 * between / max(int(is_seen.sum()), 1), 0.0)) if is_seen.any() else 0.0


def _boxes_around(extent: Extent, point: tuple[int, int]) -> Iterator[Box]:
    """The whole picture, then smaller and smaller squares around the point."""
    yield Box(0, 0, *extent.size)
    for share in _CLICK_SIDES:
        side = int(share * min(extent.size))
        if side >= _SMALLEST_LOOK_PX:
            x = min(max(point[0] - side // 2, 0), extent.width - side)
            y = min(max(point[1] - side // 2, 0), extent.height - side)
            yield Box(x, y, side, side)


def _part_under(seen: Pixels, box: Box, point: tuple[int, int], extent: Extent) -> tuple[Pixels, float]:
    """The connected part of what was seen in `box` that holds the point (or lies next to it), and how likely it is the object meant.

    The score is the strength at the point, less the share of the part's bounds along which `box` cuts it off.
    """
    x, y = point[0] - box.x, point[1] - box.y
    _, labels = cv2.connectedComponents((seen > _POSSIBLE).astype(np.uint8), connectivity=4)
    reach = max(int(_CLICK_REACH * min(box.width, box.height)), 1)
    near = (slice(max(y - reach, 0), y + reach + 1), slice(max(x - reach, 0), x + reach + 1))
    label = labels[y, x] or int(np.bincount(labels[near].ravel(), minlength=2)[1:].argmax()) + 1
    is_part = labels == label
    if not is_part[near].any():
        return seen, 0.0
    strength = float(np.where(is_part, seen, 0)[near].max()) / 255
    cut_off = [
        (box.y > 0, is_part[0]),
        (box.y + box.height < extent.height, is_part[-1]),
        (box.x > 0, is_part[:, 0]),
        (box.x + box.width < extent.width, is_part[:, -1]),
    ]
    lost = sum(int(line.sum()) for is_inner, line in cut_off if is_inner) / (2 * (box.width + box.height))
    return np.where(is_part | (seen <= _POSSIBLE), seen, 0).astype(np.uint8), strength - 2 * lost


def _alike_region(picture: Pixels, point: tuple[int, int]) -> Pixels:
    """The smooth area around the point: colours may drift, but not jump."""
    view = _View.around(picture, Box(0, 0, *_extent(picture).size), 0)
    height, width = view.shape
    seed = (min(point[0] * width // picture.shape[1], width - 1), min(point[1] * height // picture.shape[0], height - 1))
    smooth = cv2.bilateralFilter(view.pixels, 7, 30, 5)
    found = np.zeros(view.shape, np.bool_)
    for tolerance in _STEP_TOLERANCES:
        reached = np.zeros((height + 2, width + 2), np.uint8)
        cv2.floodFill(smooth, reached, seed, 0, (tolerance,) * 3, (tolerance,) * 3, 4 | cv2.FLOODFILL_MASK_ONLY | (1 << 8))
        found = reached[1:-1, 1:-1].astype(np.bool_)
        if found.mean() > _SMALLEST_REGION:
            break
    return view.place(keep_parts(found, found))


def _only(box: Box, mask: Pixels) -> Pixels:
    left, top, right, bottom = box.edges
    inside = np.zeros_like(mask)
    inside[top:bottom, left:right] = mask[top:bottom, left:right]
    return inside


def _overlap(one: Flags, two: Flags) -> float:
    """Intersection over union."""
    return float((one & two).sum() / max((one | two).sum(), 1))


def _box_overlap(one: Box, two: Box) -> float:
    (left, top, right, bottom), (left2, top2, right2, bottom2) = one.edges, two.edges
    shared = max(min(right, right2) - max(left, left2), 0) * max(min(bottom, bottom2) - max(top, top2), 0)
    return shared / (one.width * one.height + two.width * two.height - shared)


def _bounds(flags: Flags, box: Box) -> Box:
    """The bounds of what is True, in the picture's pixels, where `flags` covers `box`."""
    left, top, width, height = cv2.boundingRect(flags.astype(np.uint8))
    scale_x, scale_y = box.width / flags.shape[1], box.height / flags.shape[0]
    edges = (int(left * scale_x), int(top * scale_y), int(np.ceil((left + width) * scale_x)), int(np.ceil((top + height) * scale_y)))
    return Box.from_edges(box.x + edges[0], box.y + edges[1], box.x + edges[2], box.y + edges[3])


def _enlarge(box: Box, share: float, extent: Extent) -> Box:
    """Wider by `share` of its sides on each side (at least 8 px), as far as the picture goes."""
    by_x, by_y = max(int(share * box.width), 8), max(int(share * box.height), 8)
    left, top, right, bottom = box.edges
    return Box.from_edges(max(left - by_x, 0), max(top - by_y, 0), min(right + by_x, extent.width), min(bottom + by_y, extent.height))


def _crop(picture: Pixels, box: Box) -> Pixels:
    left, top, right, bottom = box.edges
    return picture[top:bottom, left:right]


def _extent(picture: Pixels) -> Extent:
    return Extent(picture.shape[1], picture.shape[0])
