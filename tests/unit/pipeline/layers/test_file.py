"""History, and files of layers: whole, small, and safe to open whoever made them."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from modules.base import files
from modules.base.errors import InvalidImage, InvalidRequest, PentimentoError, SaveFailed
from modules.imaging.geometry import Extent
from modules.pipeline.layers import file
from modules.pipeline.layers.building import build
from modules.pipeline.layers.checks import MAX_MERGES
from modules.pipeline.layers.decomposing import Decomposition
from modules.pipeline.layers.document import Layer, LayerDocument, LayerKind
from modules.pipeline.layers.edits import apply
from modules.pipeline.layers.history import History
from modules.pipeline.layers.render import render
from modules.pipeline.layers.sources import MemorySources, decode_png
from tests.unit.pipeline.layers.documents import random_document, random_edit


def edited(seed: int, steps: int) -> tuple[History, MemorySources]:
    rng = np.random.default_rng(seed)
    document, sources = random_document(seed)
    history = History(document)
    for _ in range(steps):
        history.push(apply(history.document, random_edit(rng, history.document), sources))
    return history, sources


def test_a_random_walk_of_undo_and_redo_is_as_in_a_plain_list() -> None:
    rng = np.random.default_rng(2)
    document, sources = random_document(2)
    history, listed, at = History(document, max_states=20), [document], 0
    for step in range(400):
        kind = rng.integers(3)
        if kind == 0 and at > 0:
            at -= 1
            assert history.undo() is listed[at]
        elif kind == 1 and at < len(listed) - 1:
            at += 1
            assert history.redo() is listed[at]
        elif kind == 2:
            new = apply(history.document, {"op": "document", "name": f"step {step}"}, sources)
            history.push(new)
            listed = [*listed[: at + 1], new][-20:]
            at = len(listed) - 1
        assert history.document is listed[at]
        assert (history.can_undo, history.can_redo) == (at > 0, at < len(listed) - 1)
        if step % 40 == 0:
            history = again = History.from_json(json.loads(json.dumps(history.as_json())), 20)
            assert list(again.states()) == listed
            listed = list(again.states())


def test_a_step_that_changes_nothing_is_none_and_ends_are_errors() -> None:
    history, _ = edited(3, 0)
    history.push(replace(history.document))
    assert not history.can_undo
    with pytest.raises(InvalidRequest, match="first"):
        history.undo()
    with pytest.raises(InvalidRequest, match="last"):
        history.redo()


def test_a_file_opens_as_it_was_saved(tmp_path: Path) -> None:
    history, sources = edited(4, 15)
    history.undo()
    picture = render(history.document, sources)
    path = tmp_path / "a.layers"
    file.save(path, history, sources)
    opened = file.open(path)
    assert opened.document == history.document and list(opened.history.states()) == list(history.states()) and opened.history.can_redo
    assert (render(opened.document, opened.sources) == picture).all()
    assert (render(history.document, sources) == picture).all()  # the first sources rest on the file now
    with zipfile.ZipFile(path) as archive:
        assert (decode_png(archive.read("picture.png")) == picture).all()
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist() if entry.filename.endswith(".png"))
    assert decode_png(file.read_thumbnail(path)).shape[2] == 4
    first = path.read_bytes()
    file.save(path, opened.history, opened.sources)
    assert path.read_bytes() == first


def test_new_pixels_are_added_and_those_that_no_state_names_go(tmp_path: Path) -> None:
    document, sources = random_document(6)
    history = History(document, max_states=3)
    path = tmp_path / "a.layers"
    file.save(path, history, sources)
    text = document.layers[-1].id
    for shade in range(5):
        new = sources.add_pixels(np.full((30, 30, 4), shade, np.uint8))
        history.push(apply(history.document, {"op": "replace", "layer": text, "source": new}, sources))
        file.save(path, history, sources)
    opened = file.open(path)
    with zipfile.ZipFile(path) as archive:
        kept = [entry for entry in archive.namelist() if entry.startswith("sources/")]
    assert len(kept) == len(history.source_ids())
    for state in opened.history.states():
        render(state, opened.sources)
    assert document.layers[-1].source.id not in opened.history.source_ids()


def test_steps_that_take_too_much_room_are_forgotten_oldest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document, sources = random_document(6)
    history, path = History(document), tmp_path / "a.layers"
    rng = np.random.default_rng(0)
    for _ in range(6):
        new = sources.add_pixels(rng.integers(0, 256, (100, 100, 4)).astype(np.uint8))
        history.push(apply(history.document, {"op": "replace", "layer": document.layers[-1].id, "source": new}, sources))
    states = list(history.states())
    monkeypatch.setattr(file, "MAX_STEPS_BYTES", 250_000)  # 40 kB a picture, and some 60 kB for the rest
    file.save(path, history, sources)
    kept = list(file.open(path).history.states())
    assert kept == states[-len(kept) :] == list(history.states()) and 3 <= len(kept) <= 5
    monkeypatch.setattr(file, "MAX_STEPS_BYTES", 1)
    file.save(path, history, sources)
    assert list(file.open(path).history.states()) == states[-1:]


def test_steps_whose_json_could_not_be_read_again_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history, sources = edited(9, 25)
    for at_start in (False, True):
        while at_start and history.can_undo:
            history.undo()
        monkeypatch.setattr(file, "MAX_JSON_BYTES", len(json.dumps(history.as_json(), indent=1)) * 4 // 5)
        file.save(tmp_path / "d.layers", history, sources)
        opened = file.open(tmp_path / "d.layers")
        assert opened.document == history.document and 1 < len(list(opened.history.states())) == len(list(history.states())) < 26
    monkeypatch.setattr(file, "MAX_JSON_BYTES", 500)
    with pytest.raises(InvalidRequest, match="bytes of JSON"):
        file.save(tmp_path / "d.layers", history, sources)


def test_layers_merged_one_by_one_open_again_and_there_is_an_end_to_it(tmp_path: Path) -> None:
    sources = MemorySources()
    source = sources.add_pixels(np.full((2, 2, 4), 200, np.uint8))
    layers = tuple(Layer(f"layer{number}", f"layer {number}", LayerKind.OTHER, source) for number in range(MAX_MERGES + 2))
    history = History(LayerDocument("d" * 20, "many", Extent(4, 4), layers))
    for _ in range(MAX_MERGES):
        below, above = history.document.layers[:2]
        history.push(apply(history.document, {"op": "merge", "layers": [below.id, above.id]}, sources))
    file.save(tmp_path / "d.layers", history, sources)
    assert file.open(tmp_path / "d.layers").document == history.document
    with pytest.raises(InvalidRequest, match="merges one within another"):
        apply(history.document, {"op": "merge", "layers": [layer.id for layer in history.document.layers]}, sources)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "a\nb"}, "name"),
        ({"name": "half \ud800"}, "name"),
        ({"made_by": {"n": float("nan")}}, "made_by"),
        ({"made_by": {"n": "\udc00"}}, "made_by"),
        ({"made_by": {"n": "x" * 300_000}}, "made_by"),
    ],
)
def test_nothing_is_written_that_could_not_be_read(tmp_path: Path, values: dict[str, Any], said: str) -> None:
    history, sources = edited(3, 0)
    with pytest.raises(InvalidRequest, match=said):
        file.save(tmp_path / "d.layers", History(replace(history.document, **values)), sources)
    assert not (tmp_path / "d.layers").exists()


def test_a_crash_between_writing_and_renaming_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history, sources = edited(7, 2)
    path = tmp_path / "a.layers"
    file.save(path, history, sources)
    before, shown = path.read_bytes(), history.document
    history.push(apply(history.document, {"op": "document", "name": "lost"}, sources))

    def crash(*names: object) -> None:
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", crash)
        with pytest.raises(SaveFailed, match="power"):
            file.save(path, history, sources)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.layers"]
    (tmp_path / ".a.layers.xyz.part").write_bytes(before[: len(before) // 2])  # as after a kill, which tidies nothing
    opened = file.open(path)
    assert opened.document == shown
    render(opened.document, opened.sources)
    file.save(path, history, sources)
    assert file.open(path).document.name == "lost"


def rewrite(path: Path, change: Callable[[dict[str, Any]], None], **options: Any) -> Path:
    """The same file with other entries: `change` gets a dict of name to bytes."""
    with zipfile.ZipFile(path) as archive:
        entries: dict[str, Any] = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    change(entries)
    hostile = path.with_name("hostile.layers")
    with zipfile.ZipFile(hostile, "w", **options) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return hostile


def change_json(name: str, **values: Any) -> Callable[[dict[str, Any]], None]:
    def change(entries: dict[str, Any]) -> None:
        entries[name] = json.dumps({**json.loads(entries[name]), **values})

    return change


def add_entry(name: str, data: bytes = b"x") -> Callable[[dict[str, Any]], None]:
    return lambda entries: entries.update({name: data})


def source_names(entries: dict[str, Any]) -> list[str]:
    return [name for name in entries if name.startswith("sources/")]


def swap_sources(entries: dict[str, Any]) -> None:
    """A picture of the right size and kind, but not the one of that name."""
    name = max(source_names(entries), key=lambda name: len(entries[name]) * (entries[name][24] == 8))
    values = decode_png(entries[name])
    values[0, 0] ^= 1
    entries[name] = cv2.imencode(".png", values)[1].tobytes()


def shrink_source(entries: dict[str, Any]) -> None:
    """A picture of another size under its right name."""
    document = json.loads(entries["document.json"])
    data = cv2.imencode(".png", np.zeros((3, 3, 4), np.uint8))[1].tobytes()
    document["layers"][0]["source"]["id"] = hashlib.sha256(data).hexdigest()
    entries["document.json"] = json.dumps(document)
    del entries["history.json"]
    entries[f"sources/{hashlib.sha256(data).hexdigest()}.png"] = data


def drop_source(entries: dict[str, Any]) -> None:
    del entries[source_names(entries)[0]]


def many_layers(entries: dict[str, Any]) -> None:
    document = json.loads(entries["document.json"])
    document["layers"] = [{**document["layers"][0], "id": f"n{number}"} for number in range(10_000)]
    entries["document.json"] = json.dumps(document)
    del entries["history.json"]


def deep_members(entries: dict[str, Any]) -> None:
    document = json.loads(entries["document.json"])
    layer = document["layers"][0]
    for number in range(200):
        layer = {**layer, "id": f"n{number}", "members": [layer]}
    document["layers"] = [layer]
    entries["document.json"] = json.dumps(document)
    del entries["history.json"]


def bomb(entries: dict[str, Any]) -> None:
    entries[source_names(entries)[0]] = entries[source_names(entries)[0]] + bytes(64 << 20)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (add_entry("../../climbs.png"), "inside the file's own folder"),
        (add_entry("/etc/passwd"), "inside the file's own folder"),
        (add_entry("a\\..\\b"), "inside the file's own folder"),
        (add_entry("C:x"), "inside the file's own folder"),
        (change_json("document.json", version=2), "newer version"),
        (change_json("document.json", version="1"), "whole number"),
        (change_json("document.json", format="other"), "pentimento-layers"),
        (change_json("document.json", extent={"width": 0, "height": 5}), "1 to 30000 px"),
        (change_json("document.json", extent={"width": 30000, "height": 30000}), "megapixels"),
        (change_json("document.json", surprise=1), "surprise"),
        (change_json("history.json", at=99), "history.at"),
        (change_json("history.json", layers=[{}]), "history.layers"),
        (change_json("history.json", states=[{"layers": [77]}]), "history.states"),
        (add_entry("document.json", b"{"), "JSON"),
        (add_entry("document.json", b"\xff\xfe"), "JSON"),
        (add_entry("document.json", b"[" * 100_000), "JSON"),
        (add_entry("document.json", b"[1]"), "pentimento-layers"),
        (lambda entries: entries.pop("document.json"), "document.json in it"),
        (swap_sources, "damaged or changed"),
        (shrink_source, "as the document says"),
        (drop_source, "pixels that are in the file"),
        (many_layers, "at most 1000"),
        (deep_members, "levels"),
        (bomb, "a PNG of"),
    ],
)
def test_a_hostile_file_is_refused_in_words(tmp_path: Path, change: Callable[[dict[str, Any]], None], said: str) -> None:
    history, sources = edited(8, 3)
    path = tmp_path / "a.layers"
    file.save(path, history, sources)
    hostile = rewrite(path, change, compression=zipfile.ZIP_DEFLATED)
    before = hostile.read_bytes()
    with pytest.raises(PentimentoError, match=said):
        file.open(hostile)
    assert hostile.read_bytes() == before and file.open(path).document == history.document


def test_no_archive_cut_short_or_flipped_anywhere_gets_past_the_door(tmp_path: Path) -> None:
    history, sources = edited(9, 1)
    path = tmp_path / "a.layers"
    file.save(path, history, sources)
    whole, broken = path.read_bytes(), tmp_path / "b.layers"
    shown = render(history.document, sources)
    rng = np.random.default_rng(1)
    for number in range(60):
        data = bytearray(whole)
        if number % 3 == 0:
            del data[int(rng.integers(len(data))) :]
        else:
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        broken.write_bytes(data)
        try:
            opened = file.open(broken)
            assert (render(opened.document, opened.sources) == shown).all() or opened.document != history.document
        except PentimentoError:
            continue
    for data in (b"", b"PK", bytes(1000), b"\x89PNG\r\n\x1a\n"):
        broken.write_bytes(data)
        with pytest.raises(InvalidRequest, match="file of layers"):
            file.open(broken)
    with pytest.raises(InvalidRequest, match="exists"):
        file.open(tmp_path / "none.layers")


def test_pixels_that_change_behind_our_back_are_not_shown(tmp_path: Path) -> None:
    history, sources = edited(10, 1)
    path = tmp_path / "a.layers"
    file.save(path, history, sources)
    opened = file.open(path)
    rewrite(path, swap_sources).replace(path)
    with pytest.raises(InvalidImage, match="damaged or changed"):
        for layer in opened.document.layers:
            if layer.source is not None:
                opened.sources.pixels(layer.source)


def test_sources_are_kept_once_read_only_and_within_their_room() -> None:
    sources = MemorySources(cache_bytes=10_000)
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 4)).astype(np.uint8)
    source = sources.add_pixels(pixels)
    assert sources.add_pixels(pixels.copy()) == source and source.extent == Extent(40, 30)
    pixels[...] = 0
    assert sources.pixels(source).any() and not sources.pixels(source).flags.writeable
    steps = np.random.default_rng(0).integers(-32768, 32768, (30, 40, 4)).astype(np.int16)
    kept = sources.add_difference(steps)
    for _ in range(3):
        assert (sources.difference(kept) == steps).all() and sources.pixels(source).shape == (30, 40, 4)
    for wrong in (pixels[..., :3], pixels.astype(np.int32), pixels[:0]):
        with pytest.raises(InvalidImage):
            sources.add_pixels(wrong)
    with pytest.raises(InvalidImage, match="pixels"):
        sources.pixels(kept)


def test_an_empty_decomposition_is_a_document_without_layers() -> None:
    document = build(Decomposition(()), " ", Extent(5, 4), MemorySources())
    assert isinstance(document, LayerDocument) and document.name == "picture"
    assert render(document, MemorySources()).shape == (4, 5, 4)
