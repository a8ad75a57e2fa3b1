"""Training examples: a picture, the mask to repaint, and what it should show.

Five kinds are mixed: photos of one thing under a mask of that thing, scenes under free or large masks, things and scenes that fade into
other photos, cut-outs pasted into photos, and free masks on any photo. See `SHARES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from . import pictures
from .captions import coarse_class, vary_caption
from .data import Pack, to_tensor
from .masks import FREE, LARGE, cover_object, draw_covering, random_mask

SHARES = {"object": 0.12, "scene": 0.16, "implant": 0.40, "cutout": 0.06, "free": 0.26}
WORDLESS = 0.5
"""Share of free masks without a caption. What covers a thing always has one: no words then mean going on with what is around the hole."""
OBJECT_KINDS = {"pet": 0.45, "clothing": 0.25, "grocery": 0.30}
SCENE = "scene"
IMPLANT_KINDS = {SCENE: 0.24, "pet": 0.12, "clothing": 0.25, "grocery": 0.39}
CLASS_BALANCE = 0.5
"""A class of n photos is implanted in proportion to n to this power: 0 is the same for all, 1 as they come."""
EVERYTHING = 0.08
NATIVE_SHARE = 0.6
WHOLE_SHARE = 0.85
MOVED_SHARE = 0.25
LARGE_SHARE = 0.5
BESIDE = 0.12


@dataclass
class Example:
    """One training picture: (3, size, size) in [-1, 1], its (size, size) mask of zeros and ones, its caption."""

    image: torch.Tensor
    mask: torch.Tensor
    caption: str


@dataclass
class _Scene:
    """An example before it becomes tensors.

    Attributes:
        image: (size, size, 3) uint8.
        mask: (size, size) float32 of zeros and ones.
        seen: (size, size) float32: the pixels whose colour the caption may name.
        caption: As the data set gives it; "" for none.
        caption_zh: The same in Chinese where the data set has it.
        is_thing: Whether the mask covers what nothing around it tells of.
    """

    image: np.ndarray
    mask: np.ndarray
    seen: np.ndarray
    caption: str
    caption_zh: str = ""
    is_thing: bool = False


class Examples:
    """Draws random training examples.

    Args:
        folder: The pack.
        held_out: Draw from the held-out pictures instead.
        implants: Share of implanted pictures, from which words are learned fastest; the other kinds share the rest as in `SHARES`.
    """

    def __init__(self, folder: Path, held_out: bool = False, implants: float = SHARES["implant"]):
        self.photos, self.cutouts = Pack(folder, "photos"), Pack(folder, "cutouts")
        self.indices = self.photos.split(held_out)
        self.stickers = self.cutouts.split(held_out) or list(range(len(self.cutouts)))
        entries = self.photos.entries
        self.scenes = [i for i in self.indices if entries[i].kind == SCENE] or self.indices
        self.objects = {}
        for kind in OBJECT_KINDS:
            known = [i for i in self.indices if entries[i].kind == kind]
            if known:
                self.objects[kind] = known
        self.implants = {kind: _by_class(self.photos, found) for kind, found in ({SCENE: self.scenes} | self.objects).items()}
        self.movable = {kind: [i for i in found if self._is_movable(i)] for kind, found in self.objects.items()}
        self.recipes = {"object": self._object, "scene": self._scene, "implant": self._implant, "cutout": self._cutout, "free": self._free}
        rest = (1 - implants) / (1 - SHARES["implant"])
        self.chances = {name: share * rest for name, share in SHARES.items()} | {"implant": implants}
        if not self.objects:
            self.chances["object"] = 0.0
        if not self.stickers:
            self.chances["cutout"] = 0.0

    def draw(self, size_px: int, rng: np.random.Generator) -> Example:
        """Draw one example of `size_px` squared."""
        made = self.recipes[_choose(self.chances, rng)](size_px, rng)
        weight = made.seen / max(float(made.seen.sum()), 1.0)
        hole_rgb = np.tensordot(weight, made.image, ((0, 1), (0, 1))) / 255
        dropped = 0.0 if made.is_thing else WORDLESS
        caption = vary_caption(made.caption, hole_rgb.clip(0, 1), rng, made.caption_zh, dropped) if made.caption else ""
        return Example(to_tensor(made.image), torch.from_numpy(made.mask), caption)

    def _object(self, size: int, rng: np.random.Generator) -> _Scene:
        kind = _choose({kind: OBJECT_KINDS[kind] for kind in self.objects}, rng)
        if self.movable[kind] and rng.random() < MOVED_SHARE:
            return self._moved(_any(self.movable[kind], rng), size, rng)
        index = _any(self.objects[kind], rng)
        image, found, caption = self.photos.image(index), self.photos.object_mask(index), self.photos.entries[index].caption
        if found is None:
            return self._free_of(index, size, rng, FREE)
        if rng.random() < WHOLE_SHARE:
            image, found = pictures.square_around(image, found, size, rng)
        else:
            image, found = pictures.random_square(image, size, rng, NATIVE_SHARE, found)
        image, alpha = pictures.vary_colour(image, rng), found.astype(np.float32) / 255
        mask = np.ones((size, size), np.float32) if rng.random() < EVERYTHING else cover_object((alpha > 0.5).astype(np.float32), rng)
        return _Scene(image, mask, (alpha > 0.5).astype(np.float32) * mask, caption, is_thing=True)

    def _moved(self, index: int, size: int, rng: np.random.Generator) -> _Scene:
        """A photo's object pasted into another photo: the whole thing, smaller, in a foreign place."""
        sharp = cv2.convertScaleAbs(np.asarray(self.photos.object_mask(index)).clip(80, 180), alpha=2.55, beta=-204)
        cutout = np.dstack([self.photos.image(index), sharp])
        return self._pasted(cutout, size, rng, self.photos.entries[index].caption, "", least=0.4, most=0.9)

    def _cutout(self, size: int, rng: np.random.Generator) -> _Scene:
        number = _any(self.stickers, rng)
        entry = self.cutouts.entries[number]
        return self._pasted(self.cutouts.image(number), size, rng, entry.caption, entry.caption_zh)

    def _pasted(self, cutout: np.ndarray, size: int, rng, caption: str, caption_zh: str, least: float = 0.3, most: float = 0.75) -> _Scene:
        ground = self._ground(size, rng)
        image, alpha = pictures.paste(ground, cutout, rng, least, most)
        return _Scene(image, cover_object(alpha, rng), alpha, caption, caption_zh, is_thing=True)

    def _ground(self, size: int, rng: np.random.Generator) -> np.ndarray:
        index = _any(self.scenes if rng.random() < 0.7 else self.indices, rng)
        return pictures.vary_colour(pictures.random_square(self.photos.image(index), size, rng, NATIVE_SHARE)[0], rng)

    def _scene(self, size: int, rng: np.random.Generator) -> _Scene:
        return self._free_of(_any(self.scenes, rng), size, rng, LARGE if rng.random() < LARGE_SHARE else FREE)

    def _implant(self, size: int, rng: np.random.Generator) -> _Scene:
        """A photo that fades into another one inside the mask: the word counts, not what is around the hole."""
        kind = _choose({kind: IMPLANT_KINDS[kind] for kind in self.implants}, rng)
        classes = self.implants[kind]
        index = _any(classes[_choose({name: len(found) ** CLASS_BALANCE for name, found in classes.items()}, rng)], rng)
        ground = self._ground(size, rng)
        if kind == SCENE:
            mask = random_mask(size, rng, LARGE)
            photo = pictures.random_square(self.photos.image(index), size, rng, NATIVE_SHARE)[0]
        else:
            mask = draw_covering(size, rng)
            photo = self._thing_under(index, mask, rng)
        alpha = ((cv2.GaussianBlur(mask, (0, 0), size * rng.uniform(0.01, 0.05)) * 2 - 1).clip(0, 1) * mask)[..., None]
        image = np.rint(pictures.vary_colour(photo, rng) * alpha + ground * (1 - alpha)).astype(np.uint8)
        return _Scene(image, mask, mask, self.photos.entries[index].caption, is_thing=True)

    def _thing_under(self, index: int, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A photo's thing, scaled and shifted to lie under a mask: (size, size, 3) uint8, black elsewhere."""
        size = mask.shape[0]
        left, top, across, down = cv2.boundingRect(mask.astype(np.uint8))
        side = min(int(max(across, down) * rng.uniform(1.0, 1.2)), int(1.2 * size))
        found = self.photos.object_mask(index)
        if found is not None:
            part = pictures.square_around(self.photos.image(index), found, side, rng, most_margin=0.25)[0]
        else:
            part = pictures.middle_square(self.photos.image(index), side, rng.uniform(0.8, 1.0))
            if rng.random() < 0.5:
                part = cv2.flip(part, 1)
        shift = np.array([left + across / 2, top + down / 2]) - side / 2
        return cv2.warpAffine(part, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), (size, size), flags=cv2.INTER_NEAREST)

    def _free(self, size: int, rng: np.random.Generator) -> _Scene:
        return self._free_of(_any(self.indices, rng), size, rng, FREE)

    def _free_of(self, index: int, size: int, rng: np.random.Generator, chances: tuple[float, ...]) -> _Scene:
        """A free mask on a photo; without a word where it lies beside the thing the photo shows."""
        found = self.photos.object_mask(index)
        image, *cut = pictures.random_square(self.photos.image(index), size, rng, NATIVE_SHARE, *([] if found is None else [found]))
        mask = random_mask(size, rng, chances)
        caption = self.photos.entries[index].caption
        if cut and ((cut[0] > 127) * mask).sum() < BESIDE * mask.sum():
            caption = ""
        return _Scene(pictures.vary_colour(image, rng), mask, mask, caption)

    def _is_movable(self, index: int) -> bool:
        """Whether a photo's object is whole: the picture's edges cut off next to nothing of it."""
        mask = self.photos.object_mask(index)
        if mask is None:
            return False
        edges = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        return float((edges > 127).mean()) < 0.02


def _choose(chances: dict[str, float], rng: np.random.Generator) -> str:
    """Return one key with the chance that its value is of all values."""
    names, limits = list(chances), np.cumsum(list(chances.values()))
    return names[min(int(np.searchsorted(limits, rng.random() * limits[-1], side="right")), len(names) - 1)]


def _by_class(pack: Pack, indices: list[int]) -> dict[str, list[int]]:
    classes: dict[str, list[int]] = {}
    for index in indices:
        classes.setdefault(coarse_class(pack.entries[index].caption), []).append(index)
    return classes


def _any(indices: list[int], rng: np.random.Generator) -> int:
    return indices[int(rng.integers(len(indices)))]
