"""Which files are read, and that the network out of each is the one that was written."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from modules.backends.upscalers.file import read_network
from modules.backends.upscalers.networks import CompactNet, RRDBNet
from modules.base.errors import UnusableNetwork
from tests.unit.backends.upscalers.files import early_names, first_names, run, small_compact, small_rrdb, write_ncnn


def saved(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path


def same(path: Path, network: RRDBNet | CompactNet, *, within: float = 1e-6) -> None:
    found = read_network(path)
    assert (type(found), found.scale, found.multiple) == (type(network), network.scale, network.multiple)
    assert np.abs(run(found) - run(network)).max() < within


@pytest.mark.parametrize(("doublings", "unshuffle", "scale"), [(0, 1, 1), (1, 1, 2), (2, 1, 4), (3, 1, 8), (2, 2, 2), (2, 4, 1)])
def test_every_factor_and_every_way_of_naming(tmp_path: Path, doublings: int, unshuffle: int, scale: int) -> None:
    network = small_rrdb(doublings, unshuffle)
    assert network.scale == scale
    same(saved(tmp_path / "new.safetensors", network.state_dict()), network)
    same(saved(tmp_path / "old.safetensors", first_names(network)), network)
    same(saved(tmp_path / "early.safetensors", early_names(network)), network)


def test_esrgan_plus_keeps_its_further_residual(tmp_path: Path) -> None:
    network = small_rrdb(is_plus=True)
    same(saved(tmp_path / "plus.safetensors", first_names(network)), network)
    plain = {name: tensor for name, tensor in first_names(network).items() if "conv1x1" not in name}
    assert np.abs(run(read_network(saved(tmp_path / "plain.safetensors", plain))) - run(network)).max() > 1e-3


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_compact_network(tmp_path: Path, scale: int) -> None:
    network = small_compact(scale)
    same(saved(tmp_path / "compact.safetensors", network.state_dict()), network)


@pytest.mark.parametrize("container", ["params_ema", "params", "state_dict", None])
def test_a_pickle_of_tensors(tmp_path: Path, container: str | None) -> None:
    network = small_rrdb()
    tensors = {f"module.{name}": tensor.half() for name, tensor in network.state_dict().items()}
    torch.save({container: tensors, "step": 7} if container else tensors, tmp_path / "x.pth")
    same(tmp_path / "x.pth", network, within=0.02)


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('code ran')",))


def test_a_pickle_that_could_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"params": Evil()}, tmp_path / "evil.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Evil(), protocol=2))
    for name in ("evil.pth", "bare.pth"):
        with pytest.raises(UnusableNetwork, match=rf"{name} is refused: .* \.safetensors"):
            read_network(tmp_path / name)


@pytest.mark.parametrize("is_half", [True, False])
def test_ncnn_pairs(tmp_path: Path, is_half: bool) -> None:
    for network in (small_compact(), small_rrdb()):
        write_ncnn(tmp_path / "x.param", network.state_dict(), is_half=is_half)
        same(tmp_path / "x.param", network, within=0.02 if is_half else 1e-6)


def test_damaged_ncnn_pairs_are_named(tmp_path: Path) -> None:
    param, weights = tmp_path / "x.param", tmp_path / "x.bin"
    write_ncnn(param, small_compact().state_dict())
    text, data = param.read_text(), weights.read_bytes()

    def refused(match: str) -> None:
        with pytest.raises(UnusableNetwork, match=match):
            read_network(param)

    weights.write_bytes(data[:-1])
    refused(r"x\.bin is truncated")
    weights.write_bytes(data + b"more")
    refused(r"x\.bin does not belong to its \.param file: 4 bytes")
    weights.write_bytes(b"\x38\x4b\x0d\x00" + data[4:])
    refused(r"x\.bin stores weights in a form \(0x000d4b38\)")
    weights.unlink()
    refused(r"x\.bin cannot be read")
    weights.write_bytes(data)
    for wrong, match in (
        ("hello", "begin with 7767517"),
        (text.replace(" 6=", " 6=x"), "is damaged"),
        (text.replace("1=3", "1=0"), "is damaged"),
    ):
        param.write_text(wrong)
        refused(match)
    param.write_bytes(b"\xff\xfe")
    refused("no ncnn network in text form")


def test_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    whole = small_rrdb().state_dict()
    cases: list[tuple[dict[str, Tensor], str]] = [
        ({"layers.0.attn.weight": torch.zeros(2, 2)}, r"x\.safetensors is no upscaler that can run here; wanted one of ESRGAN"),
        ({name: tensor for name, tensor in whole.items() if name != "conv_hr.bias"}, r"1 of \d+ weights are missing \(conv_hr\.bias"),
        ({**whole, "conv_last.weight": torch.zeros(3, 8, 5, 5)}, r"conv_last\.weight has shape"),
        ({**whole, "conv_first.weight": torch.zeros(8, 4, 3, 3)}, r"conv_first takes 4 channels, wanted 3 times a square"),
        ({**small_compact().state_dict(), "body.8.weight": torch.zeros(50, 8, 3, 3)}, r"body\.8 gives 50 channels"),
    ]
    for tensors, match in cases:
        with pytest.raises(UnusableNetwork, match=match):
            read_network(saved(tmp_path / "x.safetensors", tensors))
    for name, data in (("a.safetensors", b"short"), ("b.pth", b"nothing"), ("c.pth", b"")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnusableNetwork, match=name):
            read_network(tmp_path / name)
    torch.save([1, 2], tmp_path / "list.pth")
    for name in ("list.pth", "absent.pth", "absent.safetensors"):
        with pytest.raises(UnusableNetwork, match=name):
            read_network(tmp_path / name)


def test_tensors_that_are_less_than_their_shapes_promise_are_refused(tmp_path: Path) -> None:
    whole = small_compact().state_dict()
    name, shape = "body.2.weight", whole["body.2.weight"].shape
    for odd in (
        torch.zeros(1, 1, 1, 1).expand(shape),
        torch.zeros(shape).to_sparse(),
        torch.zeros(shape, device="meta"),
        whole[name].int(),
    ):
        torch.save({**whole, name: odd}, tmp_path / "odd.pth")
        with pytest.raises(UnusableNetwork, match=r"odd\.pth: body\.2\.weight holds no plain"):
            read_network(tmp_path / "odd.pth")
