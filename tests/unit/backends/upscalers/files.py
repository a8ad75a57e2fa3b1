"""Small networks with random weights, and files of them in every layout that is read."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from modules.backends.upscalers.networks import CompactNet, RRDBNet

FEATURES, GROWTH, BLOCKS = 8, 4, 2


def small_rrdb(doublings: int = 2, unshuffle: int = 1, *, is_plus: bool = False) -> RRDBNet:
    torch.manual_seed(3)
    return _lively(RRDBNet(BLOCKS, FEATURES, GROWTH, doublings, unshuffle, is_plus=is_plus).eval())


def small_compact(scale: int = 4) -> CompactNet:
    torch.manual_seed(3)
    return CompactNet(3, FEATURES, scale).eval()


def _lively(network: RRDBNet) -> RRDBNet:
    """Blocks that count for more than they do before training, so that a wrong order of weights shows."""
    for name, parameter in network.named_parameters():
        if name.startswith("body") and parameter.ndim == 4:
            parameter.data *= 3
    return network


def first_names(network: RRDBNet) -> dict[str, Tensor]:
    """As the first ESRGAN files numbered their layers."""
    doublings = sum(name.startswith("conv_up") and name.endswith("weight") for name in network.state_dict())
    roots = {"conv_first": "model.0", "conv_body": f"model.1.sub.{BLOCKS}"}
    roots |= {f"conv_up{index + 1}": f"model.{3 * index + 3}" for index in range(doublings)}
    roots |= {"conv_hr": f"model.{3 * doublings + 2}", "conv_last": f"model.{3 * doublings + 4}"}
    named = {}
    for name, tensor in network.state_dict().items():
        root, kind = name.rsplit(".", 1)
        inner = re.sub(r"body\.(\d+)\.rdb(\d)\.(conv\d)$", r"model.1.sub.\1.RDB\2.\3.0", root)
        inner = re.sub(r"body\.(\d+)\.rdb(\d)\.conv1x1$", r"model.1.sub.\1.RDB\2.conv1x1", inner)
        named[f"{roots.get(root, inner)}.{kind}"] = tensor
    return named


def early_names(network: RRDBNet) -> dict[str, Tensor]:
    """As ESRGAN's own code and BSRGAN called them."""
    changes = {r"^body\.": "RRDB_trunk.", r"\.rdb": ".RDB", "conv_body": "trunk_conv", "conv_up": "upconv", "conv_hr": "HRconv"}
    named = dict(network.state_dict())
    for old, new in changes.items():
        named = {re.sub(old, new, name): tensor for name, tensor in named.items()}
    return named


def write_ncnn(param: Path, tensors: Mapping[str, Tensor], *, is_half: bool = True) -> None:
    """An ncnn pair with the convolutions and PReLUs of `tensors`, in their order."""
    lines, data = [], b""
    for root in dict.fromkeys(name.rpartition(".")[0] for name in tensors):
        weight = tensors[f"{root}.weight"].numpy()
        if weight.ndim == 1:
            lines.append(f"PReLU {root} 1 1 a b 0={weight.size}")
            data += weight.astype("<f4").tobytes()
            continue
        lines.append(f"Convolution {root} 1 1 a b 0={weight.shape[0]} 1=3 4=1 5=1 6={weight.size} 9=2 -23310=1,2.000000e-01")
        stored = weight.astype("<f2").tobytes() if is_half else weight.astype("<f4").tobytes()
        data += struct.pack("<I", 0x01306B47 if is_half else 0) + stored + bytes(-len(stored) % 4)
        data += tensors[f"{root}.bias"].numpy().astype("<f4").tobytes()
    head = ["7767517", f"{len(lines) + 1} 9", "Input input.1 0 1 data"]
    param.write_text("\n".join([*head, *lines, "PixelShuffle last 1 1 a b 0=4"]) + "\n")
    param.with_suffix(".bin").write_bytes(data)


def run(network: nn.Module, side: int = 12) -> np.ndarray:
    torch.manual_seed(5)
    with torch.inference_mode():
        return np.asarray(network(torch.rand(1, 3, side, side)).numpy())
