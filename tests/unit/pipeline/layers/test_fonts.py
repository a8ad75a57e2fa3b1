"""The font catalogue: names, stand-ins, what is remembered, and files that are not what they say."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path, PureWindowsPath
from zlib import crc32

import pytest
from fontTools.ttLib import TTFont

from modules.base.errors import InvalidRequest
from modules.pipeline.layers import fonts as catalog
from modules.pipeline.layers.font_files import MAX_FACES, Face, has_code
from modules.pipeline.layers.fonts import BUILT_IN, INSTALLED, FontCatalog, system_folders
from tests.unit.pipeline.layers.conftest import LATIN
from tests.unit.pipeline.layers.drawn_fonts import draw_font


def test_fonts_are_named_by_family_and_style_and_know_their_characters(fonts: FontCatalog) -> None:
    assert fonts.names() == ["Han Sans SC", "Latin Sans", "Latin Sans Bold"]
    assert fonts.problems() == {}
    faces = {face.name: face for face in fonts.faces()}
    assert (faces["Latin Sans Bold"].weight, faces["Han Sans SC"].origin) == (700, BUILT_IN)
    assert has_code(faces["Han Sans SC"].edges, ord("新"))
    assert not has_code(faces["Latin Sans"].edges, ord("新"))
    assert [has_code((5, 7, 9, 10), code) for code in range(4, 11)] == [False, True, True, False, False, True, False]


@pytest.mark.parametrize(
    ("asked", "string", "found", "stands_in"),
    [
        ("Latin Sans", "SALE", "Latin Sans", False),
        ("latin-sans REGULAR", "SALE", "Latin Sans", False),
        ("LatinSans Bold", "新", "Latin Sans Bold", False),
        ("Nobody Bold", "SALE", "Latin Sans Bold", True),
        ("Nobody", "新品", "Han Sans SC", True),
        ("", "SALE", "Han Sans SC", False),
    ],
)
def test_a_font_that_is_not_there_is_stood_in_for_and_said(
    fonts: FontCatalog, asked: str, string: str, found: str, stands_in: bool
) -> None:
    choice = fonts.closest(asked, string)
    assert choice.face.name == found
    assert choice.notes == ((f"font-stands-in: {asked} -> {found}",) if stands_in else ())


def test_a_name_in_another_language_finds_the_font(tmp_path: Path) -> None:
    data = draw_font("Hei Ti", "新", names={"familyName": {"en": "Hei Ti", "zh": "黑体字"}})  # type: ignore[dict-item]
    (tmp_path / "hei.ttf").write_bytes(data)
    assert FontCatalog({INSTALLED: (tmp_path,)}).closest("黑体字", "新").face.name == "Hei Ti"


def test_what_was_read_is_remembered_until_the_file_changes(font_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, cache = tmp_path / "fonts", tmp_path / "cache.json"
    folder.mkdir()
    (folder / "one.ttf").write_bytes(draw_font("One", LATIN))
    first = FontCatalog({INSTALLED: (folder,)}, cache).faces()
    read = catalog.read_faces
    calls: list[Path] = []

    def count(path: Path, origin: str, data: bytes | None = None) -> list[Face]:
        calls.append(path)
        return read(path, origin, data)

    monkeypatch.setattr(catalog, "read_faces", count)
    again = FontCatalog({INSTALLED: (folder,)}, cache).faces()
    assert again == first
    assert [face.edges for face in again] == [face.edges for face in first]
    assert calls == []
    (folder / "one.ttf").write_bytes(draw_font("Two", LATIN + "新"))
    assert FontCatalog({INSTALLED: (folder,)}, cache).names() == ["Two"]
    cache.write_text("{broken")
    assert FontCatalog({INSTALLED: (folder,)}, cache).names() == ["Two"]


def replace_table(data: bytes, tag: str, content: bytes) -> bytes:
    """A font file with another table, and nothing else checked."""
    count = struct.unpack(">H", data[4:6])[0]
    for place in range(count):
        at = 12 + 16 * place
        if data[at : at + 4] == tag.encode():
            entry = struct.pack(">4sIII", tag.encode(), crc32(content), len(data), len(content))
            return data[:at] + entry + data[at + 16 :] + content
    raise KeyError(tag)


def endless_characters() -> bytes:
    """A character table (format 12) whose one range has four thousand million characters."""
    subtable = struct.pack(">HHIII", 12, 0, 28, 0, 1) + struct.pack(">III", 0, 0xFFFFFFFF, 1)
    return struct.pack(">HH", 0, 1) + struct.pack(">HHI", 3, 10, 12) + subtable


def huge_character() -> bytes:
    """A font whose characters are sixty em wide: the em has 16 units."""
    font = TTFont(BytesIO(draw_font("Huge", "Ag")))
    font["head"].unitsPerEm = 16
    file = BytesIO()
    font.save(file)
    return file.getvalue()


GOOD = draw_font("Good", LATIN)
BAD = {
    "empty": b"",
    "text": b"not a font at all, only words" * 10,
    "cut off": GOOD[: len(GOOD) // 3],
    "packed": b"wOF2" + GOOD[4:],
    "endless characters": replace_table(GOOD, "cmap", endless_characters()),
    "broken characters": replace_table(GOOD, "cmap", b"\x00\x00\x00\x09" + b"\xff" * 12),
    "many faces": b"ttcf\x00\x01\x00\x00" + struct.pack(">I", 0xFFFFFFFF) + GOOD,
    "broken outlines": replace_table(GOOD, "loca", b""),
    "huge": huge_character(),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_broken_or_hostile_font_is_refused_and_nothing_is_kept(fonts: FontCatalog, tmp_path: Path, kind: str) -> None:
    with pytest.raises(InvalidRequest, match="font: got .* this cannot be used"):
        fonts.add(BAD[kind])
    assert not (tmp_path / "uploaded").exists()
    assert fonts.names() == ["Han Sans SC", "Latin Sans", "Latin Sans Bold"]


def test_broken_fonts_in_a_folder_are_skipped_and_named(tmp_path: Path) -> None:
    for kind, data in BAD.items():
        (tmp_path / f"{kind}.ttf").write_bytes(data)
    (tmp_path / "good.ttf").write_bytes(GOOD)
    found = FontCatalog({INSTALLED: (tmp_path,)})
    assert found.closest("Good", "A").face.name == "Good"
    assert {"empty.ttf", "text.ttf", "cut off.ttf", "packed.ttf", "endless characters.ttf", "many faces.ttf"} <= set(found.problems())
    assert "WOFF" in found.problems()["packed.ttf"]
    assert str(MAX_FACES) in found.problems()["many faces.ttf"]


def test_an_uploaded_font_is_kept_under_a_safe_name_and_can_be_chosen(fonts: FontCatalog, tmp_path: Path) -> None:
    assert fonts.add(draw_font("../../Evil / Name", LATIN)) == ["../../Evil / Name"]
    assert fonts.add(draw_font("../../Evil / Name", LATIN)) == ["../../Evil / Name"]
    kept = list((tmp_path / "uploaded").iterdir())
    assert [path.name[:10] for path in kept] == ["Evil-Name-"]
    assert fonts.closest("../../evil / name").face.path == kept[0]
    assert "../../Evil / Name" in fonts.names()


def test_a_font_that_breaks_later_is_passed_over(font_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "one.ttf").write_bytes(draw_font("One", LATIN))
    found = FontCatalog({BUILT_IN: (font_folder / BUILT_IN,), INSTALLED: (tmp_path,)})
    assert "One" in found.names()
    (tmp_path / "one.ttf").write_bytes(b"")
    choice = found.closest("One", "A")
    assert (choice.face.name, choice.notes) == ("Han Sans SC", ("font-stands-in: One -> Han Sans SC",))
    assert "one.ttf" in found.problems()


def test_without_any_font_the_way_out_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="none is installed; upload one"):
        FontCatalog({INSTALLED: (tmp_path / "nowhere",)}).closest("Arial")


def test_every_platform_has_its_folders() -> None:
    home = Path("home")
    assert home / ".fonts" in list(system_folders("linux", {}, home))
    assert Path("given") / "fonts" in list(system_folders("linux", {"XDG_DATA_DIRS": "given"}, home))
    assert home / "Library" / "Fonts" in list(system_folders("darwin", {}, home))
    windows = [PureWindowsPath(folder) for folder in system_folders("win32", {"WINDIR": "W:", "LOCALAPPDATA": "L:"}, home)]
    assert [folder.parts[-1] for folder in windows] == ["Fonts", "Fonts"]
