"""Scripts that are made before the page, and build their controls into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modules.plugins.discovery import ScriptFile
from modules.plugins.loader import SCRIPTS_DATA, ScriptLibrary
from modules.plugins.script import Script

TEXT = """
from types import SimpleNamespace
from modules.scripts import AlwaysVisible, Script, scripts_img2img
SEEN = [scripts_img2img]

class Every(Script):
    def title(self): return "Every"
    def show(self, tab): return AlwaysVisible
    def ui(self, tab): return [SimpleNamespace(value=5), SimpleNamespace(value=lambda: 6)]

class Fails(Script):
    def title(self): return "Fails"
    def show(self, tab): return AlwaysVisible
    def ui(self, tab): raise ValueError("no button yet")

class Pick(Script):
    def title(self): return "Pick"
    def ui(self, tab): return [SimpleNamespace(value="a")]
"""


def test_scripts_are_there_before_their_controls_which_are_built_once_where_the_page_says(tmp_path: Path) -> None:
    file = tmp_path / "scripts" / "early_scripts.py"
    file.parent.mkdir()
    file.write_text(TEXT)
    library, places = ScriptLibrary(lambda: [ScriptFile(file, tmp_path)]), []

    @contextmanager
    def place(script: Script) -> Iterator[None]:
        places.append(script.title())
        yield

    try:
        library.prepare()
        runner = library.img2img
        assert [script.controls for script in runner.scripts] == [None] * 3 and runner.default_args() == [0]
        assert library.build_controls(is_img2img=True, place=place) is runner
        assert library.build_controls(is_img2img=True, place=place) is runner
        assert library.img2img is runner and places == ["Every", "Fails", "Pick"]
        assert runner.default_args() == [0, 5, 6, "a"] and runner.titles == ["Pick"]
        assert [(entry.stage, entry.reason) for entry in library.broken] == [("ui", "ValueError: no button yet")]
    finally:
        SCRIPTS_DATA[:] = [data for data in SCRIPTS_DATA if data.path != str(file)]
