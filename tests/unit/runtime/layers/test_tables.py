"""Tables and sizes as people write them, and templates rendered for every row."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Extent
from modules.pipeline.layers.render import render
from modules.runtime.layers.ledger import write_table
from modules.runtime.layers.rows import Table, from_values, read_table
from modules.runtime.layers.sizes import fit_document, read_sizes
from modules.runtime.layers.table import Rendering
from modules.runtime.layers.task import JobWatch, LayerTask
from modules.runtime.layers.template import Template
from modules.runtime.layers.workshop import Workshop
from modules.settings.options import Options
from tests.unit.runtime.layers.pictures_apart import draw, make_document, make_workshop

LINES = 'name,text:SALE,折扣\n红,满减,九折\n蓝,"a, b",\n'


class Watch(JobWatch):
    """Tells nobody; is interrupted after so many looks."""

    def __init__(self, looks: int = 10**6) -> None:
        super().__init__(LayerTask({}, lambda *values: []), None)  # type: ignore[arg-type]
        self.looks = looks

    def tell(self, share: float, doing: str) -> None:
        pass

    def is_interrupted(self) -> bool:
        self.looks -= 1
        return self.looks < 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_a_table_is_read_in_the_encodings_of_spreadsheets(encoding: str) -> None:
    table = read_table(LINES.encode(encoding))
    assert table.columns == ("name", "text:SALE", "折扣") and not table.problems
    assert table.rows == ({"name": "红", "text:SALE": "满减", "折扣": "九折"}, {"name": "蓝", "text:SALE": "a, b"})
    assert bool(table.notes) == (encoding == "gbk")


@pytest.mark.parametrize("text", ["a;b\n1;2\n", "a\tb\r\n1\t2\r\n", '[{"a": 1, "b": 2}]', '{"rows": [{"a": "1", "b": "2", "c": null}]}'])
def test_delimiters_and_json(text: str) -> None:
    assert read_table(text.encode()).rows == ({"a": "1", "b": "2"},)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "at least one row"),
        (b"name,size\n", "at least one row"),
        (b"a,a\n1,2\n", "each column name once"),
        (b"a,,b\n1,2,3\n", "a name for every column"),
        (b"[1, 2]", "list of objects"),
        (b"[{", "JSON that can be read"),
        (b"PK\x03\x04\x00\x00", "save as CSV"),
        (b"a\n\xff\xff\xff\n", "UTF-8 or GBK"),
    ],
)
def test_what_is_no_table_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        read_table(data)


def test_a_bad_row_is_named_and_the_others_stay() -> None:
    assert read_table(b"a,b\n1,2,3\n4,5\n").problems.keys() == {1}
    table = from_values([{"a": {"deep": 1}}, {"a": True, "sizes": ["10x10", "20x20"]}])
    assert table.problems.keys() == {1} and table.rows[1] == {"a": "yes", "sizes": "10x10;20x20"}


def test_sizes_are_read_as_people_write_them() -> None:
    own = Extent(200, 100)
    assert read_sizes(["100 x 50; 50%"], own) == [Extent(100, 50)], "each once"
    assert read_sizes(["10x20 30x40"], own) == [Extent(10, 20), Extent(30, 40)]
    assert read_sizes(["64×32", "10*20，300%"], own) == [Extent(64, 32), Extent(10, 20), Extent(600, 300)]
    assert read_sizes([], own) == [own]
    for text in ("0x10", "big", "10x", "99999x5", "0%", "5000%"):
        with pytest.raises(InvalidRequest, match="size"):
            read_sizes([text], own)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path)


def test_another_size_covers_the_canvas_and_keeps_what_stands_before_whole(workshop: Workshop) -> None:
    document, sources = make_document(workshop)
    assert fit_document(document, document.extent) is document
    twice = fit_document(document, Extent(96, 72))
    assert {layer.placement.scale_x for layer in twice.layers} == {2.0}
    wide = fit_document(document, Extent(192, 72))
    assert [layer.placement.scale_x for layer in wide.layers] == [4.0, 2.0, 2.0]
    assert (render(wide, sources)[..., 3] == 255).all(), "nothing of the canvas is left empty"
    subject = wide.layers[1]
    assert np.allclose(subject.placement.middle(subject.source.extent.size), (96, 36), atol=1), "what was in the middle stays there"


class Made:
    """A rendering in a folder."""

    def __init__(self, workshop: Workshop, files: Path) -> None:
        self.output, self.workshop, self.files = files / "made", workshop, files
        self.document, self.sources = make_document(workshop)
        self.told: list[tuple[str, Any]] = []

    def run(self, table: Table, sizes: tuple[str, ...] = (), looks: int = 10**6, fmt: str = "png") -> dict[str, Any]:
        template = Template(self.document, self.sources, self.files, lambda: self.workshop.fonts)
        work = Rendering(template, table, self.output, sizes, fmt, Options(), lambda name, state: self.told.append((name, state)))
        work.run(Watch(looks))
        manifest: dict[str, Any] = json.loads((self.output / "manifest.json").read_text("utf-8"))
        return manifest

    def picture(self, name: str) -> Any:
        with Image.open(self.output / name) as image:
            return np.array(image)


@pytest.fixture
def made(workshop: Workshop, tmp_path: Path) -> Made:
    draw(9, (20, 20)).save(tmp_path / "cat.png")
    return Made(workshop, tmp_path)


def test_rows_change_what_they_name_and_one_bad_row_stops_nothing(made: Made) -> None:
    rows = [
        {"name": "plain", "subject": "cat.png", "size": "100%"},
        {"name": "as it is"},
        {"name": "gone", "visible:subject": "no", "background": "cat.png", "sizes": "50%;96x96"},
        {"name": "climbs", "subject": "../../secret.png"},
        {"name": "lacks", "subject": "dog.png"},
        {"name": "odd", "visible:subject": "perhaps"},
        {"name": "plain"},
    ]
    manifest = made.run(from_values(rows))
    states = {entry["name"]: entry for entry in manifest["rows"]}
    assert {name: entry["state"] for name, entry in states.items()} == {
        **dict.fromkeys(["plain", "as it is", "gone", "plain-2"], "done"), **dict.fromkeys(["climbs", "lacks", "odd"], "failed")
    }  # fmt: skip
    assert "leaves the folder" in states["climbs"]["error"] and "'dog.png'" in states["lacks"]["error"]
    assert "visible:subject" in states["odd"]["error"]
    assert np.array_equal(made.picture("as it is.png"), np.asarray(draw())), "a row without values is the template, to the bit"
    assert not np.array_equal(made.picture("plain.png"), np.asarray(draw()))
    assert [entry["file"] for entry in states["gone"]["pictures"]] == ["gone-24x18.png", "gone-96x96.png"]
    assert made.picture("gone-96x96.png").shape[:2] == (96, 96)


def test_the_same_table_goes_on_where_it_was_left(made: Made) -> None:
    table = from_values([{"name": f"row {number}", "visible:subject": "no"} for number in range(4)])
    first = made.run(table, looks=2)
    assert [entry["state"] for entry in first["rows"]] == ["done", "done", "waiting", "waiting"]
    kept = (made.output / "row 0.png").stat().st_mtime_ns
    assert [entry["state"] for entry in made.run(table)["rows"]] == ["done"] * 4 and len(made.told) == 4
    assert (made.output / "row 0.png").stat().st_mtime_ns == kept
    (made.output / "row 3.png").unlink()
    made.run(table)
    assert [name for name, _ in made.told][4:] == ["row 4: row 3"], "only what is missing is made"


def test_a_template_that_is_read_anew_from_its_file_goes_on_too(made: Made) -> None:
    """Files of other programs name no layers' ids, and every reading makes a new document."""
    table = from_values([{"name": "one", "visible:subject": "no"}])
    for _ in range(2):
        made.run(table)
        ids = {layer.id: os.urandom(5).hex() for layer in made.document.layers}
        layers = [replace(layer, id=ids[layer.id], follows=ids.get(layer.follows, "")) for layer in made.document.layers]
        made.document = replace(made.document, id=os.urandom(16).hex(), layers=tuple(layers))
    assert len(made.told) == 1
    made.document = replace(made.document, layers=made.document.layers[:-1])
    made.run(table)
    assert len(made.told) == 2, "another template makes other pictures"


def test_a_cell_that_is_changed_and_changed_back_is_made_again(made: Made) -> None:
    plain, changed = ([{"name": "one", "visible:subject": value}] for value in ("yes", "no"))
    for rows in (plain, changed, plain):
        made.run(from_values(rows))
    assert np.array_equal(made.picture("one.png"), np.asarray(draw()))
    assert len(made.told) == 3
    made.run(from_values(plain))
    assert len(made.told) == 3


def test_no_two_rows_write_the_same_file(made: Made) -> None:
    rows = [{"name": "a", "sizes": "10x10;20x20"}, {"name": "a-10x10"}, {"name": "b-10x10"}, {"name": "b", "sizes": "10x10;20x20"}]
    files = [entry["file"] for row in made.run(from_values(rows))["rows"] for entry in row["pictures"]]
    assert len(set(files)) == 6 and "b-10x10.png" in files


def test_files_of_others_are_not_written_over(made: Made, tmp_path: Path) -> None:
    made.output = tmp_path
    own = (tmp_path / "cat.png").read_bytes()
    table = from_values([{"name": "Cat", "background": "cat.png"}, {"name": "dog", "sizes": "10x10;20x20"}])
    assert [entry["name"] for entry in made.run(table)["rows"]] == ["Cat-2", "dog"]
    assert (tmp_path / "cat.png").read_bytes() == own
    changed = from_values([{"name": "Cat", "background": "cat.png", "visible:subject": "no"}, {"name": "dog", "sizes": "20x20;30x30"}])
    assert [entry["name"] for entry in made.run(changed)["rows"]] == ["Cat-2", "dog"], "our own results are"


def test_columns_that_fit_no_layer_are_refused_before_the_first_row(made: Made) -> None:
    for column in ("text:NOTHING", "subject:background", "color:subject"):
        with pytest.raises(InvalidRequest, match="text:text: SALE"):
            made.run(from_values([{column: "x"}]))
    with pytest.raises(InvalidRequest, match="at least one column"):
        made.run(from_values([{"price": "9.99"}]))
    manifest = made.run(from_values([{"price": "9.99", "size": "50%"}]))
    assert manifest["notes"] == [{"key": "columns_unused", "columns": ["price"]}]


def test_names_of_results_are_safe_and_a_jpeg_has_no_holes(made: Made) -> None:
    manifest = made.run(from_values([{"name": "../../up", "visible:background": "no"}, {"name": "a/b:c", "size": "10x10"}]), fmt="jpg")
    files = [entry["pictures"][0]["file"] for entry in manifest["rows"]]
    assert all((made.output / file).is_file() and "/" not in file for file in files)
    assert made.picture(files[0]).ndim == 3 and made.picture(files[0]).shape[2] == 3


def test_a_text_is_set_anew_in_another_script(made: Made) -> None:
    if not made.workshop.fonts.faces():
        pytest.skip("no font is installed")
    made.run(from_values([{"name": "new", "text": "NEW"}, {"name": "red", "color:SALE": "#0000ff"}]))
    outside = np.ones((36, 48), bool)
    outside[:14] = False
    for name in ("new.png", "red.png"):
        picture = made.picture(name)
        assert not np.array_equal(picture, np.asarray(draw()))
        assert np.array_equal(picture[outside], np.asarray(draw())[outside]), "nothing else moves"


def test_reports_hold_no_formulas(tmp_path: Path) -> None:
    write_table(tmp_path / "report.csv", ["file", "layers"], [{"file": "=cmd()", "layers": ["a", "b"]}])
    rows = list(csv.reader(io.StringIO((tmp_path / "report.csv").read_text("utf-8-sig"))))
    assert rows == [["file", "layers"], ["'=cmd()", "a\nb"]]
