"""`launch.py workflow`: looked at and run, on nodes that need no model."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.cli.workflow import FAILED, main
from modules.runtime.session import Session

GRAPH = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "sub/a.png [input]"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}


class Commands:
    """Runs commands in a folder; `out` and `err` are what the last one printed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.out = self.err = ""

    def run(self, *words: str) -> int:
        code = main([*words, "--data-dir", str(self.folder / "data")], partial(Session, keeps_history=False))
        self.out, self.err = self._capsys.readouterr()
        return code

    def write(self, name: str, plain: Any) -> str:
        (self.folder / name).write_text(json.dumps(plain))
        return str(self.folder / name)


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    Image.new("RGB", (8, 8), (255, 0, 255)).save(tmp_path / "in" / "sub" / "a.png")
    return Commands(tmp_path, capsys)


def test_a_workflow_runs_and_its_pictures_carry_it(commands: Commands) -> None:
    file = commands.write("graph.json", GRAPH)
    given, out = str(commands.folder / "in"), commands.folder / "out"
    assert commands.run("run", file, "--input", given, "--out", str(out), "--set", "3.filename_prefix=7") == 0, commands.err
    made = Path(commands.out.strip())
    assert made.parent == out and made.name.startswith("7_")
    with Image.open(made) as picture:
        assert np.array_equal(np.asarray(picture)[0, 0], [0, 255, 0])
    # The picture is a workflow itself, and a second run takes no name that is taken.
    assert commands.run("run", str(made), "--out", str(out)) == 0, commands.err
    assert len(list(out.iterdir())) == 2


def test_what_is_missing_is_said_in_words(commands: Commands) -> None:
    broken = GRAPH | {"9": {"class_type": "FancySave", "inputs": {"images": ["2", 0]}}}
    file = commands.write("graph.json", broken)
    assert commands.run("show", file) == FAILED
    assert "2  ImageInvert  image ← 1" in commands.out and "can run: nothing" in commands.out
    assert "no picture sub/a.png [input]" in commands.out and "stops 3, 9" in commands.out
    assert "node 9 (FancySave): not known here" in commands.out
    assert commands.run("run", file) == FAILED and "missing_picture" in commands.err
    assert commands.run("show", file, "--input", str(commands.folder / "in")) == 0 and "can run: 3" in commands.out
    assert commands.run("show", "inpaint") == FAILED and "512-inpainting-ema.safetensors" in commands.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nothing.png"], "a file that exists, or one of inpaint, layers"),
        (["{file}", "--set", "3=7"], "NODE.INPUT=VALUE"),
        (["{file}", "--set", "8.seed=7"], "8.seed"),
        (["{file}", "--input", "{file}"], "a folder that exists"),
        (["{hostile}", "--input", "{in}"], "secret"),
        (["{empty}"], "a workflow of ComfyUI"),
    ],
)
def test_a_wrong_command_line_is_refused_in_words(commands: Commands, words: list[str], says: str) -> None:
    (commands.folder / "secret.png").write_bytes(b"")
    hostile = GRAPH | {"1": {"class_type": "LoadImage", "inputs": {"image": "../secret.png"}}}
    names = {
        "file": commands.write("graph.json", GRAPH),
        "hostile": commands.write("hostile.json", hostile),
        "empty": commands.write("empty.json", {}),
        "in": str(commands.folder / "in"),
    }
    assert commands.run("run", *(word.format(**names) for word in words)) == FAILED
    assert says in commands.err
