"""What a safetensors file holds, read from its header alone: names, shapes, types, metadata.

References:
    The safetensors format: 8 bytes little-endian header length, JSON header, tensor bytes without gaps.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from modules.base.errors import BrokenCheckpoint

TYPE_SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1,
    "C64": 8, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "F8_E4M3FNUZ": 1, "F8_E5M2FNUZ": 1,
}  # fmt: skip
_LENGTH_BYTES = 8
_LONGEST_HEADER = 100_000_000
_DISGUISES = (
    (b"PK\x03\x04", "is a zip archive, most likely a pickle checkpoint under another name; " + "convert it to safetensors first"),
    (b"\x80", "is a pickle under another name; convert it to safetensors first"),
    (b"version https://git-lfs", "is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`"),
    (b"GGUF", "is a GGUF file under another name; this program reads safetensors"),
    (b"<", "is a web page, so its download went wrong; download it again"),
)


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of a file: its type (safetensors' spelling), shape, and place in the data part, in bytes."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Header:
    """The table of contents of one safetensors file."""

    path: Path
    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str]

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Shape of the tensor `name`; None if there is none."""
        tensor = self.tensors.get(name)
        return None if tensor is None else tensor.shape

    def has_prefix(self, prefix: str) -> bool:
        return any(name.startswith(prefix) for name in self.tensors)


def read_floats(header: Header, name: str) -> NDArray[np.float32] | None:
    """The values of one small tensor, without torch; None when it is not there, or holds no 16- or 32-bit floats.

    Raises:
        BrokenCheckpoint: The file cannot be read any more.
    """
    info = header.tensors.get(name)
    if info is None or info.dtype not in ("F16", "BF16", "F32"):
        return None
    try:
        with header.path.open("rb") as file:
            start = _LENGTH_BYTES + int.from_bytes(file.read(_LENGTH_BYTES), "little")
            file.seek(start + info.start)
            raw = file.read(info.end - info.start)
    except OSError as error:
        raise BrokenCheckpoint(f"{header.path.name} cannot be read: {error.strerror or error}") from error
    if len(raw) != info.end - info.start:
        raise BrokenCheckpoint(f"{header.path.name} changed while it was looked at; try again when the file is complete")
    if info.dtype == "BF16":
        return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(raw, "<f2" if info.dtype == "F16" else "<f4").astype(np.float32)


def read_header(path: Path, longest: int = _LONGEST_HEADER) -> Header:
    """Read and check the header of a safetensors file; no tensor is read.

    Args:
        longest: Bytes that the header may have; parsing takes about 50 ns and 10 bytes of memory a byte.

    Raises:
        BrokenCheckpoint: The file cannot be read, is of another format, or is cut short; the message says which.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(_LENGTH_BYTES + 16)
            length = int.from_bytes(start[:_LENGTH_BYTES], "little")
            _check_start(path, start, length, size, longest)
            file.seek(_LENGTH_BYTES)
            raw = file.read(length)
    except OSError as error:
        raise BrokenCheckpoint(f"{path.name} cannot be read: {error.strerror or error}") from error
    try:
        entries = json.loads(raw)
        metadata = entries.pop("__metadata__", {})
        tensors = {name: _parse_entry(entry) for name, entry in entries.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BrokenCheckpoint(f"{path.name} is no safetensors file: its header cannot be parsed ({error})") from error
    _check_places(path, tensors, size - _LENGTH_BYTES - length)
    return Header(path, tensors, {str(key): str(value) for key, value in metadata.items()})


def _check_start(path: Path, start: bytes, length: int, size: int, longest: int) -> None:
    for magic, reason in _DISGUISES:
        if start.startswith(magic) and start[_LENGTH_BYTES : _LENGTH_BYTES + 1] != b"{":
            raise BrokenCheckpoint(f"{path.name} {reason}")
    if size < _LENGTH_BYTES + 2:
        raise BrokenCheckpoint(f"{path.name} is truncated: {size} bytes are there, not even a header; download it again")
    if longest < length <= _LONGEST_HEADER:
        raise BrokenCheckpoint(f"{path.name} has a header of {length} bytes, wanted at most {longest}")
    if length > _LONGEST_HEADER or start[_LENGTH_BYTES : _LENGTH_BYTES + 1] != b"{":
        raise BrokenCheckpoint(f"{path.name} is no safetensors file: it does not start with a safetensors header")
    if _LENGTH_BYTES + length > size:
        raise BrokenCheckpoint(f"{path.name} is truncated: its header needs {length} bytes, the file has {size}; download it again")


def _parse_entry(entry: dict[str, object]) -> TensorInfo:
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or not isinstance(shape, list) or not isinstance(offsets, list):
        raise TypeError("an entry without dtype, shape and data_offsets")
    tensor = TensorInfo(dtype, tuple(int(side) for side in shape), int(offsets[0]), int(offsets[1]))
    wanted = math.prod(tensor.shape) * TYPE_SIZES.get(dtype, 0)
    if min(tensor.shape, default=0) < 0 or (dtype in TYPE_SIZES and wanted != tensor.end - tensor.start):
        raise ValueError(f"{dtype} {list(tensor.shape)} does not fill {tensor.end - tensor.start} bytes")
    return tensor


def _check_places(path: Path, tensors: Mapping[str, TensorInfo], available: int) -> None:
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if tensor.start != end:
            raise BrokenCheckpoint(f"{path.name} is damaged: tensor {name} does not start where the one before it ends")
        end = tensor.end
    if end > available:
        lost = sum(tensor.end > available for tensor in tensors.values())
        raise BrokenCheckpoint(
            f"{path.name} is truncated: {available} of {end} bytes of weights are there, {lost} of {len(tensors)} tensors are missing; "
            "download it again"
        )
    if end < available:
        raise BrokenCheckpoint(f"{path.name} is damaged: {available - end} bytes follow its last tensor")
