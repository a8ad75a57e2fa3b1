"""Telling from a file's tensors which network they belong to, and giving them our names."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from modules.backends.upscalers.ncnn import NcnnLayer
from modules.backends.upscalers.networks import CompactNet, RRDBNet
from modules.base.errors import UnusableNetwork

Tensors = Mapping[str, Tensor]
FAMILIES = "ESRGAN, ESRGAN+, BSRGAN, Real-ESRGAN (x1, x2, x4, x8) and Real-ESRGAN's compact network"
_CONTAINERS = ("params_ema", "params", "state_dict", "net_g", "model")
_OLD_BLOCK = re.compile(r"model\.1\.sub\.(\d+)\.RDB([123])\.(conv\d(?:x1)?)(?:\.0)?\.(weight|bias)")
_OLD_ROOT = re.compile(r"model\.(\d+)\.(weight|bias)")
_OLD_TRUNK = re.compile(r"model\.1\.sub\.(\d+)\.(weight|bias)")
_EARLY_BLOCK = re.compile(r"RRDB_trunk\.(\d+)\.RDB([123])\.(conv\d(?:x1)?)\.(weight|bias)")
_EARLY_ROOT = {"trunk_conv": "conv_body", "HRconv": "conv_hr"}
_MOST_BLOCKS = 64


def build_network(tensors: Tensors, file_name: str) -> RRDBNet | CompactNet:
    """The network that a file's tensors belong to, filled with them, in float32.

    Args:
        tensors: As they lie in the file.
        file_name: For errors.

    Raises:
        UnusableNetwork: They are of no family that is known here, or some are missing or of a wrong shape.
    """
    named = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    if "body.0.weight" in named:
        network = _make(lambda: _compact_for(named), file_name)
    else:
        named = _modern_names(named)
        if "conv_first.weight" not in named or "body.0.rdb1.conv1.weight" not in named:
            raise UnusableNetwork(f"{file_name} is no upscaler that can run here; wanted one of {FAMILIES}")
        network = _make(lambda: _rrdb_for(named), file_name)
    return _fill(network, named, file_name)


def build_from_layers(layers: Sequence[NcnnLayer], file_name: str) -> RRDBNet | CompactNet:
    """The same for an ncnn network, whose layers have an order and no names.

    Raises:
        UnusableNetwork: As above.
    """
    values: list[dict[str, Tensor]] = []
    for layer in layers:
        bias = {} if layer.bias is None else {"bias": torch.from_numpy(layer.bias)}
        values.append({"weight": torch.from_numpy(layer.weight), **bias})
    if any(layer.kind == "PReLU" for layer in layers):
        names = [f"body.{index}" for index in range(len(values))]
    else:
        blocks, rest = divmod(len(values) - 6, 15)
        if rest or not 0 < blocks <= _MOST_BLOCKS:
            raise UnusableNetwork(
                f"{file_name} is no upscaler that can run here: it has {len(values)} convolutions; wanted one of {FAMILIES}"
            )
        inner = [f"body.{block}.rdb{part}.conv{layer}" for block in range(blocks) for part in (1, 2, 3) for layer in range(1, 6)]
        names = ["conv_first", *inner, "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    return build_network(
        {f"{name}.{key}": tensor for name, value in zip(names, values, strict=True) for key, tensor in value.items()}, file_name
    )


def unwrap(loaded: object, file_name: str) -> dict[str, Tensor]:
    """The tensors of what a training program saved: bare, or under one of the usual names.

    Raises:
        UnusableNetwork: There are none.
    """
    found = loaded
    for name in _CONTAINERS:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
            break
    tensors = {str(name): value for name, value in found.items() if isinstance(value, Tensor)} if isinstance(found, Mapping) else {}
    if not tensors:
        raise UnusableNetwork(f"{file_name} holds no tensors by name; wanted one of {FAMILIES}")
    return tensors


def _make(build: Callable[[], RRDBNet | CompactNet], file_name: str) -> RRDBNet | CompactNet:
    try:
        with torch.device("meta"):
            return build()
    except (KeyError, ValueError, IndexError) as error:
        raise UnusableNetwork(f"{file_name} is no whole upscaler: {error}") from error


def _compact_for(named: Tensors) -> CompactNet:
    if "body.1.weight" not in named or named["body.1.weight"].ndim != 1:
        raise ValueError("a compact network without PReLU is not known here")
    last = max(int(name.split(".")[1]) for name in named if re.fullmatch(r"body\.\d+\.weight", name))
    if last % 2 or last < 4 or last > 4 * _MOST_BLOCKS:
        raise ValueError(f"its last layer is body.{last}")
    features, outputs = named["body.0.weight"].shape[0], named[f"body.{last}.weight"].shape[0]
    return CompactNet((last - 2) // 2, features, _whole_root(outputs / 3, f"body.{last} gives {outputs} channels"))


def _rrdb_for(named: Tensors) -> RRDBNet:
    blocks = 1 + max(int(name.split(".")[1]) for name in named if name.startswith("body."))
    if blocks > _MOST_BLOCKS:
        raise ValueError(f"{blocks} blocks, wanted at most {_MOST_BLOCKS}")
    growth, features = named["body.0.rdb1.conv1.weight"].shape[:2]
    inputs = named["conv_first.weight"].shape[1]
    unshuffle = _whole_root(inputs / 3, f"conv_first takes {inputs} channels")
    doublings = sum(f"conv_up{index}.weight" in named for index in range(1, 9))
    if 2**doublings % unshuffle:
        raise ValueError(f"conv_first takes {inputs} channels, and the picture is doubled {doublings} times")
    return RRDBNet(blocks, features, growth, doublings, unshuffle, is_plus="body.0.rdb1.conv1x1.weight" in named)


def _whole_root(value: float, what: str) -> int:
    root = round(math.sqrt(value))
    if root < 1 or root > 8 or root * root != value:
        raise ValueError(f"{what}, wanted 3 times a square (RGB)")
    return root


def _modern_names(named: Tensors) -> dict[str, Tensor]:
    """Real-ESRGAN's names for the tensors of an older file."""
    if "model.0.weight" in named:
        return _from_sequential(named)
    renamed = {}
    for name, tensor in named.items():
        if match := _EARLY_BLOCK.fullmatch(name):
            name = "body.{}.rdb{}.{}.{}".format(*match.groups())
        root, _, kind = name.rpartition(".")
        root = _EARLY_ROOT.get(root, root)
        renamed[f"conv_up{root[-1]}.{kind}" if re.fullmatch(r"upconv\d", root) else f"{root}.{kind}"] = tensor
    return renamed


def _from_sequential(named: Tensors) -> dict[str, Tensor]:
    """The first ESRGAN files number their layers: all doublings lie between the blocks and the last two convolutions."""
    roots = sorted({int(match[1]) for name in named if (match := _OLD_ROOT.fullmatch(name))})
    names = {number: f"conv_up{index}" for index, number in enumerate(roots[1:-2], 1)}
    names |= {roots[0]: "conv_first"} | dict(zip(roots[-2:], ("conv_hr", "conv_last"), strict=False))
    renamed = {}
    for name, tensor in named.items():
        if match := _OLD_BLOCK.fullmatch(name):
            renamed["body.{}.rdb{}.{}.{}".format(*match.groups())] = tensor
        elif match := _OLD_TRUNK.fullmatch(name):
            renamed[f"conv_body.{match[2]}"] = tensor
        elif match := _OLD_ROOT.fullmatch(name):
            renamed[f"{names[int(match[1])]}.{match[2]}"] = tensor
    return renamed


def _fill(network: RRDBNet | CompactNet, named: Tensors, file_name: str) -> RRDBNet | CompactNet:
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in named]
    if missing:
        raise UnusableNetwork(
            f"{file_name} is incomplete: {len(missing)} of {len(wanted)} weights are missing ({', '.join(missing[:3])} ...)"
        )
    for name, parameter in wanted.items():
        if named[name].shape != parameter.shape:
            raise UnusableNetwork(f"{file_name}: {name} has shape {list(named[name].shape)}, wanted {list(parameter.shape)}")
        if not _is_plain(named[name]):
            raise UnusableNetwork(f"{file_name}: {name} holds no plain floating-point numbers, one for each of its places")
    network.load_state_dict({name: named[name].to(torch.float32) for name in wanted}, assign=True)
    return network.eval().requires_grad_(False)


def _is_plain(tensor: Tensor) -> bool:
    """Whether all that the shape promises is there: a pickle can hold other layouts, and shapes of terabytes over one number."""
    if tensor.layout is not torch.strided or tensor.device.type != "cpu" or not tensor.is_floating_point():
        return False
    return tensor.untyped_storage().nbytes() >= tensor.numel() * tensor.element_size()
