"""Headers: what is read from them, and what is said about files that have no good one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modules.backends.header import read_header
from modules.base.errors import BrokenCheckpoint
from tests.unit.backends.files import write_sketch


def raw(header: object, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_names_shapes_types_and_metadata(tmp_path: Path) -> None:
    header = read_header(write_sketch(tmp_path / "a.safetensors", 9, metadata={"modelspec.title": "A"}))
    assert header.shape("model.diffusion_model.input_blocks.0.0.weight") == (32, 9, 3, 3)
    assert header.shape("nothing") is None
    assert header.metadata == {"modelspec.title": "A"}
    assert header.has_prefix("first_stage_model.") and not header.has_prefix("conditioner.")
    assert {tensor.dtype for tensor in header.tensors.values()} == {"F16"}


def test_truncated_in_the_weights(tmp_path: Path) -> None:
    path = write_sketch(tmp_path / "cut.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BrokenCheckpoint, match=r"cut\.safetensors is truncated: \d+ of \d+ bytes of weights are there, 1 of 4 tensors"):
        read_header(path)


@pytest.mark.parametrize("kept", [0, 7, 9, 50])
def test_truncated_in_the_header(tmp_path: Path, kept: int) -> None:
    path = write_sketch(tmp_path / "cut.safetensors")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BrokenCheckpoint, match=r"cut\.safetensors is truncated"):
        read_header(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04" + b"x" * 60, "zip archive.*convert"),
        (b"\x80\x02}q\x00" + b"x" * 60, "pickle.*convert"),
        (b"<!DOCTYPE html><html>" + b"x" * 60, "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n" + b"x" * 60, "Git LFS pointer"),
        (b"GGUF\x03\x00\x00\x00" + b"x" * 60, "GGUF"),
        (b"just some text that is no checkpoint at all", "no safetensors file"),
        ((40).to_bytes(8, "little") + b"{not json" + b" " * 60, "header cannot be parsed"),
        (raw([1, 2], b""), "no safetensors file"),
        (raw({"a": {"dtype": "F16", "shape": [2]}}, b"1234"), "header cannot be parsed"),
        (raw({"a": {"dtype": "F16", "shape": [3], "data_offsets": [0, 4]}}, b"1234"), "does not fill 4 bytes"),
        (raw({"a": {"dtype": "F16", "shape": [2], "data_offsets": [2, 6]}}, b"123456"), "damaged: tensor a"),
        (raw({"a": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}, b"1234more"), "4 bytes follow"),
    ],
)
def test_mislabelled_and_damaged_files(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(BrokenCheckpoint, match=rf"^bad\.safetensors.*{said}"):
        read_header(path)


def test_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(BrokenCheckpoint, match=r"gone\.safetensors cannot be read: No such file"):
        read_header(tmp_path / "gone.safetensors")
