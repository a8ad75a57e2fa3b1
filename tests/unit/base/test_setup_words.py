"""What set-up says: pip's progress and reasons, addresses, the summary of the tests, findings."""

from __future__ import annotations

import io
import socket
import sys
from pathlib import Path

import pytest

from modules.base.setup import chromium, launcher
from modules.base.setup.checks import CHECKS, Outcome
from modules.base.setup.console import Console
from modules.base.setup.desktop import announce_when_up, has_desktop, is_taken, local_address
from modules.base.setup.doctor import PREVIEWS, look_at_models, look_at_previews, report
from modules.base.setup.extension_help import git_tag, is_installed, run, running_flags
from modules.base.setup.pip import PipProgress, explain, pip_environment
from modules.base.setup.processes import run as run_program
from modules.base.setup.suite import SUITES, read_counts, run_tests, summarise
from tests.unit.base.fakes import FakeRun, Screen


def test_pip_progress_is_one_short_line(tmp_path: Path) -> None:
    progress = PipProgress(tmp_path)
    for line in (
        "WARNING: Location 'file:///somewhere/' is ignored: it is neither a file nor a directory.",
        "Collecting torch==2.13.0 (from -c constraints.txt (line 5))",
        "  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (190.2 MB)",
    ):
        progress.feed(line)
    assert progress.line().startswith("1 packages looked up, fetching torch-2.13.0 (190.2 MB), ")
    progress.feed("Installing collected packages: filelock, torch")
    (tmp_path / "filelock-4.dist-info").mkdir()
    assert progress.line().startswith("installing: 1 of 2 packages")
    assert progress.errors == []


def test_the_users_pip_settings_cannot_send_packages_elsewhere() -> None:
    assert pip_environment({"PIP_TARGET": "x", "PYTHONPATH": "y", "PIP_USER": "1", "PATH": "p"}) == {"PIP_USER": "0", "PATH": "p"}


def test_a_terminal_line_is_rewritten_and_cleared() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    console = Console(stream)
    console.progress("working")
    console.say("done")
    assert stream.getvalue() == "\r  working\r" + " " * 9 + "\rdone\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("WARNING: Retrying after connection broken by 'NewConnectionError: Temporary failure in name resolution'", "could not be reached"),
        (
            "ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)",
            "does not exist for this Python",
        ),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied", "no permission"),
        ("ERROR: something new", "something new"),
    ],
)
def test_pip_errors_are_explained(line: str, why: str) -> None:
    assert why in explain([line])[0]


def test_a_program_is_followed_ended_and_missed(tmp_path: Path) -> None:
    lines: list[str] = []
    assert run_program([sys.executable, "-c", "print('a'); print('b'); raise SystemExit(3)"], cwd=tmp_path, on_line=lines.append) == 3
    assert lines == ["a", "b"]
    assert run_program([sys.executable, "-c", "import time; time.sleep(30)"], cwd=tmp_path, on_line=lines.append, timeout_s=0.5) == 124
    assert run_program(["no-such-program-here"], cwd=tmp_path) == 127


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:7860"),
        ("0.0.0.0", "http://127.0.0.1:7860"),
        ("::", "http://[::1]:7860"),
        ("::1", "http://[::1]:7860"),
    ],
)
def test_the_address_can_be_typed(host: str, address: str) -> None:
    assert local_address(host, 7860) == address


def test_the_address_is_said_once_the_server_answers() -> None:
    screen = Screen()
    announce_when_up("0.0.0.0", 7860, screen.console, False, lambda address: True).join(5)
    assert "ready at http://127.0.0.1:7860, and port 7860 of this machine" in screen.text


def test_another_program_on_the_port_is_not_announced(free_port: int) -> None:
    assert not is_taken("127.0.0.1", free_port)
    with socket.create_server(("127.0.0.1", free_port)):
        assert is_taken("0.0.0.0", free_port)


def test_a_browser_opens_only_on_a_desktop() -> None:
    assert has_desktop({"DISPLAY": ":0"}, "linux")
    assert has_desktop({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert has_desktop({}, "darwin")
    assert not has_desktop({}, "linux")
    assert not has_desktop({"DISPLAY": ":10", "SSH_CONNECTION": "there"}, "linux")
    assert not has_desktop({"CI": "true"}, "win32")


def test_verbs_and_help() -> None:
    assert launcher.split_verb(["test", "--slow", "-k", "x"]) == ("test", ["--slow", "-k", "x"])
    assert launcher.split_verb(["--port", "1"]) == ("serve", ["--port", "1"])
    assert launcher.groups_for("test") == ("runtime", "test")
    text = launcher.usage()
    assert all(verb in text for verb in launcher.VERBS)
    assert "--listen" in text


def test_words_after_test_go_to_pytest_alone(tmp_path: Path) -> None:
    runner = FakeRun()
    assert run_tests(tmp_path, Path("python"), ["tests/unit", "-x"], Screen().console, runner) == 0
    assert runner.commands == ["python -m pytest -m not slow tests/unit -x"]


def test_every_suite_runs_and_one_failure_fails_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENTIMENTO_CHROMIUM", "chromium")
    for folder in ("unit", "golden", "api", "browser", "bench"):
        (tmp_path / "tests" / folder).mkdir(parents=True)
        (tmp_path / "tests" / folder / "test_a.py").touch()
    runner, screen = FakeRun({"tests/api": (1, ())}), Screen()
    assert run_tests(tmp_path, Path("python"), [], screen.console, runner) == 1
    assert len(runner.commands) == len(CHECKS) + len(SUITES)
    assert "FAILED  api" in screen.text
    assert "api: python launch.py test tests/api -x" in screen.text
    slow = FakeRun()
    assert run_tests(tmp_path, Path("python"), ["--slow"], Screen().console, slow) == 0
    assert "tests/bench" in slow.commands[-1]


def test_the_closing_line_counts() -> None:
    screen = Screen()
    assert summarise([Outcome("unit", True, 1.0, counts=(5, 0, 1)), Outcome("mypy", False, 1.0, advice="mend it")], screen.console) == 1
    assert screen.text.splitlines()[-1] == "5 passed, 0 failed, 1 skipped"
    assert "mypy: mend it" in screen.text


def test_pytests_report_is_read(tmp_path: Path) -> None:
    report_file = tmp_path / "r.xml"
    report_file.write_text('<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10"/></testsuites>')
    assert read_counts(report_file) == (4, 3, 3)
    assert read_counts(tmp_path / "none.xml") == (0, 0, 0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="apt-get")
def test_chromium_comes_through_apt_only_where_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(chromium, "find_chromium", lambda: None)
    asks = FakeRun({"sudo -n true": (1, ())})
    screen = Screen()
    assert chromium.install_chromium(tmp_path, screen.console, asks, which=lambda name: name) is None
    assert "Try: install Chromium" in screen.text
    assert not any("apt-get" in command for command in asks.commands)
    may = FakeRun()
    chromium.install_chromium(tmp_path, Screen().console, may, which=lambda name: name)
    assert may.commands[-1].startswith("sudo -n apt-get") and may.commands[-1].endswith("chromium")


def test_the_doctor_names_pickles_and_an_empty_folder(tmp_path: Path) -> None:
    assert "no checkpoint" in next(look_at_models(tmp_path, tmp_path / "models")).text
    folder = tmp_path / "models" / "Stable-diffusion"
    folder.mkdir(parents=True)
    (folder / "a.safetensors").write_bytes(b"x")
    (folder / "b.ckpt").write_bytes(b"x")
    findings = list(look_at_models(tmp_path, tmp_path / "models"))
    assert [finding.is_good for finding in findings] == [True, False]
    assert "b.ckpt is a pickle" in findings[1].text


def test_the_doctor_sees_missing_and_damaged_preview_networks(tmp_path: Path) -> None:
    assert [finding.text.split()[2] for finding in look_at_previews(tmp_path)] == ["missing:"] * len(PREVIEWS)
    folder = tmp_path / "models" / "preview"
    folder.mkdir(parents=True)
    header = b'{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}'
    whole = len(header).to_bytes(8, "little") + header + bytes(4)
    (folder / PREVIEWS[0]).write_bytes(whole)
    for broken in (whole[:-1], b"", b"version https://git-lfs", b"\x02" + bytes(7) + b"{}", b"\x02" + bytes(7) + b"[]"):
        (folder / PREVIEWS[1]).write_bytes(broken)
        assert [finding.is_good for finding in look_at_previews(tmp_path)] == [True, False], broken
    assert all("git checkout" in finding.advice for finding in list(look_at_previews(tmp_path))[1:])


def test_the_doctor_reports_this_checkout(project_root: Path) -> None:
    screen = Screen()
    report(project_root, project_root / "models", screen.console)
    assert "Python" in screen.text.splitlines()[0]


def test_installers_of_extensions_find_what_they_ask_for() -> None:
    assert is_installed("pytest") and is_installed("yaml") and not is_installed("no.such-package")
    assert run("echo out && echo err >&2", live=False) == "out\n"
    with pytest.raises(RuntimeError, match="Couldn't do it"):
        run("exit 3", errdesc="Couldn't do it", live=False)
    assert running_flags().skip_install is False
    assert git_tag()
