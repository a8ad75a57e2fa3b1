"""Post-processing scripts run in order, each on all pictures before it; what breaks is named and skipped."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.plugins.controls import Control
from modules.plugins.discovery import ScriptFile
from modules.plugins.loader import ROOT, ScriptLibrary
from modules.plugins.postprocessing import PostprocessedImage, ScriptPostprocessing, ScriptPostprocessingRunner
from modules.plugins.postprocessing_loader import PostprocessingLibrary
from modules.settings.options import Options


class Copy(ScriptPostprocessing):
    name, order = "Copy", 1

    def process(self, pp: PostprocessedImage, **args: Any) -> None:
        if args.get("enable", True):
            pp.extra_images += [pp.image.copy(), pp.create_copy(pp.image.copy(), nametags=["kept"], disable_processing=True)]


class Grow(ScriptPostprocessing):
    name, order = "Grow", 2
    control_values = {"enable": Control("Grow", True), "by": Control("By", 2)}  # noqa: RUF012 - A1111's scripts do so

    def process_firstpass(self, pp: PostprocessedImage, enable: bool, by: int) -> None:
        pp.shared.target_width = pp.image.width * by

    def process(self, pp: PostprocessedImage, enable: bool, by: int) -> None:
        if enable:
            pp.image = pp.image.resize((pp.image.width * by, pp.image.height * by))
            pp.info["Grow"] = by


class Broken(ScriptPostprocessing):
    name, order = "Broken", 0

    def process_firstpass(self, pp: PostprocessedImage, **args: Any) -> None:
        raise SystemExit(3)

    def process(self, pp: PostprocessedImage, **args: Any) -> None:
        pp.info["Broken"], pp.image = 1, None  # type: ignore[assignment]
        pp.extra_images.append("junk")


def start(width: int = 4) -> PostprocessedImage:
    return PostprocessedImage(Image.new("RGB", (width, 3)))


def test_each_script_works_on_all_pictures_before_it() -> None:
    runner, told = ScriptPostprocessingRunner([Grow(), Copy()]), list[str]()
    pp = start()
    assert runner.run(pp, runner.default_args(), tell=told.append) == [] and told == ["Copy", "Grow"]
    assert [one.image.width for one in (pp, *pp.extra_images)] == [8, 8, 4] and pp.shared.target_width == 8
    assert [one.info for one in (pp, *pp.extra_images)] == [{"Grow": 2}, {"Grow": 2}, {}]
    used: dict[str, int] = {}
    assert [one.get_suffix(used) for one in (pp, *pp.extra_images)] == ["", "-1", "-kept"]


def test_options_order_and_leave_out() -> None:
    scripts = [Grow(), Copy(), Broken()]
    runner = ScriptPostprocessingRunner(scripts, lambda: ["Grow"], lambda: ["Broken"])
    assert [script.name for script in runner.scripts_in_preferred_order()] == ["Grow", "Copy"]


def test_what_breaks_is_named_and_undone(caplog: pytest.LogCaptureFixture) -> None:
    runner, pp = ScriptPostprocessingRunner([Broken(), Grow()]), start()
    notes = runner.run(pp, runner.default_args())
    assert pp.image.width == 8 and pp.info == {"Grow": 2} and pp.extra_images == []
    assert notes[0] == "Script Broken failed in process_firstpass and was skipped: SystemExit: 3"
    assert "NoneType" in notes[1] and "str" in notes[2] and "Broken" in caplog.text


def test_what_a_script_tells_the_person_comes_through() -> None:
    class Picky(ScriptPostprocessing):
        name = "Picky"

        def process(self, pp: PostprocessedImage, **args: Any) -> None:
            raise InvalidRequest("speed", 3, "less")

    with pytest.raises(InvalidRequest):
        ScriptPostprocessingRunner([Picky()]).run(start(), [])


def test_no_script_runs_after_an_interruption() -> None:
    runner, pp = ScriptPostprocessingRunner([Grow()]), start()
    runner.run(pp, runner.default_args(), is_stopped=lambda: True)
    assert pp.image.width == 4


def test_values_by_name() -> None:
    runner = ScriptPostprocessingRunner([Grow()])
    assert runner.create_args_for_run({"Grow": {"by": 3}}) == [True, 3] and runner.create_args_for_run({}) == [False, 2]
    assert runner.name_args([True, 5]) == {"Grow": {"enable": True, "by": 5}}
    for asked in ({"Shrink": {}}, {"Grow": {"speed": 1}}):
        with pytest.raises(InvalidRequest):
            runner.create_args_for_run(asked)


def test_broken_files_are_left_out_and_listed() -> None:
    class Nameless(ScriptPostprocessing):
        pass

    class Junk(ScriptPostprocessing):
        name = "Junk"

        def ui(self) -> Any:
            return [1]

    class Good(Grow):
        def ui(self) -> Any:
            return {"enable": SimpleNamespace(label="Grow", value=False), "by": SimpleNamespace(label="By", value=3)}

    module = ModuleType("scripts.some")
    module.__dict__.update(Nameless=Nameless, Junk=Junk, Good=Good, ScriptPostprocessing=ScriptPostprocessing, again=Good)
    library = ScriptLibrary(list)
    library.modules = lambda: [(ScriptFile(ROOT / "some.py", ROOT), module)]  # type: ignore[method-assign]
    runner = PostprocessingLibrary(library, lambda: pytest.MonkeyPatch.context(), Options).runner
    assert [type(script) for script in runner.scripts] == [Good] and runner.default_args() == [False, 3]
    assert [(entry.stage, entry.reason.split(":")[0]) for entry in library.broken if entry.file == ROOT / "some.py"] == [
        ("create", "TypeError"),
        ("ui", "TypeError"),
    ]


def test_however_many_ask_first_the_scripts_are_made_once() -> None:
    begun: list[int] = []

    class Slow(Grow):
        def ui(self) -> Any:
            begun.append(threading.get_ident())
            time.sleep(0.05)
            return {"enable": SimpleNamespace(label="Grow", value=False)}

    module = ModuleType("scripts.slow")
    module.Slow = Slow  # type: ignore[attr-defined]
    library = ScriptLibrary(list)
    library.modules = lambda: [(ScriptFile(ROOT / "slow.py", ROOT), module)]  # type: ignore[method-assign]
    scripts = PostprocessingLibrary(library, lambda: pytest.MonkeyPatch.context(), Options)
    with ThreadPoolExecutor(4) as pool:
        runners = list(pool.map(lambda _: scripts.runner, range(4)))
    assert len(begun) == 1 and len(set(map(id, runners))) == 1
