"""Scripts are found in order, executed once, and cost nobody anything when they are broken."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modules.plugins.discovery import ScriptFile, find_scripts
from modules.plugins.extensions import find_extensions
from modules.plugins.loader import ROOT, SCRIPTS_DATA, ScriptLibrary
from modules.plugins.runner import ScriptRunner
from modules.plugins.script_modules import basedir
from modules.runtime.shared_objects import SharedSession, loaded_scripts

GOOD = """
from types import SimpleNamespace
from modules import scripts
LOADED_FROM = scripts.basedir()
COUNT = []
COUNT.append(1)

class {name}(scripts.Script):
    def title(self):
        return "{name}"
    def show(self, is_img2img):
        return {shown}
    def ui(self, is_img2img):
        loops = SimpleNamespace(label="Loops", value=4, minimum=1, maximum=32, step=1)
        return [loops, SimpleNamespace(value="x", choices=[("X", "x"), "y"])]
    def run(self, p, *args):
        return args
"""
CLASS = """
from modules import scripts
class A(scripts.Script):
    def title(self):
        return "A"
    {method}
"""
BROKEN: dict[str, str | bytes] = {
    "import_error": "import no_such_module",
    "syntax": "def (",
    "exit": "import sys\nsys.exit(3)",
    "keyboard": "raise KeyboardInterrupt",
    "keyboard_ui": CLASS.format(method="def ui(self, tab): raise KeyboardInterrupt"),
    "recursion": "def f(): f()\nf()",
    "bytes": "\u00fc".encode("latin-1"),
    "bad_init": CLASS.format(method="def __init__(self): 1 / 0"),
    "no_title": "from modules import scripts\nclass A(scripts.Script): pass",
    "number_title": CLASS.format(method="title = lambda self: 7"),
    "bad_show": CLASS.format(method="def show(self, tab): [][0]"),
    "bad_ui": CLASS.format(method="def ui(self, tab): 1 / 0"),
    "text_ui": CLASS.format(method="def ui(self, tab): return 'abc'"),
    "odd_ui": CLASS.format(method="def ui(self, tab): return [3]"),
    "exit_ui": CLASS.format(method="def ui(self, tab): raise SystemExit"),
}
STAGES = {"bad_init": "create", "no_title": "create", "number_title": "create", "bad_show": "create"}


def good(name: str, shown: str = "True") -> str:
    return GOOD.format(name=name, shown=shown)


class Place:
    """A made-up installation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def library(self, **options: Any) -> ScriptLibrary:
        return ScriptLibrary(self.find, **options)

    def find(self) -> list[ScriptFile]:
        extensions = find_extensions(self.folder / "extensions-builtin", self.folder / "extensions")
        return find_scripts(self.folder / "scripts", extensions)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    before = set(sys.modules)
    yield Place(tmp_path)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    SCRIPTS_DATA[:] = [data for data in SCRIPTS_DATA if not data.path.startswith(str(tmp_path))]


def test_own_scripts_come_first_then_built_in_extensions_then_the_persons(place: Place) -> None:
    for path in ("extensions/a/scripts/a.py", "extensions-builtin/z/scripts/b.py", "extensions-builtin/y/scripts/c.py", "scripts/e.py"):
        place.write(path, good(f"Of{Path(path).stem}"))
    place.write("scripts/d.py", good("Ofd"))
    place.write("scripts/notes.txt", "no script")
    place.write("scripts/.hidden.py", "1 / 0")
    place.write("scripts/folder.py/x.py", "1 / 0")
    place.write("extensions/loose.py", "1 / 0")
    library = place.library()
    assert library.img2img.titles == ["Ofd", "Ofe", "Ofc", "Ofb", "Ofa"] and not library.broken
    assert [(Path(data.path).name, Path(data.basedir).name) for data in SCRIPTS_DATA][-1] == ("a.py", "a")


def test_controls_become_plain_values_in_the_order_of_the_scripts(place: Place) -> None:
    place.write("scripts/pick.py", good("Pick"))
    place.write("scripts/all.py", good("Every", "scripts.AlwaysVisible"))
    runner = place.library().img2img
    assert runner.default_args() == [0, 4, "x", 4, "x"]
    every, pick = runner.alwayson_scripts[0], runner.selectable_scripts[0]
    assert (every.args_from, every.args_to, pick.args_from, pick.args_to) == (1, 3, 3, 5)
    assert (every.alwayson, every.name, every.is_img2img, Path(every.filename or "").name) == (True, "every", True, "all.py")
    first, second = every.control_values
    assert first.as_dict() == {"label": "Loops", "value": 4, "minimum": 1, "maximum": 32, "step": 1, "choices": None}
    assert (second.label, second.choices) == ("", ("x", "y"))
    args = runner.assemble_args("pick", [7], {"EVERY": {"args": [5, "y"]}})
    assert args == [1, 5, "y", 7, "x"]
    assert pick.elem_id("loops") == "script_img2img_pick_loops"


def test_a_file_is_executed_once_for_both_tabs(place: Place) -> None:
    place.write("extensions/one/scripts/count_me.py", good("Counted"))
    library = place.library()
    assert library.img2img.titles == library.txt2img.titles == ["Counted"]
    module = SCRIPTS_DATA[-1].module
    assert module.COUNT == [1] and Path(module.LOADED_FROM) == place.folder / "extensions" / "one"
    assert library.img2img.selectable_scripts[0] is not library.txt2img.selectable_scripts[0]
    assert library.txt2img.selectable_scripts[0].is_txt2img
    assert place.library().img2img.titles == ["Counted"] and module.COUNT == [1]
    assert basedir() == str(ROOT) and str(place.folder) not in ",".join(sys.path)


def test_files_of_one_name_do_not_hide_each_other(place: Place) -> None:
    for extension in ("first", "second"):
        place.write(f"extensions/{extension}/scripts/same.py", good(extension.title()))
        place.write(f"extensions-builtin/{extension}/scripts/same.py", good(f"{extension.title()}BuiltIn"))
    assert place.library().img2img.titles == ["FirstBuiltIn", "SecondBuiltIn", "First", "Second"]


def test_an_extension_imports_its_own_packages_and_scripts(place: Place) -> None:
    place.write("extensions/e/lib_of_e/__init__.py", "VALUE = 5")
    place.write("extensions/e/scripts/base_of_e.py", good("Base"))
    place.write(
        "extensions/e/scripts/uses_base.py", "from lib_of_e import VALUE\nfrom scripts.base_of_e import Base, COUNT\nassert COUNT == [1]"
    )
    library = place.library()
    assert library.img2img.titles == ["Base"] and not library.broken


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_is_left_out_and_told(place: Place, name: str, caplog: pytest.LogCaptureFixture) -> None:
    path = place.write(f"scripts/{name}.py", BROKEN[name])
    place.write("scripts/zz_good.py", good("Good"))
    library = place.library()
    assert library.img2img.titles == ["Good"] and library.txt2img.titles == ["Good"]
    (entry,) = library.broken
    stage = STAGES.get(name, "ui" if name.endswith("_ui") else "import")
    assert (entry.file, entry.stage) == (path, stage)
    assert entry.reason and "\n" not in entry.reason and str(path) in caplog.text
    assert f"scripts.{name}" not in sys.modules or stage != "import"


def test_a_broken_file_is_tried_again_by_the_next_library(place: Place) -> None:
    place.write("scripts/mended.py", "1 / 0")
    assert place.library().img2img.titles == []
    place.write("scripts/mended.py", good("Mended"))
    assert place.library().img2img.titles == ["Mended"]


def test_controls_are_built_in_the_context_that_was_handed_in(place: Place) -> None:
    entered = []

    @contextmanager
    def context() -> Iterator[None]:
        entered.append("in")
        yield
        entered.append("out")

    place.write("scripts/a.py", good("A"))
    library = place.library(controls_context=context)
    assert not library.is_loaded and entered == []
    library.load()
    assert library.is_loaded and entered == ["in", "out"]


def test_no_folders_mean_no_scripts(place: Place) -> None:
    assert place.library().img2img.titles == [] and find_scripts(place.write("scripts", "a file")) == []


def test_titles_of_a1111s_page_change_nothing() -> None:
    assert ScriptRunner().assemble_args(None, [], {"Seed": {"args": [5]}, "refiner": {}, "Sampler": {}}) == [0]


def test_a_script_that_asks_for_the_scripts_at_import_gets_those_to_come(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("scripts/asks.py", "from modules.scripts import scripts_img2img as early\n" + good("Asks"))
    library = place.library()
    shared = SharedSession()
    shared.bind(SimpleNamespace(library=library))  # type: ignore[arg-type]
    monkeypatch.setattr("modules.runtime.shared_objects.SHARED", shared)
    assert library.img2img.titles == ["Asks"] and SCRIPTS_DATA[-1].module.early is library.img2img
    assert loaded_scripts(is_img2img=True) is library.img2img
    assert loaded_scripts(is_img2img=False) is library.txt2img
