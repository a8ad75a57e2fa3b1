"""Brownian motion over noise levels: the same increment for the same seed, however the steps are cut.

References:
    Li, Wong, Chen & Duvenaud, "Scalable Gradients for Stochastic Differential Equations", AISTATS 2020, section 4 (virtual
    Brownian tree). Seeding and rounding agree with `torchsde.BrownianTree` 0.2.6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modules.engine.noise import NoiseSource, Shape, make_generator

_POOL_SIZE = 24
_DIGITS = 6


@dataclass(frozen=True)
class _Node:
    """One dyadic part of the whole interval, with the motion's increment over it."""

    start: float
    end: float
    key: int
    depth: int
    increment: Tensor


class BrownianTree:
    """Brownian motion of one image.

    Args:
        start, end: The interval it is defined on; times outside are clamped.
        seed: Fixes the whole path.
        shape: Of one increment.
        source: Which generator draws.
        device: Where increments are wanted.
    """

    def __init__(self, start: float, end: float, seed: int, shape: Shape, source: NoiseSource, device: torch.device) -> None:
        self._seed, self._shape, self._source, self._device = seed, shape, source, device
        first = np.random.SeedSequence(entropy=seed, pool_size=_POOL_SIZE).generate_state(3)[0]
        self._split: dict[tuple[int, int], tuple[_Node, _Node]] = {}
        self._root = _Node(round(start, _DIGITS), round(end, _DIGITS), 0, 0, self._draw(first) * math.sqrt(end - start))

    def increment(self, start: float, end: float) -> Tensor:
        """W(end) - W(start), of `shape`; start <= end."""
        low, high = (min(max(time, self._root.start), self._root.end) for time in (start, end))
        low, high = round(low, _DIGITS), round(high, _DIGITS)
        total: Tensor | None = None
        split: dict[tuple[int, int], tuple[_Node, _Node]] = {}
        pending = [self._root] if low < high else []
        while pending:
            node = pending.pop()
            if low <= node.start and node.end <= high:
                total = node.increment if total is None else total + node.increment
                continue
            place = (node.key, node.depth)
            split[place] = self._split.get(place) or self._halves(node)
            pending.extend(half for half in reversed(split[place]) if half.start < high and half.end > low)
        # The next step begins where this one ended: it goes down half of the same nodes.
        self._split = split
        return torch.zeros(self._shape, device=self._device) if total is None else total

    def _halves(self, node: _Node) -> tuple[_Node, _Node]:
        middle = round(0.5 * (node.end + node.start), _DIGITS)
        sequence = np.random.SeedSequence(entropy=self._seed, spawn_key=(node.key, node.depth), pool_size=_POOL_SIZE)
        noise = self._draw(sequence.generate_state(4)[0])
        scale = 1 / (node.end - node.start)
        before, after = middle - node.start, node.end - middle
        left = before * node.increment * scale + math.sqrt(before * after * scale) * noise
        return (
            _Node(node.start, middle, 2 * node.key, node.depth + 1, left),
            _Node(middle, node.end, 2 * node.key + 1, node.depth + 1, node.increment - left),
        )

    def _draw(self, seed: np.uint32) -> Tensor:
        return make_generator(int(seed), self._source, self._device)(self._shape)


class BrownianNoise:
    """Unit-variance noise between two noise levels, for a batch.

    Args:
        sigma_min, sigma_max: Range of all levels of the schedule, the part that img2img leaves out included.
        seeds: One an image.
        shape: (C, h, w).
        source: Which generator draws.
        device: Where noise is wanted.
    """

    def __init__(
        self, sigma_min: float, sigma_max: float, seeds: Sequence[int], shape: Shape, source: NoiseSource, device: torch.device
    ) -> None:
        low, high = sorted((sigma_min, sigma_max))
        self._trees = [BrownianTree(low, high, seed, shape, source, device) for seed in seeds]

    def __call__(self, sigma: Tensor | float, sigma_next: Tensor | float) -> Tensor:
        """(B, C, h, w) float32: the increment over [sigma_next, sigma], divided by the root of its length.

        Going down in sigma the increment counts negative, as Brownian motion run backwards does.
        """
        first, last = (torch.as_tensor(level, dtype=torch.float32).cpu() for level in (sigma, sigma_next))
        start, end = float(first), float(last)
        low, high = sorted((start, end))
        sign = 1.0 if start < end else -1.0
        increment = torch.stack([tree.increment(low, high) for tree in self._trees])
        return increment * sign / float((last - first).abs().sqrt())
