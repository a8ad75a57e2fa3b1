"""Does a word in the hole bring that thing? Fills of holes in photos of other things, judged by the classifier of real photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from torch import nn

from .captions import coarse_class
from .classifier import classify
from .data import Pack
from .fills import SIDE_PX
from .pictures import middle_square
from .studio import Studio
from .words import GENERAL

EXTENT = (0.55, 0.70)
AROUND = 1.08
"""Side of the square that is judged, as a multiple of the hole's longer side."""
SEEDS = 2


@dataclass(frozen=True)
class Fill:
    """One prompted hole.

    Attributes:
        wanted: Class that was asked for.
        prompt: In which words.
        truth: (SIDE_PX, SIDE_PX, 3) uint8, a photo of another class.
        mask: (SIDE_PX, SIDE_PX) uint8.
        results: A finished picture for each seed.
        ranks: Classes from the likeliest on, for each result.
    """

    wanted: str
    prompt: str
    truth: np.ndarray
    mask: np.ndarray
    results: list[np.ndarray]
    ranks: list[list[str]]

    @property
    def difference(self) -> float:
        """Mean difference of the first two results in the hole, of 255."""
        first, second = (result[self.mask > 0].astype(float) for result in self.results[:2])
        return float(np.abs(first - second).mean())

    def right(self, most: int) -> int:
        """Results whose class is among the first `most`."""
        return sum(self.wanted in rank[:most] for rank in self.ranks)


def everyday_word(caption: str) -> str:
    """What a person would type for what a caption names: "an apple" for any kind of apple, "a kiwi", "milk", "the sea"."""
    group = next((group for group in GENERAL if caption in group.members), None)
    if group is None:
        return caption
    with_article = [words for words in group.english if words.startswith(("a ", "an "))]
    return group.english[0] if len(group.members) > 1 or not with_article else with_article[0]


def words_for(name: str, captions: set[str]) -> list[str]:
    """The words by which a coarse class is asked for: one for each kind of thing in it."""
    return sorted({everyday_word(caption) for caption in captions if coarse_class(caption) == name})


def draw_middle(rng: np.random.Generator, side: int = SIDE_PX) -> np.ndarray:
    """Draw one box or ellipse of 55 to 70 % of the side each way, near the middle; (side, side) uint8."""
    mask = np.zeros((side, side), np.uint8)
    width, height = (int(side * rng.uniform(*EXTENT)) for _ in range(2))
    x, y = (int((side - length) / 2 + rng.uniform(-0.06, 0.06) * side) for length in (width, height))
    if rng.random() < 0.5:
        mask[y : y + height, x : x + width] = 255
    else:
        cv2.ellipse(mask, (x + width // 2, y + height // 2), (width // 2, height // 2), 0, 0, 360, 255, -1)
    return mask


def cut_around(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Cut the square around a hole, a little larger than its bounding box, kept inside the picture."""
    x, y, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
    side = min(int(max(width, height) * AROUND), *image.shape[:2])
    left = int(np.clip(x + width / 2 - side / 2, 0, image.shape[1] - side))
    top = int(np.clip(y + height / 2 - side / 2, 0, image.shape[0] - side))
    return image[top : top + side, left : left + side]


def fill_with_words(studio: Studio, pack: Pack, judge: tuple[nn.Module, list[str]], name: str, holes: int, **changed: Any) -> list[Fill]:
    """Paint a class into holes of held-out photos of other classes; the same ones each time.

    Args:
        studio: Paints.
        pack: Photos; only held-out ones are painted in.
        judge: Classifier and its classes.
        name: The class that is asked for, one of `judge`'s.
        holes: How many.
        changed: Fields of the request that differ from the preset's.
    """
    model, classes = judge
    words = words_for(name, {entry.caption for entry in pack.entries})
    others = [i for i in pack.split(held_out=True) if coarse_class(pack.entries[i].caption) != name]
    rng = np.random.default_rng(4000 + classes.index(name))
    fills = []
    for turn, index in enumerate(rng.choice(others, holes, replace=False)):
        truth, mask, prompt = middle_square(pack.image(int(index)), SIDE_PX), draw_middle(rng), words[turn % len(words)]
        results = studio.repaint(truth, mask, SEEDS, prompt=prompt, seed=int(index), **changed)
        order = classify(model, [cut_around(result, mask) for result in results]).argsort(1, descending=True)
        fills.append(Fill(name, prompt, truth, mask, results, [[classes[i] for i in rank] for rank in order.tolist()]))
    return fills
