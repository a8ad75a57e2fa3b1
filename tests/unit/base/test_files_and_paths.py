"""Atomic writing, folders, containment, the registry."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from modules.base.errors import InvalidRequest, SaveFailed, UnknownName, UnsafePath
from modules.base.files import write_atomically
from modules.base.paths import Paths, contain
from modules.base.registry import Registry, load_dotted


def test_a_file_is_written_whole_and_leaves_no_part(tmp_path: Path) -> None:
    write_atomically(tmp_path / "deep" / "a.bin", b"new")
    assert (tmp_path / "deep" / "a.bin").read_bytes() == b"new"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.bin"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SaveFailed, match="No space left"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(("refusals", "is_written"), [(2, True), (99, False)])
def test_a_file_that_is_read_just_now_is_replaced_a_little_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: int, is_written: bool
) -> None:
    target, replace, tries = tmp_path / "a.bin", os.replace, []
    target.write_bytes(b"old")

    def refuse(source: str, path: Path) -> None:
        tries.append(source)
        if len(tries) <= refusals:
            raise PermissionError(13, "The process cannot access the file")
        replace(source, path)

    monkeypatch.setattr(os, "replace", refuse)
    with nullcontext() if is_written else pytest.raises(SaveFailed, match="cannot access"):
        write_atomically(target, b"new")
    assert target.read_bytes() == (b"new" if is_written else b"old") and list(tmp_path.iterdir()) == [target]


def test_the_data_folder_may_lie_elsewhere(tmp_path: Path) -> None:
    paths = Paths.under(tmp_path / "program", tmp_path / "mine")
    assert paths.outputs == (tmp_path / "mine" / "outputs").resolve()
    assert paths.builtin_models == (tmp_path / "program" / "models").resolve()


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x"])
def test_a_path_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafePath):
        contain(tmp_path, name)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to(tmp_path)
    with pytest.raises(UnsafePath):
        contain(tmp_path / "inside", "link/secret")
    assert contain(tmp_path, "inside/x") == (tmp_path / "inside" / "x").resolve()


def test_a_registry_knows_aliases_and_names_what_it_has() -> None:
    registry: Registry[int] = Registry("sampler_name")
    registry.add("Euler a", 1, aliases=("k_euler_a",))
    assert registry.get(" euler A ") == registry.get("K_EULER_A") == 1
    assert registry.resolve("k_euler_a") == "Euler a"
    assert "k_euler_a" in registry
    with pytest.raises(UnknownName, match="sampler_name: got 'nope', wanted one of Euler a"):
        registry.get("nope")


def test_a_long_value_is_shortened_in_the_message() -> None:
    assert len(str(InvalidRequest("image", "x" * 1000, "a picture"))) < 150


def test_dotted_names_load() -> None:
    assert load_dotted("pathlib:Path") is Path
