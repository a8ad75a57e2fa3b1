"""Documents on disk: kept, changed by one tab at a time, never half written."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modules.base.errors import InvalidRequest, SaveFailed
from modules.pipeline.layers import file
from modules.pipeline.layers.building import as_json
from modules.runtime.layers.library import LayerLibrary
from modules.runtime.layers.record import StaleRevision, UnknownDocument
from modules.runtime.layers.workshop import Workshop, as_pixels
from tests.unit.runtime.layers.pictures_apart import draw, make_document, make_workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path)


@pytest.fixture
def library(workshop: Workshop) -> LayerLibrary:
    return workshop.library


@pytest.fixture
def poster(workshop: Workshop) -> str:
    """Id of a kept document."""
    return workshop.library.create(*make_document(workshop)).record.id


def move(layer: str, left: float) -> list[dict[str, Any]]:
    return [{"op": "set", "layer": layer, "values": {"placement": {"left": left}}}]


def layer_id(library: LayerLibrary, document: str, name: str = "subject") -> str:
    return next(layer.id for layer in library.get(document).document.layers if layer.name == name)


def picture(library: LayerLibrary, document: str) -> Any:
    return library.look(document, None, lambda opened: opened.render())


def test_what_is_kept_is_the_picture_and_opens_again_after_the_program_ended(library: LayerLibrary, poster: str) -> None:
    assert np.array_equal(picture(library, poster), as_pixels(draw()))
    moved = library.edit(poster, 0, move(layer_id(library, poster), 3))
    again = LayerLibrary(library.folder)
    assert again.get(poster) == moved and moved.record.revision == 1
    assert np.array_equal(picture(again, poster), picture(library, poster))
    back = again.undo(poster, 1)
    assert back.can_redo and not back.can_undo and np.array_equal(picture(again, poster), as_pixels(draw()))
    assert again.redo(poster, 2).document == moved.document


def test_the_second_of_two_tabs_is_refused_and_keeps_its_state_as_a_copy(library: LayerLibrary, poster: str) -> None:
    layer = layer_id(library, poster)
    first = library.edit(poster, 0, move(layer, 5))
    with pytest.raises(StaleRevision, match="got 0, wanted 1"):
        library.edit(poster, 0, move(layer, 9))
    with pytest.raises(StaleRevision):
        library.undo(poster, 0)
    assert library.get(poster) == first
    own = as_json(library.get(poster).document) | {"light_from_deg": 10.0}
    copy = library.copy(poster, "mine", wanted=own)
    assert copy.record.id != poster and copy.document.light_from_deg == 10 and library.get(poster) == first
    library.delete(poster)
    assert np.array_equal(picture(library, copy.record.id), picture(LayerLibrary(library.folder), copy.record.id))


def test_a_wrong_edit_changes_nothing_of_its_step(library: LayerLibrary, poster: str) -> None:
    before = library.get(poster)
    with pytest.raises(InvalidRequest, match="layer"):
        library.edit(poster, 0, [*move(layer_id(library, poster), 3), {"op": "delete", "layer": "nobody"}])
    assert library.get(poster) == before
    assert library.edit(poster, 0, []) == before, "no edits are no step"


def test_what_cannot_be_written_is_not_done(library: LayerLibrary, poster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, data = library.get(poster).document, (library.folder / f"{poster}.layers").read_bytes()

    def fail(*values: Any, **named: Any) -> None:
        raise SaveFailed("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(file, "write_atomically", fail)
        with pytest.raises(SaveFailed):
            library.edit(poster, 0, move(layer_id(library, poster), 3))
    assert (library.folder / f"{poster}.layers").read_bytes() == data
    assert library.get(poster).document == before
    now = library.get(poster).record.revision
    assert library.edit(poster, now, move(layer_id(library, poster), 3)).document != before


def test_people_with_logins_see_their_own(workshop: Workshop) -> None:
    library = workshop.library
    mine = library.create(*make_document(workshop, name="mine"), user="ann").record
    theirs = library.create(*make_document(workshop, name="theirs"), user="bob").record
    assert [record.id for record in library.list("ann")] == [mine.id]
    assert {record.name for record in library.list()} == {"mine", "theirs"}
    for attempt in (library.get, library.delete, library.undo):
        with pytest.raises(UnknownDocument):
            attempt(theirs.id, user="ann")
    assert "owner" not in library.get(theirs.id).record.as_json()


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "a/b", "", "x" * 70, "nobodynobodynobody", "a\0b"])
def test_no_id_leads_out_of_the_folder(library: LayerLibrary, name: str) -> None:
    with pytest.raises(UnknownDocument):
        library.get(name)
    with pytest.raises(UnknownDocument):
        library.delete(name)
    assert not library.has(name)


def test_what_is_deleted_can_be_taken_back(library: LayerLibrary, poster: str) -> None:
    before = library.get(poster)
    library.delete(poster)
    assert not library.list() and not library.has(poster)
    assert library.restore(poster).name == "poster" and library.get(poster) == before
    with pytest.raises(UnknownDocument):
        library.restore("nobodynobodynobody")
    for path in library.folder.glob(f"{poster}.*"):
        os.utime(path, (0, 0))
    library.delete(poster)
    library.restore(poster)  # the bin counts from the day it was deleted, however old the file is
    library.delete(poster)
    library.empty_bin(older_s=-1)
    with pytest.raises(UnknownDocument):
        library.restore(poster)


def test_damage_is_said_and_a_lost_record_made_again(library: LayerLibrary, poster: str) -> None:
    (library.folder / f"{poster}.json").write_text("{")
    assert LayerLibrary(library.folder).list()[0].name == "poster"
    (library.folder / f"{poster}.json").unlink()
    (library.folder / f"{poster}.layers").write_bytes(b"PK not a zip")
    fresh = LayerLibrary(library.folder)
    assert [note["key"] for note in fresh.list()[0].notes] == ["damaged"]
    with pytest.raises(InvalidRequest, match="layers"):
        fresh.get(poster)


def test_what_could_not_be_read_again_is_not_kept(library: LayerLibrary, poster: str) -> None:
    for name in ("a\nb\0c" + "x" * 900, "\ud800 half"):
        copy = library.copy(poster, name)
        assert LayerLibrary(library.folder).get(copy.record.id) == copy
    before = library.get(poster)
    for broken in ({"name": ""}, {"light_height_deg": 500.0}, {"name": "half \ud800"}):
        with pytest.raises(InvalidRequest):
            library.change(poster, 0, lambda document, sources, broken=broken: replace(document, **broken))
    assert LayerLibrary(library.folder).get(poster) == before


def test_changes_that_come_to_nothing_leave_nothing_in_memory(library: LayerLibrary, poster: str) -> None:
    def fail(document: Any, sources: Any) -> Any:
        sources.add_pixels(np.random.default_rng().integers(0, 255, (9, 9, 4), dtype=np.uint8))
        raise InvalidRequest("layer", "x", "another")

    for _ in range(5):
        with pytest.raises(InvalidRequest):
            library.change(poster, None, fail)
        with pytest.raises(UnknownDocument):
            library.get(os.urandom(16).hex())
    assert library.look(poster, None, lambda opened: len(opened.sources._files)) == 0
    assert len(library._locks) <= 1


def test_names_are_changed_as_a_step(library: LayerLibrary, poster: str) -> None:
    assert library.rename(poster, " 海报 ").document.name == "海报" and library.list()[0].name == "海报"
    assert library.undo(poster).document.name == "poster"
    for name in ("", "  ", "a\nb", "x" * 300):
        with pytest.raises(InvalidRequest, match="name"):
            library.rename(poster, name)
