"""One LoRA file: which layers it changes, read from its header; tensors only when they are merged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from modules.backends.catalog import FileStamp
from modules.backends.header import Header, read_header
from modules.backends.loras.catalog import LARGEST_HEADER_BYTES
from modules.backends.loras.memory import ByteCache
from modules.backends.loras.names import parse_tensor_name
from modules.base.errors import BrokenCheckpoint, UnusableNetwork
from modules.engine.lora.network import Layer

LARGEST_FILE_BYTES = 4 << 30
_BYTES_A_NAME = 1000
_NUMBERS = {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I64", "I32", "I16", "I8", "U8", "BOOL"}
_PEFT_METADATA = "lora_adapter_metadata"
_PEFT_NAMES = {"unet": "unet", "text": "text_encoder"}


@dataclass(frozen=True)
class LoraFile:
    """A `NetworkFile` of `engine.lora.network`.

    Attributes:
        stamp: Size and time of the file when its header was read.
        tensors: Names of the tensors of each layer's parts.
        alphas: Alphas that PEFT writes into metadata, not into tensors.
        memory: Where tensors are kept between merges.
    """

    name: str
    stamp: FileStamp
    layers: Mapping[Layer, Mapping[str, tuple[int, ...]]]
    tensors: Mapping[Layer, Mapping[str, str]]
    alphas: Mapping[Layer, float]
    unknown: tuple[str, ...]
    made_for: str
    tensor_count: int
    memory: ByteCache = field(repr=False, compare=False)

    @property
    def key(self) -> tuple[str, int, int]:
        return str(self.stamp.path), self.stamp.size, self.stamp.mtime_ns

    @contextmanager
    def open(self) -> Iterator[LoraReader]:
        """Open the file for reading.

        Raises:
            UnusableNetwork: It changed since its header was read, or cannot be read any more.
        """
        if self.stamp.has_changed():
            raise UnusableNetwork(f"{self.stamp.path.name} changed while it was being read; try again")
        try:
            with safe_open(self.stamp.path, framework="pt", device="cpu") as opened:
                yield LoraReader(self, opened)
        except (SafetensorError, OSError) as error:
            raise UnusableNetwork(f"{self.stamp.path.name} changed or became unreadable while it was loaded: {error}") from error


class LoraReader:
    """Reads the tensors of one layer at a time; what fits stays in the file's `memory`."""

    def __init__(self, file: LoraFile, opened: Any) -> None:
        self._file, self._opened = file, opened

    def read(self, layer: Layer) -> Mapping[str, Tensor]:
        """Tensors by part, as stored, on the CPU; not to be written to."""
        key = (*self._file.key, layer)
        known = self._file.memory.get(key)
        if known is not None:
            return known
        get = self._opened.get_tensor
        # Cloned: a tensor that still lies in the mapped file would change, or end the process, when the file does.
        parts = {part: get(name).clone() for part, name in self._file.tensors[layer].items()}
        if layer in self._file.alphas:
            parts["alpha"] = torch.tensor(self._file.alphas[layer], dtype=torch.float64)
        self._file.memory.put(key, parts, sum(tensor.nbytes for tensor in parts.values()))
        return parts


def read_lora(path: Path, name: str, memory: ByteCache) -> LoraFile:
    """Read which layers a file changes; no tensor is read.

    Args:
        name: What messages call it.

    Raises:
        UnusableNetwork: The file is damaged, too large, or holds other things than numbers.
    """
    try:
        stamp = FileStamp.of(path)
        key = (name, path, stamp.size, stamp.mtime_ns)
        known: LoraFile | None = memory.get(key)
        if known is not None:
            return known
        header = read_header(path, longest=LARGEST_HEADER_BYTES)
    except (BrokenCheckpoint, OSError) as error:
        raise UnusableNetwork(f"LoRA {name!r} cannot be used: {error}") from error
    _check_header(header, stamp, name)
    tensors, unknown = _sort_tensors(header)
    layers = {layer: {part: header.tensors[tensor].shape for part, tensor in names.items()} for layer, names in tensors.items()}
    alphas = _read_peft_alphas(header, layers)
    for layer in alphas:
        layers[layer]["alpha"] = ()
    made_for = header.metadata.get("ss_base_model_version", "") or header.metadata.get("modelspec.architecture", "")
    made = LoraFile(name, stamp, layers, tensors, alphas, unknown, made_for[:60], len(header.tensors), memory)
    memory.put(key, made, _BYTES_A_NAME * len(header.tensors))
    return made


def _check_header(header: Header, stamp: FileStamp, name: str) -> None:
    if stamp.size > LARGEST_FILE_BYTES:
        got, wanted = stamp.size >> 20, LARGEST_FILE_BYTES >> 20
        raise UnusableNetwork(f"LoRA {name!r} cannot be used: {header.path.name} has {got} MiB, wanted at most {wanted}")
    for tensor, info in header.tensors.items():
        if info.dtype not in _NUMBERS:
            raise UnusableNetwork(f"LoRA {name!r} cannot be used: {tensor} has type {info.dtype}, wanted numbers")


def _sort_tensors(header: Header) -> tuple[dict[Layer, dict[str, str]], tuple[str, ...]]:
    """Tensor names by layer and part, and those of unknown form."""
    tensors: dict[Layer, dict[str, str]] = {}
    unknown = []
    for name in header.tensors:
        found = parse_tensor_name(name)
        if found is None or found[1] in tensors.get(found[0], ()):
            unknown.append(name)
        else:
            tensors.setdefault(found[0], {})[found[1]] = name
    return tensors, tuple(unknown)


def _read_peft_alphas(header: Header, layers: Mapping[Layer, Mapping[str, tuple[int, ...]]]) -> dict[Layer, float]:
    """Alphas from the metadata that diffusers writes since 0.34; layers with an alpha of their own are left out."""
    try:
        stated = json.loads(header.metadata.get(_PEFT_METADATA, "{}"))
        found: dict[Layer, float] = {}
        for layer, shapes in layers.items():
            prefix = _PEFT_NAMES[layer[0]]
            if "alpha" in shapes or f"{prefix}.lora_alpha" not in stated or "lora_down" not in shapes:
                continue
            alpha = float(_pattern_value(stated.get(f"{prefix}.alpha_pattern") or {}, layer[1], stated[f"{prefix}.lora_alpha"]))
            rank = shapes["lora_down"][0] if shapes["lora_down"] else 1
            found[layer] = alpha * rank**0.5 if stated.get(f"{prefix}.use_rslora") else alpha
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UnusableNetwork(f"{header.path.name} has unreadable {_PEFT_METADATA}: {error}") from error
    return found


def _pattern_value(pattern: Mapping[str, Any], layer: str, default: Any) -> Any:
    """PEFT's rule: a pattern names a layer, or the last parts of its path."""
    for name, value in pattern.items():
        if f"_{layer}".endswith("_" + re.sub(r"\W+", "_", name).strip("_")):
            return value
    return default
