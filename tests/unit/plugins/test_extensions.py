"""Extensions are found in the order they ask for, with the reason why one does not run, and nothing outside their folder is theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.plugins.discovery import find_scripts
from modules.plugins.extensions import Extension, State, find_extensions, what_is_left_out
from modules.settings.flags import parse_flags


def write(folder: Path, name: str, text: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def find(folder: Path, *disabled: str, **options: object) -> list[Extension]:
    return find_extensions(folder / "builtin", folder / "user", disabled, **options)  # type: ignore[arg-type]


def by_name(extensions: list[Extension]) -> dict[str, Extension]:
    return {extension.name: extension for extension in extensions}


def test_metadata_orders_extensions_and_names_what_is_missing(tmp_path: Path) -> None:
    for name in ("b-first", "A-second", "c-third"):
        write(tmp_path, f"user/{name}/scripts/x.py")
    write(tmp_path, "builtin/z-ours/scripts/x.py")
    write(tmp_path, "user/A-second/metadata.ini", "[Extension]\nName = Called-A\nRequires = c-third, gone, off\n")
    write(tmp_path, "user/c-third/metadata.ini", "\ufeff[extension]\nbefore = z-ours called-a")
    write(tmp_path, "user/off/metadata.ini", "no section")
    found = find(tmp_path, "off")
    assert [extension.name for extension in found] == ["b-first", "c-third", "z-ours", "off", "A-second"]
    second = by_name(found)["A-second"]
    assert (second.canonical_name, second.missing, second.is_enabled) == ("called-a", ("gone", "off"), True)
    assert "gone, off" in second.reason
    assert by_name(found)["off"].state is State.DISABLED


def test_a_circle_of_wishes_is_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, "user/a/metadata.ini", "[Extension]\nAfter = b")
    write(tmp_path, "user/b/metadata.ini", "[Extension]\nAfter = a")
    assert [extension.name for extension in find(tmp_path)] == ["a", "b"] and "circle" in caplog.text


def test_scripts_are_ordered_among_each_other(tmp_path: Path) -> None:
    write(tmp_path, "scripts/own.py")
    write(tmp_path, "user/one/scripts/early.py")
    write(tmp_path, "user/one/scripts/late.py")
    write(tmp_path, "user/one/metadata.ini", "[scripts/late.py]\nAfter = two\n[scripts/early.py]\nBefore = own.py")
    write(tmp_path, "user/two/scripts/other.py")
    write(tmp_path, "user/off/scripts/never.py")
    files = find_scripts(tmp_path / "scripts", find(tmp_path, "off"))
    assert [file.path.stem for file in files] == ["early", "own", "other", "late"]
    assert [file.basedir.name for file in files] == ["one", tmp_path.name, "two", "one"]


def test_what_is_switched_off_says_by_whom(tmp_path: Path) -> None:
    write(tmp_path, "builtin/ours/metadata.ini")
    write(tmp_path, "user/theirs/metadata.ini", "[Extension]\nName = same")
    write(tmp_path, "user/twin/metadata.ini", "[Extension]\nName = Same")

    def states(**options: object) -> list[State]:
        return [extension.state for extension in find(tmp_path, **options)]

    assert states() == [State.ENABLED, State.ENABLED, State.TWICE]
    assert states(disable_all="extra") == [State.ENABLED, State.ALL_DISABLED, State.ALL_DISABLED]
    assert states(disable_all="all") == [State.ALL_DISABLED] * 3
    assert states(is_safe=True) == [State.SAFE_START] * 3
    assert all(extension.reason for extension in find(tmp_path, is_safe=True))
    assert what_is_left_out(parse_flags(["--disable-extra-extensions"]), "none") == "extra"
    assert what_is_left_out(parse_flags(["--disable-extra-extensions"]), "all") == "all"
    assert what_is_left_out(parse_flags(["--disable-all-extensions"]), "none") == "all"


def test_files_stay_inside_the_extension(tmp_path: Path) -> None:
    secret = write(tmp_path, "secret.js", "outside")
    write(tmp_path, "user/e/javascript/b.js")
    write(tmp_path, "user/e/javascript/a.MJS")
    write(tmp_path, "user/e/javascript/.hidden.js")
    write(tmp_path, "user/e/javascript/read.me")
    (tmp_path / "user/e/javascript/out.js").symlink_to(secret)
    (tmp_path / "user/e/style.css").symlink_to(secret)
    (tmp_path / "user/e/scripts").symlink_to(tmp_path)
    (extension,) = find(tmp_path)
    assert [path.name for path in extension.files("javascript", (".js", ".mjs"))] == ["a.MJS", "b.js"]
    assert extension.files("scripts", (".js",)) == [] and extension.style_sheet is None
    (tmp_path / "user/linked").symlink_to(extension.path)  # a link that the person made stands for the folder
    assert [path.name for path in by_name(find(tmp_path))["linked"].files("javascript", (".js",))] == ["b.js"]
