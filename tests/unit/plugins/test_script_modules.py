"""Files of extensions find each other as under A1111, and not those of others that have the same names."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from modules import scripts
from modules.plugins.callback_order import ORDER
from modules.plugins.callbacks import CALLBACKS
from modules.plugins.discovery import ScriptFile
from modules.plugins.extensions import Extension, State
from modules.plugins.loader import SCRIPTS_DATA, ScriptLibrary
from modules.plugins.script_modules import IMPORTS, ROOT
from modules.runtime.shared_objects import SharedSession

TITLED = """
from modules import scripts
class {name}(scripts.Script):
    def title(self): return "{name}"
"""


class Place:
    """Extensions in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "extensions"

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def load(self) -> tuple[ScriptLibrary, dict[str, ModuleType]]:
        files = [ScriptFile(path, path.parents[1]) for path in sorted(self.folder.glob("*/scripts/*.py"))]
        library = ScriptLibrary(lambda: files)
        found = {f"{file.basedir.name}/{file.path.stem}": module for file, module in library.modules()}
        return library, found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    before, path = dict(sys.modules), dict(vars(sys.modules["scripts"])) if "scripts" in sys.modules else {}
    yield Place(tmp_path)
    for name in set(sys.modules) - set(before):
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    sys.modules.pop("extensions", None)
    if "scripts" in before:
        vars(sys.modules["scripts"]).clear()
        vars(sys.modules["scripts"]).update(path)
    IMPORTS.__init__()  # type: ignore[misc]
    SCRIPTS_DATA[:] = [data for data in SCRIPTS_DATA if not data.path.startswith(str(tmp_path))]
    CALLBACKS.clear()
    ORDER.learn([])


def test_each_extension_gets_its_own_files_of_a_name(place: Place) -> None:
    for name in ("first-one", "second-one"):
        place.write(f"{name}/scripts/same_tool.py", f"OWNER = '{name}'")
        place.write(f"{name}/same_lib/__init__.py", f"OWNER = '{name}'")
        place.write(
            f"{name}/same_lib/inner.py", f"from same_lib import OWNER\nfrom scripts.same_tool import OWNER as TOOL\nINNER = '{name}'"
        )
        place.write(
            f"{name}/scripts/a_user.py",
            "from scripts import same_tool\nimport scripts.same_tool as again\nfrom same_lib import inner, OWNER\n"
            "SEEN = [same_tool.OWNER, again.OWNER, OWNER, inner.OWNER, inner.TOOL, inner.INNER]",
        )
    library, found = place.load()
    assert not library.broken
    for name in ("first-one", "second-one"):
        assert [name] * 6 == found[f"{name}/a_user"].SEEN and name == found[f"{name}/same_tool"].OWNER
        assert importlib.import_module(f"extensions.{name}.scripts.same_tool") is found[f"{name}/same_tool"]


def test_files_of_others_can_be_asked_for(place: Place) -> None:
    place.write("giver/scripts/external_tool.py", "COUNT = []\nCOUNT.append(1)")
    place.write(
        "taker/scripts/takes.py",
        "import importlib\nfrom scripts.external_tool import COUNT\n"
        "SAME = importlib.import_module('extensions.giver.scripts.external_tool', 'external_tool').COUNT is COUNT\n"
        "def later():\n    from scripts import later_tool\n    return later_tool.VALUE",
    )
    place.write("taker/scripts/not_py/later.txt", "")
    library, found = place.load()
    place.write("taker/scripts/later_tool.py", "VALUE = 7")
    assert not library.broken and found["taker/takes"].SAME and found["giver/external_tool"].COUNT == [1]
    assert found["taker/takes"].later() == 7


def test_a_files_own_name_is_a1111s(place: Place) -> None:
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int = 1\n"
    place.write("one/scripts/grid_like.py", text + TITLED.format(name="Grid"))
    place.write("two/scripts/grid_like.py", text + TITLED.format(name="Other"))
    _, found = place.load()
    assert SCRIPTS_DATA[-2].script_class.__module__ == "grid_like.py" and SCRIPTS_DATA[-2].module is found["one/grid_like"]
    assert SCRIPTS_DATA[-1].script_class.__module__ != "grid_like.py" and found["two/grid_like"].Point().x == 1
    assert sys.modules["grid_like.py"] is found["one/grid_like"]


def test_a_file_that_fails_leaves_no_module_and_no_callback(place: Place) -> None:
    place.write("one/scripts/half_way.py", "from modules import script_callbacks\nscript_callbacks.on_ui_tabs(print)\n1 / 0")
    library, _ = place.load()
    assert [entry.stage for entry in library.broken] == ["import"] and not CALLBACKS.has("on_ui_tabs")
    assert not {"scripts.half_way", "half_way.py"} & set(sys.modules)


def test_what_fails_later_is_listed_with_what_was_left_out(place: Place) -> None:
    place.write(
        "one/scripts/late_fault.py",
        "from modules import script_callbacks, scripts\nscript_callbacks.on_ui_tabs(lambda: 1 / 0)\n"
        + TITLED.format(name="Late")
        + "    def show(self, tab): return scripts.AlwaysVisible\n"
        + "    def after_component(self, component, **named): raise ValueError('no')\n",
    )
    library, _ = place.load()
    library.img2img.after_component(None, elem_id="x")
    library.img2img.after_component(None, elem_id="y")
    CALLBACKS.call("on_ui_tabs")
    assert [(entry.stage, entry.file.name, entry.basedir.name) for entry in library.broken] == [
        ("after_component", "late_fault.py", "one"),
        ("on_ui_tabs", "late_fault.py", "one"),
    ]


def test_lower_priorities_come_first(place: Place) -> None:
    always = "    def show(self, tab): return scripts.AlwaysVisible\n"
    for name, priority in {"a_last": 5, "b_middle": 0, "c_first": -1}.items():
        place.write(f"one/scripts/{name}.py", TITLED.format(name=name) + always + f"    sorting_priority = {priority}\n")
    library, _ = place.load()
    early = library.early(is_img2img=True)
    assert [script.title() for script in early.alwayson_scripts] == ["c_first", "b_middle", "a_last"] and early is library.img2img


def test_modules_that_nobody_imported_are_there() -> None:
    code = "import sys, modules\nassert 'modules.script_callbacks' not in sys.modules\nmodules.script_callbacks.on_ui_tabs\n"
    code += "assert not hasattr(modules, 'no_such') and not hasattr(modules, '_private')\nfrom modules import sd_samplers"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=300)


def test_files_of_extensions_are_listed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("one/scripts/a.py", "")
    place.write("one/scripts/b.txt", "")
    place.write("one/style.css", "")
    place.write("off/scripts/c.py", "")
    extensions = [Extension("one", place.folder / "one"), Extension("off", place.folder / "off", state=State.DISABLED)]
    session = SimpleNamespace(paths=SimpleNamespace(scripts=place.folder / "own" / "scripts"), extensions=extensions)
    shared = SharedSession()
    shared.bind(session)  # type: ignore[arg-type]
    monkeypatch.setattr("modules.runtime.face_calls.script_list.SHARED", shared)
    one = place.folder / "one"
    assert scripts.list_scripts("scripts", ".py") == [(str(one), "a.py", str(one / "scripts" / "a.py"))]
    assert scripts.list_scripts("scripts", ".py", include_extensions=False) == []
    assert scripts.list_files_with_name("style.css") == [str(one / "style.css")]
