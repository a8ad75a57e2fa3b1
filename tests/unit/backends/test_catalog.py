"""The list of checkpoints: what is found, how it is named, and when a file is opened or hashed again."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from modules.backends import catalog as module
from modules.backends.catalog import BUILTIN_LABEL, BUILTIN_NAME, Catalog, is_builtin_name
from modules.base.errors import UnknownName
from modules.engine.model import ModelKind, Prediction
from tests.unit.backends.files import YAML, write_sketch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "models"
    path.mkdir()
    return path


@pytest.fixture
def catalog(folder: Path, tmp_path: Path) -> Catalog:
    return Catalog([folder, tmp_path / "not there"], tmp_path / "cache" / "checkpoints.json")


def test_names_titles_and_yaml(catalog: Catalog, folder: Path) -> None:
    write_sketch(folder / "Zebra.safetensors", 9)
    path = write_sketch(folder / "people" / "alice.v2.safetensors")
    path.with_suffix(".yaml").write_text(YAML.format("v"))
    alice, zebra = catalog.scan()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert alice.name == "people/alice.v2.safetensors" and alice.model_name == "people_alice.v2"
    assert alice.title == f"people/alice.v2.safetensors [{digest[:10]}]" and alice.sha256 == digest
    assert alice.config == path.with_suffix(".yaml") and alice.prediction is Prediction.V and alice.prediction_from == "YAML"
    assert zebra.kind is ModelKind.INPAINT and zebra.config is None and zebra.is_supported and zebra.label == zebra.name
    assert alice.size == path.stat().st_size + path.with_suffix(".yaml").stat().st_size


def test_everything_that_names_a_checkpoint(catalog: Catalog, folder: Path) -> None:
    write_sketch(folder / "other.safetensors", 8)
    info = Catalog([folder], catalog.folders[0].parent / "c.json").scan()[0]
    path = write_sketch(folder / "people" / "alice.safetensors")
    alice = catalog.find("alice")
    names = [alice.title, alice.name, "people\\alice.safetensors", "alice.safetensors", "people/alice", "people_alice", str(path),
             alice.sha256, alice.short_hash, alice.sha256[:8].upper(), "alice.safetensors [0123456789]", f" {alice.title} "]  # fmt: skip
    assert [catalog.find(name).path for name in names] == [path] * len(names)
    assert catalog.find("other").title == info.title
    for unknown in ("alic", alice.sha256[:7], "", "[0123456789]"):
        with pytest.raises(UnknownName, match=r"sd_model_checkpoint.*people/alice\.safetensors \["):
            catalog.find(unknown)


def test_the_builtin_model_is_known_by_its_name_alone(catalog: Catalog, folder: Path) -> None:
    write_sketch(folder / BUILTIN_NAME, 17, 8)
    write_sketch(folder / f"{BUILTIN_LABEL}.safetensors", 17, 8)
    found = {info.path.name: (info.label, info.is_builtin) for info in catalog.scan()}
    assert found[BUILTIN_NAME] == (BUILTIN_LABEL, True)
    assert found[f"{BUILTIN_LABEL}.safetensors"] == (f"{BUILTIN_LABEL}.safetensors", False)
    assert catalog.find(BUILTIN_LABEL).is_builtin
    assert is_builtin_name(f"people\\{BUILTIN_NAME}") and not is_builtin_name(f"{BUILTIN_NAME}.bak")


def test_what_cannot_run_is_listed_with_its_reason(catalog: Catalog, folder: Path) -> None:
    (folder / "old.ckpt").write_bytes(b"PK\x03\x04")
    (folder / "cut.safetensors").write_bytes(write_sketch(folder / "good.safetensors").read_bytes()[:-10])
    (folder / "small.gguf").write_bytes(b"GGUF")
    (folder / "bad.yaml").write_text("- 1")
    write_sketch(folder / "bad.safetensors")
    reasons = {info.name: info.reason for info in catalog.scan() if not info.is_supported}
    assert set(reasons) == {"old.ckpt", "cut.safetensors", "small.gguf", "bad.safetensors"}
    assert "weights_only=True" in reasons["old.ckpt"] and "old.ckpt new.safetensors" in reasons["old.ckpt"]
    assert "truncated" in reasons["cut.safetensors"] and "bad.yaml" in reasons["bad.safetensors"]
    write_sketch(folder / "cut.safetensors")
    assert catalog.find("cut").has_changed() is False and catalog.find("cut").is_supported


def test_what_is_not_listed(catalog: Catalog, folder: Path) -> None:
    for name in ("a.vae.safetensors", ".hidden.safetensors", ".git/b.safetensors", "part/unet/c.safetensors", "part/d.safetensors"):
        write_sketch(folder / name)
    (folder / "part" / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    (folder / "note.txt").write_text("x")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    assert [(info.name, info.is_supported) for info in catalog.scan()] == [("part", False)]


def test_unchanged_files_are_not_opened_again(catalog: Catalog, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_sketch(folder / "a.safetensors")
    before = catalog.scan()
    monkeypatch.setattr(module, "read_header", None)
    monkeypatch.setattr(module, "hash_file", None)
    assert catalog.scan() == before
    monkeypatch.undo()
    path.with_suffix(".yaml").write_text(YAML.format("v"))
    assert catalog.scan()[0].prediction is Prediction.V
    path.with_suffix(".yaml").unlink()
    assert catalog.find("a").prediction is Prediction.EPSILON


def test_replaced_file_gets_its_new_hash_and_kind(catalog: Catalog, folder: Path) -> None:
    path = write_sketch(folder / "a.safetensors")
    before = catalog.find("a")
    write_sketch(path, 9)
    after = catalog.find(before.title)
    assert before.has_changed() and not after.has_changed()
    assert after.kind is ModelKind.INPAINT and after.sha256 != before.sha256
    path.unlink()
    with pytest.raises(UnknownName):
        catalog.find("a")


def test_hashes_survive_a_restart_and_a_damaged_cache(catalog: Catalog, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_sketch(folder / "a.safetensors")
    cache = folder.parent / "cache" / "checkpoints.json"
    digest = catalog.find("a").sha256
    monkeypatch.setattr(module, "hash_file", None)
    assert Catalog([folder], cache).find("a").sha256 == digest
    monkeypatch.undo()
    os.utime(path, ns=(1, 1))
    write_sketch(path, 8)
    assert Catalog([folder], cache).find("a").sha256 != digest
    cache.write_text(json.dumps({"files": [1]}))
    assert Catalog([folder], cache).find("a").sha256


def test_large_files_are_hashed_when_asked(catalog: Catalog, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HASHED_AT_ONCE", 10)
    write_sketch(folder / "large.safetensors")
    info = catalog.find("large")
    assert info.title == "large.safetensors" and info.sha256 == ""
    assert info.hashed().title == f"large.safetensors [{info.hashed().short_hash}]"
    assert catalog.find("large").title == "large.safetensors"
    assert catalog.scan()[0].title == info.hashed().title
