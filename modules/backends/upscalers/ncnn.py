"""Reading ncnn's `.param` / `.bin` pairs: the layers in order, each with its weights. NumPy only.

References:
    ncnn's wiki, "param and model file structure": a text of layers, and their weights one after the other without names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from modules.base.errors import UnusableNetwork

MAGIC = "7767517"
HALF = 0x01306B47
_WHOLE = 0
_TAG_BYTES = 4
_LARGEST_PARAM_BYTES = 4 << 20
_OUTPUTS, _KERNEL, _HAS_BIAS, _WEIGHTS = "0", "1", "5", "6"


@dataclass(frozen=True)
class NcnnLayer:
    """One layer that has weights.

    Attributes:
        kind: "Convolution" or "PReLU".
        weight: float32; (outputs, inputs, side, side) or, of a PReLU, (channels,).
        bias: float32 (outputs,); None where there is none.
    """

    kind: str
    weight: NDArray[np.float32]
    bias: NDArray[np.float32] | None = None


def read_ncnn(param: Path) -> list[NcnnLayer]:
    """The convolutions and PReLUs of a network in the order of the file, which is that of their execution.

    Args:
        param: The text; the weights lie beside it, with the suffix `.bin`.

    Raises:
        UnusableNetwork: Either file is missing, damaged, or of a form that is not read here.
    """
    weights = param.with_suffix(".bin")
    try:
        if param.stat().st_size > _LARGEST_PARAM_BYTES:
            raise UnusableNetwork(f"{param.name} is no ncnn network: it is larger than {_LARGEST_PARAM_BYTES >> 20} MiB")
        lines = param.read_text(encoding="utf-8").splitlines()
        data = weights.read_bytes()
    except UnicodeDecodeError as error:
        raise UnusableNetwork(f"{param.name} is no ncnn network in text form") from error
    except OSError as error:
        raise UnusableNetwork(f"{Path(error.filename or param).name} cannot be read: {error.strerror or error}") from error
    if len(lines) < 3 or lines[0].strip() != MAGIC:
        raise UnusableNetwork(f"{param.name} is no ncnn network in text form: it does not begin with {MAGIC}")
    reader = _Weights(weights.name, data)
    try:
        layers = [layer for line in lines[2:] if line.strip() for layer in _read_layer(line.split(), reader)]
    except (ValueError, IndexError, KeyError) as error:
        raise UnusableNetwork(f"{param.name} is damaged: {error}") from error
    reader.check_end()
    return layers


def _read_layer(words: list[str], weights: _Weights) -> list[NcnnLayer]:
    kind, inputs, outputs = words[0], int(words[2]), int(words[3])
    settings = dict(word.split("=", 1) for word in words[4 + inputs + outputs :])
    if kind == "PReLU":
        return [NcnnLayer(kind, weights.take_plain(int(settings["0"])))]
    if kind == "Convolution":
        count, side, size = int(settings[_OUTPUTS]), int(settings[_KERNEL]), int(settings[_WEIGHTS])
        if min(count, side) < 1 or size % (count * side * side):
            raise ValueError(f"{words[1]} has {size} weights, wanted a multiple of {count} x {side} x {side}")
        weight = weights.take_tagged(size).reshape(count, -1, side, side)
        return [NcnnLayer(kind, weight, weights.take_plain(count) if settings.get(_HAS_BIAS) == "1" else None)]
    return []


class _Weights:
    """The `.bin`, read from front to back."""

    def __init__(self, name: str, data: bytes) -> None:
        self._name, self._data, self._at = name, data, 0

    def take_tagged(self, count: int) -> NDArray[np.float32]:
        """A block that says how its numbers are stored: halves (padded to whole words) or singles."""
        tag = int.from_bytes(self._take(_TAG_BYTES), "little")
        if tag == HALF:
            values = np.frombuffer(self._take(2 * count), "<f2").astype(np.float32)
            self._take(-2 * count % _TAG_BYTES)
            return values
        if tag == _WHOLE:
            return self.take_plain(count)
        raise UnusableNetwork(f"{self._name} stores weights in a form (0x{tag:08x}) that is not read here; wanted 16- or 32-bit floats")

    def take_plain(self, count: int) -> NDArray[np.float32]:
        return np.frombuffer(self._take(4 * count), "<f4").astype(np.float32)

    def check_end(self) -> None:
        left = len(self._data) - self._at
        if left:
            raise UnusableNetwork(f"{self._name} does not belong to its .param file: {left} bytes are left over")

    def _take(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if count < 0 or len(part) != count:
            raise UnusableNetwork(f"{self._name} is truncated: {len(self._data)} bytes are there; download it again")
        self._at += count
        return part
