"""Pictures by the names that workflows have for them, and the names that they give."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from modules.base.errors import InvalidRequest, UnknownName, UnsafePath
from modules.base.paths import Paths
from modules.pipeline.workflows.graph import Graph, GraphNode, Link
from modules.runtime.store import AssetStore
from modules.runtime.workflows.inputs import FileName, PictureFolders, split_annotation
from modules.runtime.workflows.prefixes import expand_prefix, next_counter

NOW = datetime(2026, 3, 4, 5, 6, 7)
HOSTILE = ("../x.png", "a/../../x.png", "/etc/x.png", "C:\\x.png", "..\\x.png", "~/x.png", "a\0b.png", "x" * 2000 + ".png")


def png(colour: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.under(tmp_path)


@pytest.fixture
def store(paths: Paths) -> AssetStore:
    return AssetStore(paths.outputs / "store")


@pytest.fixture
def folders(paths: Paths, store: AssetStore) -> PictureFolders:
    return PictureFolders(paths, store)


def test_equal_content_is_kept_once_and_other_content_gets_a_number(folders: PictureFolders) -> None:
    names = [folders.add(png(colour), "cat.png", "pets").path for colour in ("teal", "teal", "red", "teal", "red", "blue")]
    assert names == ["pets/cat.png", "pets/cat.png", "pets/cat (1).png", "pets/cat.png", "pets/cat (1).png", "pets/cat (2).png"]
    assert folders.add(png("white"), "cat.png", "pets", replaces=True) == FileName("cat.png", "pets")
    assert folders.read("pets/cat.png") == png("white")
    assert folders.names() == ["pets/cat (1).png", "pets/cat (2).png", "pets/cat.png"]


def test_a_name_tells_its_folder_at_its_end(folders: PictureFolders) -> None:
    assert split_annotation("clipspace/clipspace-mask-1.png [input]") == ("clipspace/clipspace-mask-1.png", "input")
    assert split_annotation("a [x].png") == ("a [x].png", "input")
    folders.add(png("red"), "a.png", kind="output")
    folders.add(png("blue"), "a.png", kind="temp")
    assert [folders.read(f"a.png [{kind}]") for kind in ("output", "temp")] == [png("red"), png("blue")]
    assert not folders.has("a.png")


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_lead_out_of_the_folder_are_refused(folders: PictureFolders, paths: Paths, name: str) -> None:
    (paths.data / "x.png").write_bytes(png())
    with pytest.raises((UnsafePath, UnknownName)):
        folders.find(name)
    with pytest.raises((UnsafePath, InvalidRequest)):
        folders.add(png(), name)
    with pytest.raises(UnsafePath):
        folders.add(png(), "x.png", name.removesuffix("x.png") + "..")
    assert sorted(path.name for path in paths.data.rglob("*.png")) == ["x.png"]


def test_links_out_of_the_folder_are_not_followed(folders: PictureFolders, paths: Paths) -> None:
    (paths.data / "secret.png").write_bytes(png())
    paths.inputs.mkdir()
    (paths.inputs / "link.png").symlink_to(paths.data / "secret.png")
    with pytest.raises(UnsafePath):
        folders.find("link.png")


@pytest.mark.parametrize("name", ["evil.html", "cat", "", ".png", "a/b.png"])
def test_what_is_not_called_as_a_picture_is_not_kept(folders: PictureFolders, name: str) -> None:
    with pytest.raises(InvalidRequest):
        folders.add(png(), name)


def test_what_is_no_picture_is_not_kept(folders: PictureFolders) -> None:
    with pytest.raises(InvalidRequest):
        folders.add(b"<script>", "cat.png")
    assert folders.names() == []


def test_a_person_sees_shared_pictures_and_the_own_ones(folders: PictureFolders) -> None:
    folders.add(png("white"), "shared.png")
    folders.add(png("red"), "own.png", user="ann/..")
    assert folders.names("ann/..") == ["own.png", "shared.png"] and folders.names("bob") == folders.names() == ["shared.png"]
    assert folders.read("own.png", "ann/..") == png("red") and folders.read("shared.png", "bob") == png("white")
    for name in ("own.png", "@ann%2F../own.png", "@ann%252F../own.png"):
        assert not folders.has(name, "bob") and not folders.has(name)
    with pytest.raises(UnsafePath):
        folders.add(png(), "own.png", "@ann%2F..")
    assert not folders.has("shared.png [output]", "bob")


def test_results_are_not_written_into_a_person_s_folder_by_others(folders: PictureFolders) -> None:
    assert folders.subfolder("output", "a/b")[1] == "a/b" and folders.subfolder("output", "", "ann")[1] == ""
    with pytest.raises(UnsafePath, match="person's own"):
        folders.subfolder("output", "@ann/b")


def test_pictures_of_the_store_go_by_the_beginning_of_their_ids(folders: PictureFolders, store: AssetStore) -> None:
    asset = store.add(png("red"), "any.png").id
    assert folders.read(f"pentimento/{asset[:16]}.png") == png("red")
    assert folders.has(f"pentimento/{asset[:16]}.png [input]") and not folders.has("pentimento/0123456789abcdef.png")


def test_a_picture_that_is_handed_in_takes_its_name_once(folders: PictureFolders, store: AssetStore) -> None:
    red, blue = (store.path(store.add(png(colour)).id) for colour in ("red", "blue"))
    folders.put("clipspace/mask.png [input]", red)
    folders.put("clipspace/mask.png", blue)
    folders.put("../mask.png", blue)
    assert folders.read("clipspace/mask.png") == png("red") and folders.names() == ["clipspace/mask.png"]


def test_prefixes_are_filled_in(tmp_path: Path) -> None:
    nodes = [GraphNode("3", "KSampler", {"seed": 7, "model": Link("1", 0)}), GraphNode("4", "LoadImage", {"image": "a/b.png"}, "Start")]
    graph = Graph({node.id: node for node in nodes})

    def expand(prefix: str) -> str:
        return expand_prefix(prefix, 96, 64, graph, NOW)

    assert expand("%date:yyyy-MM-dd_hh:mm:ss%/%width%x%height%") == "2026-03-04_05_06_07/96x64"
    assert expand("%year%%month%%day%-%KSampler.seed%-%Start.image%") == "20260304-7-a_b.png"
    assert expand("%KSampler.model% %Nobody.seed% 100%") == "%KSampler.model% %Nobody.seed% 100%"
    assert expand("%batch_num%_x") == "%batch_num%_x" and expand("a\\b/c") == "a/b/c"
    assert len(expand("x" * 900).encode()) < 255


def test_counters_go_on_after_the_largest(tmp_path: Path) -> None:
    assert next_counter(tmp_path / "none", "a") == 1
    for name in ("a_00004_.png", "A_00009_.png", "ab_00050_.png", "a_x.png", "a_00006_.txt"):
        (tmp_path / name).touch()
    assert next_counter(tmp_path, "a") == 10
