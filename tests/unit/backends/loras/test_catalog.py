"""LoRA files found by name, alias and hash; damaged and hostile ones told in bounded time."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import struct
import time
from pathlib import Path

import pytest
import torch

from modules.backends.loras.catalog import LoraCatalog
from modules.backends.loras.file import LARGEST_FILE_BYTES, read_lora
from modules.backends.loras.memory import ByteCache
from modules.base.errors import UnusableNetwork
from tests.unit.backends.loras.small import catalog, changes, kohya, write


def put(path: Path, seed: int = 0, **metadata: str) -> Path:
    return write(path, kohya(changes(seed=seed)), metadata or None)


def data_hash(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha256(content[8 + struct.unpack("<Q", content[:8])[0] :]).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "Lora"


def test_files_are_found_by_name_place_alias_and_in_other_case(folder: Path) -> None:
    put(folder / "style.safetensors", ss_output_name="Grand Style")
    put(folder / "people" / "ann.safetensors")
    (folder / "note.txt").write_text("no LoRA")
    loras = catalog(folder)
    assert [info.name for info in loras.scan()] == ["ann", "style"]
    for name, wanted in {"style": "style", "Grand Style": "style", "STYLE": "style", "people/ann": "ann", "grand style": "style"}.items():
        found = loras.find(name)
        assert found is not None and found.name == wanted
    assert loras.find("bob") is None and loras.close_matches("stile") == ["style"]


def test_a_file_name_goes_before_an_alias_and_a_shared_alias_means_nobody(folder: Path) -> None:
    put(folder / "a.safetensors", ss_output_name="b")
    put(folder / "b.safetensors", seed=1, ss_output_name="same")
    put(folder / "c.safetensors", seed=2, ss_output_name="same")
    loras = catalog(folder)
    found = loras.find("b")
    assert found is not None and found.path.name == "b.safetensors"
    assert loras.find("same") is None


def test_of_one_name_in_several_folders_the_last_counts(folder: Path, tmp_path: Path) -> None:
    for place in (folder / "x.safetensors", folder / "sub 10" / "x.safetensors", folder / "sub 9" / "x.safetensors"):
        put(place)
    found = catalog(folder).find("x")
    assert found is not None and found.place == "sub 10/x"
    put(tmp_path / "other" / "x.safetensors")
    found = catalog(folder, tmp_path / "other").find("x")
    assert found is not None and found.path.parent.name == "other"


def test_new_replaced_and_removed_files_are_noticed(folder: Path) -> None:
    loras = catalog(folder)
    assert loras.find("x") is None
    path = put(folder / "x.safetensors", ss_output_name="one")
    first = loras.find("x")
    assert first is not None and loras.find("one") is first
    put(path, seed=1, ss_output_name="other")
    os.utime(path, ns=(1, 1))
    again = loras.find("x")
    assert again is not None and again is not first and again.alias == "other"
    path.unlink()
    assert loras.find("x") is None


def test_listing_opens_no_file_and_keeps_what_is_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder / "x.safetensors")
    loras = catalog(folder)
    monkeypatch.setattr("modules.backends.loras.catalog.read_header", lambda *_, **__: pytest.fail("a file was opened"))
    assert loras.scan()[0] is loras.scan()[0]
    assert loras.find("x") is not None


def test_the_hash_is_that_of_the_tensors_and_is_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(folder / "x.safetensors", note="one")
    other = put(folder / "y.safetensors", note="another header, the same tensors")
    first, second = catalog(folder).scan()
    assert first.sha256() == data_hash(path) == data_hash(other) == second.sha256()
    monkeypatch.setattr("modules.backends.loras.catalog.hash_file", lambda *_: pytest.fail("hashed again"))
    assert catalog(folder).scan()[0].sha256() == first.sha256()


def test_a_stated_hash_is_believed_if_it_is_one(folder: Path) -> None:
    put(folder / "x.safetensors", sshs_model_hash="ABCDEF0123456789")
    path = put(folder / "y.safetensors", sshs_model_hash="any, thing: else")
    first, second = catalog(folder).scan()
    assert first.sha256() == "abcdef0123456789" and second.sha256() == data_hash(path)


def test_metadata_is_told_as_a1111_tells_it(folder: Path) -> None:
    put(folder / "x.safetensors", ss_tag_frequency='{"cat": {"fur": 3}}', odd="{not json", ssmd_cover_images="huge")
    (info,) = catalog(folder).scan()
    assert info.metadata == {"ss_tag_frequency": {"cat": {"fur": 3}}, "odd": "{not json"}


def test_renamed_files_are_found_by_hash(folder: Path) -> None:
    path = put(folder / "here.safetensors")
    put(folder / "else.safetensors", seed=4)
    loras, digest = catalog(folder), data_hash(path)[:12]
    found = loras.find_by_hash(digest)
    assert found is not None and found.name == "here"
    assert loras.find_by_hash("0" * 12) is None and loras.find_by_hash("") is None and loras.find_by_hash("x" * 12) is None
    prompt = "a <lora:there:0.5:te=1> b <lora:unknown> <lora:plain> <lyco:there:1>"
    renamed = loras.rename_by_hashes(prompt, f"there: {digest}, unknown: {'0' * 12}, broken")
    assert renamed == "a <lora:here:0.5:te=1> b <lora:unknown> <lora:plain> <lyco:there:1>"


def test_looking_by_hash_reads_so_much_a_call(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = put(folder / "a.safetensors").stat().st_size
    wanted = data_hash(put(folder / "zebra.safetensors", seed=3))
    put(folder / "b.safetensors", seed=2)
    monkeypatch.setattr("modules.backends.loras.catalog._HASHED_AT_ONCE", size)
    loras = catalog(folder)
    found = loras.find_by_hash(wanted, like="zebra-v2")
    assert found is not None and found.name == "zebra"
    loras = catalog(folder)
    assert [loras.find_by_hash("f" * 12) for _ in range(4)] == [None] * 4
    assert all(info.known_hash for info in loras.scan())


def test_a_pickle_is_refused_with_a_plain_message(folder: Path) -> None:
    folder.mkdir()
    (folder / "old.pt").write_bytes(pickle.dumps({"a": 1}))
    info = catalog(folder).find("old")
    assert info is not None and info.is_pickle and "pickle" in info.problem and ".safetensors" in info.problem
    put(folder / "old.safetensors")
    info = catalog(folder).find("old")
    assert info is not None and not info.is_pickle


def header(entries: dict[str, object], data: bytes = b"") -> bytes:
    raw = json.dumps(entries).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def tensor(shape: list[int], size: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}


HOSTILE = {
    "a claim of 10 GB": header({"lora_unet_conv_in.diff": tensor([2_500_000_000], 10_000_000_000)}, b"\0" * 16),
    "a header of 10 GB": struct.pack("<Q", 10_000_000_000) + b"{" + b"\0" * 64,
    "a header beyond all numbers": b"\xff" * 8 + b"{}",
    "a header longer than ours may be": struct.pack("<Q", 40 << 20) + b"{" + b" " * (40 << 20),
    "no bytes": b"",
    "three bytes": b"abc",
    "a pickle inside": pickle.dumps({"a": 1}),
    "a zip inside": b"PK\x03\x04" + b"\0" * 64,
    "shape and size that differ": header({"lora_unet_conv_in.diff": tensor([5], 16)}, b"\0" * 16),
    "a negative side": header({"lora_unet_conv_in.diff": tensor([-4], -16)}, b"\0" * 16),
    "a gap": header({"a.diff": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, b"\0" * 8),
    "complex numbers": header({"lora_unet_conv_in.diff": tensor([1], 8, "C64")}, b"\0" * 8),
    "an unknown type": header({"lora_unet_conv_in.diff": tensor([1], 8, "X9")}, b"\0" * 8),
    "nested JSON": struct.pack("<Q", 200_000) + b'{"a":' + b"[" * 199_995,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_told_quickly_and_by_name(content: bytes, folder: Path) -> None:
    folder.mkdir()
    path = folder / "evil.safetensors"
    path.write_bytes(content)
    started = time.process_time()
    with pytest.raises(UnusableNetwork, match=r"LoRA 'evil' cannot be used: "):
        read_lora(path, "evil", ByteCache(1 << 20))
    (info,) = catalog(folder).scan()
    assert info.alias == "evil" and info.sha256() == info.sha256()
    assert time.process_time() - started < 3


def test_a_truncated_file_is_told(folder: Path) -> None:
    path = put(folder / "cut.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UnusableNetwork, match="truncated"):
        read_lora(path, "cut", ByteCache(0))
    assert "truncated" in catalog(folder).scan()[0].problem


def test_a_file_beyond_4_gib_is_refused_without_being_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(folder / "huge.safetensors")
    monkeypatch.setattr("modules.backends.loras.file.LARGEST_FILE_BYTES", path.stat().st_size - 1)
    with pytest.raises(UnusableNetwork, match="wanted at most"):
        read_lora(path, "huge", ByteCache(0))
    assert LARGEST_FILE_BYTES == 4 << 30


def test_reading_takes_time_in_proportion_to_the_keys(folder: Path) -> None:
    folder.mkdir()
    seconds = []
    for count in (5_000, 50_000):
        entries = {f"lora_unet_down_blocks_{index}_attentions_0_proj_in.lora_up.weight": tensor([0], 0) for index in range(count)}
        path = folder / f"{count}.safetensors"
        path.write_bytes(header(entries))
        tries = []
        for _ in range(3):
            started = time.process_time()
            assert len(read_lora(path, "many", ByteCache(0)).layers) == count
            tries.append(time.process_time() - started)
        seconds.append(min(tries))
    assert seconds[1] < 40 * seconds[0]


def test_unreadable_peft_metadata_is_told(folder: Path) -> None:
    path = write(folder / "x.safetensors", {"unet.conv_in.lora_A.weight": torch.ones(1, 4)}, {"lora_adapter_metadata": "[1"})
    with pytest.raises(UnusableNetwork, match="lora_adapter_metadata"):
        read_lora(path, "x", ByteCache(0))


def test_no_folder_is_an_empty_list(tmp_path: Path) -> None:
    assert LoraCatalog([tmp_path / "nowhere"], tmp_path / "cache.json").scan() == []
