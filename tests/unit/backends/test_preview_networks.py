from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from modules.backends.header import read_header
from modules.backends.preview_networks import load_preview_networks, read_preview_network
from modules.base.errors import BrokenCheckpoint
from modules.engine.tiny_decoder import TinyDecoder, TinyShape


def write(path: Path, channels: int, **changes: str) -> Path:
    shape = TinyShape(channels, 4, 1, 4)
    metadata = {"pentimento": "tiny-decoder", "space": "latent", "shape": json.dumps(vars(shape))} | changes
    torch.manual_seed(channels)
    tensors = TinyDecoder(shape).state_dict() | {"probe": torch.full((channels, 2, 3), 1.5)}
    save_file({name: tensor.half() for name, tensor in tensors.items() if name != metadata.get("without")}, path, metadata)
    return path


def test_networks_are_read_from_a_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path / "a.safetensors", 16)
    write(tmp_path / "b.safetensors", 3, space="colour")
    found = load_preview_networks(tmp_path)
    assert [decoder.name for decoder in found.decoders] == ["a.safetensors"] and found.enlarger is not None
    assert torch.equal(found.decoders[0].probe, torch.full((16, 2, 3), 1.5)) and found.decoders[0].network.shape == TinyShape(16, 4, 1, 4)
    assert found.decoders[0].network(torch.zeros(1, 16, 2, 2)).dtype == torch.float32
    assert load_preview_networks(tmp_path) is found and caplog.messages == []


def test_what_is_broken_is_left_out_and_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    whole = write(tmp_path / "b.safetensors", 3, space="colour")
    whole.write_bytes(whole.read_bytes()[:-10])
    for _ in range(2):
        found = load_preview_networks(tmp_path)
        assert found.decoders == () and found.enlarger is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 3
    assert "a.safetensors is a Git LFS pointer" in caplog.messages[0] and "b.safetensors" in caplog.messages[1]
    assert "git checkout" in caplog.messages[2]


def test_a_missing_folder_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert load_preview_networks(tmp_path / "none").enlarger is None
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pentimento": "checkpoint"}, "no tiny decoder"),
        ({"shape": "{}"}, "cannot be read"),
        ({"shape": "[3]"}, "cannot be read"),
        ({"without": "probe"}, "no latents of the probe"),
        ({"without": "enter.bias"}, "is incomplete"),
        ({"shape": '{"channels": 16, "width": 100000}'}, "wanted 1 to 512"),
        ({"shape": '{"channels": 16, "width": 4.5}'}, "cannot be read"),
        ({"shape": '{"channels": 16, "width": 8, "blocks": 1, "middle": 4}'}, "has shape"),
        ({"shape": '{"channels": 16, "width": 4, "blocks": 2, "middle": 4}'}, "is incomplete"),
        ({"space": "colour"}, "wanted 3"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_words(tmp_path: Path, changes: dict[str, str], reason: str) -> None:
    path = write(tmp_path / "a.safetensors", 16, **changes)
    with pytest.raises(BrokenCheckpoint, match=reason):
        read_preview_network(read_header(path))
