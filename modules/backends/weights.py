"""Weights from a mapped file into modules, tensor by tensor: never more than one tensor exists twice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from modules.backends.header import Header
from modules.base.errors import BrokenCheckpoint

log = logging.getLogger(__name__)
_NAMED_IN_ERRORS = 3
FED_CHANNELS_LAST = "is_fed_channels_last"
"""Attribute of convolutions whose weights are laid out channels last in every precision: it saves a copy a call, and changes no bit."""


def build_module(
    make: Callable[[], nn.Module],
    header: Header,
    names: Mapping[str, str],
    device: torch.device,
    dtype: torch.dtype | None,
    rows: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> nn.Module:
    """Build a module and fill it from a file.

    The file is mapped only while this runs; what is returned owns its memory. Convolutions are laid out as `picture_layout` says,
    or as they are marked.

    Args:
        make: Builds the module; called on the meta device, so that nothing is allocated or initialised.
        header: Of the file.
        names: Parameter name -> tensor name in the file.
        dtype: What the parameters become; None = they stay as they are stored.
        rows: Parameter name -> (index, count), where it is one of `count` equal parts of the tensor's rows.

    Raises:
        BrokenCheckpoint: A parameter has no tensor or one of another shape, or the file cannot be read any more.
    """
    with torch.device("meta"):
        module = make()
    wanted = module.state_dict()
    _check(header, wanted, names, rows)
    marked = {f"{name}.weight" for name, layer in module.named_modules() if getattr(layer, FED_CHANNELS_LAST, False)}
    filled = {}
    try:
        with safe_open(header.path, framework="pt", device="cpu") as file:
            for name, parameter in wanted.items():
                source = _part(file.get_slice(names[name]), *rows[name]) if name in rows else file.get_tensor(names[name])
                filled[name] = _place(source, parameter, device, dtype, name in marked)
    except (SafetensorError, OSError) as error:
        raise BrokenCheckpoint(f"{header.path.name} changed or became unreadable while it was loaded: {error}") from error
    module.load_state_dict(filled, assign=True)
    return module.eval().requires_grad_(False)


def picture_layout(dtype: torch.dtype) -> torch.memory_format:
    """Channels last where it pays (half precision); float32 keeps A1111's layout, whose rounding its pictures show."""
    return torch.contiguous_format if dtype == torch.float32 else torch.channels_last


def _place(source: Tensor, parameter: Tensor, device: torch.device, dtype: torch.dtype | None, is_marked: bool) -> Tensor:
    dtype = dtype or source.dtype
    layout = torch.contiguous_format
    if parameter.ndim == 4:
        layout = torch.channels_last if is_marked else picture_layout(dtype)
    target = torch.empty(parameter.shape, dtype=dtype, device=device, memory_format=layout)
    return target.copy_(source.reshape(parameter.shape))


def _part(tensor: Any, index: int, count: int) -> Tensor:
    """One of `count` equal parts of the rows of a tensor in a file."""
    size = tensor.get_shape()[0] // count
    part: Tensor = tensor[index * size : (index + 1) * size]
    return part


def _check(header: Header, wanted: Mapping[str, Tensor], names: Mapping[str, str], rows: Mapping[str, tuple[int, int]]) -> None:
    missing = [name for name in wanted if names.get(name) not in header.tensors]
    if missing:
        shown = ", ".join(missing[:_NAMED_IN_ERRORS])
        raise BrokenCheckpoint(f"{header.path.name} is incomplete: {len(missing)} of {len(wanted)} weights are missing ({shown} ...)")
    for name, parameter in wanted.items():
        shape = header.tensors[names[name]].shape
        if name in rows and shape and shape[0] % rows[name][1] == 0:
            shape = (shape[0] // rows[name][1], *shape[1:])
        if tuple(side for side in shape if side != 1) != tuple(side for side in parameter.shape if side != 1):
            raise BrokenCheckpoint(f"{header.path.name}: {names[name]} has shape {list(shape)}, wanted {list(parameter.shape)}")
    unused = len(names.keys() - wanted.keys())
    if unused > 0:
        log.debug("%s: %d tensors are of no use", header.path.name, unused)
