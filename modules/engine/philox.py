"""CUDA's Philox4x32-10 normal numbers, computed with NumPy.

References:
    Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
    Box & Muller, "A Note on the Generation of Random Normal Deviates", 1958.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_TO_UNIT = np.float32(2.3283064e-10)
_TO_ANGLE = np.float32(2.3283064e-10 * 6.2831855)


def philox_4x32(counter: Words, seed: int) -> Words:
    """Encrypt counters.

    Args:
        counter: (4, n) uint32.
        seed: 64-bit key.

    Returns:
        (4, n) uint32, uniform.
    """
    keys = [seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF]
    c0, c1, c2, c3 = counter
    for _ in range(_ROUNDS):
        low = c0.astype(np.uint64) * _MULTIPLIERS[0]
        high = c2.astype(np.uint64) * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            (high >> np.uint64(32)).astype(np.uint32) ^ c1 ^ np.uint32(keys[0]),
            high.astype(np.uint32),
            (low >> np.uint64(32)).astype(np.uint32) ^ c3 ^ np.uint32(keys[1]),
            low.astype(np.uint32),
        )
        keys = [(key + step) & 0xFFFFFFFF for key, step in zip(keys, _WEYL, strict=True)]
    return np.stack([c0, c1, c2, c3])


class PhiloxGenerator:
    """Normal numbers as `torch.randn` on a CUDA device gives them, one counter an element.

    Args:
        seed: 64-bit seed.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed & 0xFFFFFFFFFFFFFFFF
        self._calls = 0

    def randn(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Standard normal float32 of `shape`; each call moves the generator on by one."""
        count = math.prod(shape)
        counter = np.zeros((4, count), dtype=np.uint32)
        counter[0] = self._calls
        counter[2] = np.arange(count, dtype=np.uint32)
        self._calls += 1
        words = philox_4x32(counter, self._seed)
        radius = words[0] * _TO_UNIT + _TO_UNIT / 2
        angle = words[1] * _TO_ANGLE + _TO_ANGLE / 2
        return (np.sqrt(-2.0 * np.log(radius)) * np.sin(angle)).astype(np.float32).reshape(shape)
