"""The style editor's way to styles.csv and back."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from modules.base.errors import InvalidRequest, SaveFailed
from modules.pipeline import style_file
from modules.pipeline.style_file import check_file, delete_style, read_table, save_style
from modules.pipeline.styles import Style, read_styles

FOREIGN = (
    "\ufeffname,prompt,negative_prompt,comment\r\n"
    'oil,"oil paint, ""{prompt}"",\nthick",flat,mine\r\n'
    "---- mine ----,,,\r\n"
    "warm,warm light,,two,too many\r\n"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "styles.csv"


def read_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, skipinitialspace=True))


def test_what_a1111_wrote_comes_back_byte_for_byte(path: Path) -> None:
    path.write_bytes(FOREIGN.encode())
    assert read_table(path).encode() == FOREIGN.encode()


def test_a_change_leaves_other_columns_and_rows_alone(path: Path) -> None:
    path.write_bytes(FOREIGN.encode())
    save_style(path, Style("oils", "oil, {prompt}", ""), old_name="oil")
    save_style(path, Style("new", 'a "quoted"\r\nsecond line', " leading blank"))
    assert read_rows(path) == [
        ["name", "prompt", "negative_prompt", "comment"],
        ["oils", "oil, {prompt}", "", "mine"],
        ["---- mine ----", "", "", ""],
        ["warm", "warm light", "", "two", "too many"],
        ["new", 'a "quoted"\r\nsecond line', " leading blank"],
    ]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert read_styles(path)[-1] == Style("new", 'a "quoted"\r\nsecond line', " leading blank")


def test_the_prompt_of_an_old_file_stays_in_its_column(path: Path) -> None:
    path.write_text("name,text\nold,words\n")
    save_style(path, Style("old", "other", "bad"), old_name="old")
    assert path.read_text() == "name,text,negative_prompt\nold,other,bad\n"


def test_names_are_held_to_rules(path: Path) -> None:
    save_style(path, Style("oil", "a"))
    for name in ("", "  ", "x" * 300, "a\nb", "oil"):
        with pytest.raises(InvalidRequest) as caught:
            save_style(path, Style(name, "b"))
        assert caught.value.field == "name"
    with pytest.raises(InvalidRequest):
        delete_style(path, "missing")
    delete_style(path, "oil")
    assert read_styles(path) == []


def test_a_failed_write_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(FOREIGN.encode())

    def fail(target: Path, data: bytes) -> None:
        raise SaveFailed("disk full")

    monkeypatch.setattr(style_file, "write_atomically", fail)
    with pytest.raises(SaveFailed):
        save_style(path, Style("new", "a"))
    assert path.read_bytes() == FOREIGN.encode()


@pytest.mark.parametrize(
    ("data", "saved"),
    [
        (bytes(range(256)) * 10, 0),
        (b"some,other,table\n1,2,3\n", 0),
        (b'name,prompt,negative_prompt\na,b,c\nopen,"never closed\nd,e,f\n', 2),
        ("name,prompt,negative_prompt\nöl,b,c\n".encode("latin-1"), 1),
    ],
)
def test_a_file_that_is_no_table_is_kept_aside_and_what_can_be_read_stays(path: Path, data: bytes, saved: int) -> None:
    path.write_bytes(data)
    rescue = check_file(path)
    assert rescue is not None and rescue.aside.name == "styles.broken.csv" and rescue.reason
    assert rescue.aside.read_bytes() == data
    assert rescue.saved == saved == len(read_styles(path))
    assert check_file(path) is None


def test_the_page_edits_styles_and_names_what_was_kept_aside(make_client: Callable[..., TestClient], path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    client = make_client()
    assert client.post("/api/styles", json={"name": " oil ", "prompt": "oil, {prompt}"}).json() == [
        {"name": "oil", "prompt": "oil, {prompt}", "negative_prompt": ""}
    ]
    (notice,) = client.get("/api/notices").json()
    assert notice["kind"] == "styles_kept_aside" and notice["values"]["file"] == "styles.broken.csv"
    changed = client.post("/api/styles", json={"name": "oils", "negative_prompt": "flat", "old_name": "oil"})
    assert changed.json() == [{"name": "oils", "prompt": "", "negative_prompt": "flat"}]
    assert client.post("/api/styles", json={"name": ""}).status_code == 422
    assert client.post("/api/styles/delete", json={"name": "gone"}).status_code == 422
    assert client.post("/api/styles/delete", json={"name": "oils"}).json() == []
