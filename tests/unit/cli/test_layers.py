"""`launch.py layers`: apart, together, exported and rendered, with a stand-in for what takes pictures apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.base.paths import Paths
from modules.cli.layers import FAILED, main
from modules.runtime.layers.backends import BUILT_IN, LayerBackends
from modules.runtime.session import Session
from modules.settings.flags import Flags
from tests.unit.runtime.layers.pictures_apart import Discs, draw


class Commands:
    """Runs commands in a folder; `said` is what the last one printed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys, self.discs = folder, capsys, Discs(BUILT_IN)
        self.out = self.err = ""

    def run(self, *words: str) -> int:
        code = main([*words, "--data-dir", str(self.folder / "data")], self._make)
        self.out, self.err = self._capsys.readouterr()
        return code

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def pixels(self, name: str) -> Any:
        with Image.open(self.folder / name) as image:
            return np.array(image)

    def _make(self, paths: Paths, flags: Flags) -> Session:
        session = Session(paths, flags, keeps_history=False)
        session.layer_work.workshop.backends = LayerBackends({BUILT_IN: lambda: self.discs})
        return session


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    (tmp_path / "pictures").mkdir()
    draw(1).save(tmp_path / "pictures" / "a.png")
    (tmp_path / "pictures" / "b.jpg").write_bytes(b"nothing")
    return Commands(tmp_path, capsys)


def test_a_picture_goes_apart_and_together(commands: Commands) -> None:
    assert commands.run("decompose", commands.path("pictures/a.png"), "--out", commands.path("apart"), "--set", "texts=false") == 0
    assert commands.out.strip().endswith("a.layers") and "1 of 1 pictures made" in commands.err
    assert sorted(path.name for path in (commands.folder / "apart" / "a").glob("*.png")) == ["background.png", "picture.png", "subject.png"]
    for document in ("apart/a", "apart/a.layers"):
        assert commands.run("compose", commands.path(document), "--out", commands.path("back.png")) == 0
        assert np.array_equal(commands.pixels("back.png"), np.asarray(draw(1)))
    assert commands.run("export", commands.path("apart/a"), "--kind", "psd", "--out", commands.path("a.psd")) == 0
    assert commands.run("compose", commands.path("a.psd"), "--out", commands.path("again.png")) == 0
    assert np.array_equal(commands.pixels("again.png"), np.asarray(draw(1)))


def test_a_folder_goes_on_after_a_bad_picture_and_is_gone_on_with(commands: Commands) -> None:
    words = ("decompose", commands.path("pictures"), "--out", commands.path("apart"))
    assert commands.run(*words) == FAILED and "b.jpg: picture: got" in commands.err
    assert commands.run(*words) == FAILED and len(commands.discs.seen) == 1, "what is there is not made again"
    assert (commands.folder / "apart" / "report.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_table_is_rendered(commands: Commands) -> None:
    commands.run("decompose", commands.path("pictures/a.png"), "--out", commands.path("apart"))
    (commands.folder / "rows.csv").write_bytes("name,visible:subject,备注\n一,no,x\n二,maybe,\n".encode("gbk"))
    words = ("render", commands.path("apart/a"), "--table", commands.path("rows.csv"), "--out", commands.path("made"), "--size", "50%")
    assert commands.run(*words) == FAILED
    assert "read as gbk" in commands.err and "备注" in commands.err and "row 2: 二" in commands.err
    assert commands.pixels("made/一.png").shape[:2] == (18, 24)
    manifest = json.loads((commands.folder / "made" / "manifest.json").read_text("utf-8"))
    assert [row["state"] for row in manifest["rows"]] == ["done", "failed"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("decompose", "nowhere", "--out", "x"), "PICTURE"),
        (("decompose", "pictures", "--out", "x", "--set", "texts"), "NAME=VALUE"),
        (("decompose", "pictures", "--out", "x", "--backend", "magic"), "built-in"),
        (("compose", "nowhere", "--out", "x.png"), "DOCUMENT"),
        (("compose", "pictures", "--out", "x.bmp"), "--out"),
        (("render", "pictures", "--table", "nothing.csv", "--out", "x"), "--table"),
    ],
)
def test_wrong_commands_are_answered_in_words(
    commands: Commands, words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(commands.folder)
    assert commands.run(*words) == FAILED
    assert said in commands.err and "Traceback" not in commands.err
