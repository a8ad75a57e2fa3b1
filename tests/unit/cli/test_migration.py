"""The doctor reads an A1111 folder: extensions by their syntax, settings, styles and models; the folder itself is never touched."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from modules.base.paths import Paths
from modules.cli.migration.command import main
from modules.cli.migration.extensions import Report, Verdict, judge_extension
from modules.cli.migration.scan import Kind, scan_file
from modules.cli.migration.surface import Surface
from modules.cli.migration.takeover import plan_takeover
from modules.pipeline.styles import read_styles
from modules.plugins.extensions import Extension, find_extensions
from modules.plugins.not_offered import INTERNALS
from modules.settings.store import OptionsStore

ROOT = Path(__file__).resolve().parents[3]
OURS = ROOT / "tests" / "data" / "extensions"
GOOD = """
import os
import gradio as gr
from modules import scripts, script_callbacks, shared, processing
from modules.shared import opts, cmd_opts, state
from lib_good.helper import help_out
import scripts.xyz_grid

def on_settings():
    shared.opts.add_option("good_level", shared.OptionInfo(3, "Level", section=("good", "Good")))
script_callbacks.on_ui_settings(on_settings)

class Good(scripts.Script):
    def title(self):
        return "Good"
    def process(self, p, *args):
        p._good_done = opts.good_level + cmd_opts.good_flag
        state.job_count = 2
        if p._good_done and hasattr(p, "wish_of_forge"):
            p.wish_of_forge()
        try:
            import a_luxury
            from modules_forge import shared_options
        except ImportError:
            a_luxury = None
        return p.seed, processing.Processed, gr.Box
"""
PARTLY = """
from modules import scripts, shared
class Partly(scripts.Script):
    def before_hr(self, p):
        pass
    def run(self, p, images):
        images.no_name_of_ours()
        shared.no_such_thing.do(shared.opts.no_such_option, p.no_such_field)
        shared.sd_model.model.diffusion_model.forward = None
"""
BROKEN = "from lib_bad import deep\n"
DEEP = "import ldm.modules.attention\nfrom modules import no_such_module_here\n"
WANTS = "import a_package_of_its_own\nraise SystemExit('imported!')\n"


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface()


def write(folder: Path, **files: str) -> Extension:
    for name, text in files.items():
        path = folder.joinpath(*name.split("__"))
        path = path.with_name(f"{path.name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Extension(folder.name, folder)


def said(report: Report) -> set[str]:
    return {gap.said for gap in report.gaps}


def test_what_we_offer_runs(tmp_path: Path, surface: Surface) -> None:
    adds_flag = "def preload(parser):\n    parser.add_argument('--good-flag', default=1)"
    helper = "from .deeper import *\ndef help_out(): ..."
    extension = write(tmp_path / "good", scripts__good=GOOD, lib_good__helper=helper, lib_good__deeper="import json", preload=adds_flag)
    report = judge_extension(extension, surface)
    assert (report.verdict, report.gaps, report.packages) == (Verdict.RUNS, [], [])


def test_missing_names_are_told_with_file_and_line(tmp_path: Path, surface: Surface) -> None:
    report = judge_extension(write(tmp_path / "partly", scripts__partly=PARTLY), surface)
    replaced = "it replaces modules.shared.sd_model.model.diffusion_model.forward, which is not looked at here"
    assert said(report) == {"modules.shared.no_such_thing", "modules.shared.opts.no_such_option", "p.no_such_field", replaced}
    assert report.verdict is Verdict.IN_PART and ("scripts/partly.py", 8) in {(gap.file, gap.line) for gap in report.gaps}
    assert report.notes == ["before_hr() is never called here"]


def test_a_file_that_needs_what_is_not_here_stops_those_that_import_it(tmp_path: Path, surface: Surface) -> None:
    folder = tmp_path / "bad"
    report = judge_extension(write(folder, scripts__bad=BROKEN, lib_bad__deep=DEEP, lib_bad____init__="", scripts__syntax="def ("), surface)
    assert report.verdict is Verdict.NOT
    assert f"the package ldm: {INTERNALS}" in said(report) and "modules.no_such_module_here" in said(report)
    assert any("SyntaxError" in line for line in said(report))
    write(folder, scripts__fine="from modules import script_callbacks\nscript_callbacks.on_before_ui(print)")
    assert judge_extension(Extension("bad", folder), surface).verdict is Verdict.IN_PART


def test_a_guard_that_raises_again_is_none_and_helpers_do_not_count_as_scripts(tmp_path: Path, surface: Surface) -> None:
    needs = "def f():\n    try:\n        import a_rare_one\n    except ImportError:\n        raise Exception('install it')\n"
    patches = "from modules.sd_samplers import create_sampler\nfrom modules.processing import Processed\nold = Processed.no_such_method\n"
    patches += "from modules import scripts\nclass A(scripts.Script):\n    def title(self): ...\n"
    report = judge_extension(write(tmp_path / "needs", scripts__needs=needs + "import modules.scripts"), surface)
    assert (report.verdict, said(report)) == (Verdict.IN_PART, {"the package a_rare_one"})
    report = judge_extension(write(tmp_path / "patches", scripts__patches=patches, scripts__helper="x = 1"), surface)
    assert (report.verdict, said(report)) == (Verdict.NOT, {"modules.processing.Processed.no_such_method"})


def test_an_installer_is_trusted_to_bring_packages(tmp_path: Path, surface: Surface) -> None:
    extension = write(tmp_path / "wants", scripts__wants=WANTS)
    assert judge_extension(extension, surface).verdict is Verdict.NOT
    write(tmp_path / "wants", install="")
    report = judge_extension(extension, surface)
    assert (report.verdict, report.packages) == (Verdict.RUNS, ["a_package_of_its_own"]) and "a_package_of_its_own" in report.notes[0]
    assert "wants" not in sys.modules


def test_our_own_test_extensions_are_judged_as_they_behave(surface: Surface) -> None:
    verdicts = {extension.name: judge_extension(extension, surface).verdict for extension in find_extensions(OURS / "none", OURS)}
    assert verdicts.pop("broken") is Verdict.IN_PART
    assert set(verdicts.values()) == {Verdict.RUNS}


def test_names_that_are_hidden_are_not_the_program_s(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text(
        "from modules import images, shared\n"
        "def f(images):\n    return images.a\n"
        "def g():\n    shared = 1\n    return shared.b\n"
        "def h():\n    import modules.devices as images\n    return images.c\n"
        "if TYPE_CHECKING:\n    from modules import nothing\n"
    )
    names = {use.name for use in scan_file(file).uses if use.kind is Kind.PROGRAM}
    assert names == {"modules.images", "modules.shared", "modules.devices", "modules.devices.c"}


@pytest.fixture
def a1111(tmp_path: Path) -> Path:
    folder = tmp_path / "webui"
    write(folder / "extensions" / "partly", scripts__partly=PARTLY)
    settings = {
        "samples_format": "jpg", "jpeg_quality": "no number", "CLIP_stop_at_last_layers": 1, "sd_hypernetwork": "mine", "ad_max_models": 4,
        "disabled_extensions": ["x"], "sd_model_checkpoint": "sub/one.safetensors [abc]", "sd_vae": "old.ckpt", "canvas_hotkey_move": "F",
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "styles.csv").write_text("name,prompt,negative_prompt\nNew,a,b\nOld,theirs,\n", encoding="utf-8-sig")
    for name in ("Stable-diffusion/sub/one.safetensors", "Stable-diffusion/two.ckpt", "LyCORIS/l.safetensors", "ESRGAN/x4.pth"):
        path = folder / "models" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def digest(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_settings_styles_and_models_are_taken_over(a1111: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, data = digest(a1111), tmp_path / "data"
    data.mkdir()
    (data / "config.json").write_text('{"tiling": true}')
    (data / "styles.csv").write_text("name,prompt,negative_prompt\nOld,mine,\n")
    words = [str(a1111), "--data-dir", str(data)]
    assert main([*words], lambda question: "n") == 0
    told = capsys.readouterr().out
    assert "Will run in part" in told and "samples_format = 'jpg'" in told and "jpeg_quality: got 'no number'" in told
    assert "two.ckpt: a pickle" in told and json.loads((data / "config.json").read_text()) == {"tiling": True}

    assert main([*words, "--apply"]) == 0
    options = OptionsStore(data / "config.json").current
    assert (options.samples_format, options.tiling, options.sd_model_checkpoint) == ("jpg", True, "sub/one.safetensors [abc]")
    assert options.sd_vae == "Automatic" and options.disabled_extensions == () and options.kept["ad_max_models"] == 4
    assert json.loads((data / "config.before-import.json").read_text()) == {"tiling": True}
    assert [(style.name, style.prompt) for style in read_styles(data / "styles.csv")] == [("Old", "mine"), ("New", "a")]
    linked = data / "models" / "Stable-diffusion" / "sub" / "one.safetensors"
    assert linked.is_symlink() and linked.read_text() == "Stable-diffusion/sub/one.safetensors"
    assert (data / "models" / "Lora" / "l.safetensors").is_file() and (data / "models" / "ESRGAN" / "x4.pth").is_file()
    assert digest(a1111) == before
    assert plan_takeover(a1111, Paths.under(ROOT, data)).is_empty  # a second time there is nothing left to do


def test_json_tells_all_and_what_is_no_installation_is_refused(a1111: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(a1111), "--data-dir", str(tmp_path / "data"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["extensions"][0]["verdict"] == "in part" and told["takeover"]["settings"]["samples_format"] == "jpg"
    assert not (tmp_path / "data").exists()
    (tmp_path / "photos").mkdir()
    assert main([str(tmp_path / "photos")]) == 1 and "A1111 or Forge" in capsys.readouterr().err
