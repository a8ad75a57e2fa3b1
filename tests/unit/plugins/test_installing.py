"""Installers of extensions fill the extension's own `.deps`, and reach nothing of the program, whatever they try."""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from modules.base.paths import Paths
from modules.base.setup import confinement
from modules.base.setup.extension_help import is_installed, run_pip
from modules.plugins import dependencies
from modules.plugins.dependencies import DependencyFinder, offer_dependencies
from modules.plugins.extensions import Extension
from modules.plugins.installing import InstallFailed, host_packages, install_extension, needs_install
from modules.plugins.requirements import ConflictingRequirement, Standing, judge, narrow_pip

ROOT = Path(__file__).resolve().parents[3]
HOST = {"numpy": "2.4.6", "torch": "2.13.0+cpu", "opencv-python-headless": "5.0.0"}
ASKS = """
import launch, pkg_resources
assert pkg_resources.get_distribution("numpy").parsed_version > pkg_resources.parse_version("1.0")
if not launch.is_installed("pm_wish"):
    launch.run_pip("install pm-wish 'numpy>=1' torch gradio", "what it wishes for")
"""
HOSTILE = """
import pathlib, subprocess, sys
import numpy, launch
host = pathlib.Path(numpy.__file__).parents[1]
said = []

def attempt(name, action):
    try:
        said.append(f"{name}: {action()}")
    except BaseException as error:
        said.append(f"{name}: {type(error).__name__}")

def call(*words):
    return subprocess.run(words, capture_output=True, text=True).returncode

attempt("write", lambda: (host / "pm_evil.py").write_text("1"))
attempt("remove", lambda: (host / "numpy" / "__init__.py").rename(host / "numpy" / "gone.py"))
attempt("target", lambda: call(sys.executable, "-m", "pip", "install", "--target", str(host), "pm-wish"))
print(*said, sep="\\n")
"""


def write_wheel(folder: Path, name: str, version: str, code: str) -> None:
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", code)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: numpy\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A data folder; pip finds one small package, and no network."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "pm_wish", "1.5", "VALUE = 15")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", wheels.as_uri())
    return Paths.under(ROOT, tmp_path / "data")


def make_extension(paths: Paths, **files: str) -> Extension:
    folder = paths.extensions / "wisher"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return Extension("wisher", folder)


@pytest.fixture(autouse=True)
def _clean_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(dependencies, "LOADER", "json:loads")  # the real one takes seconds, and finds what the program has
    yield
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, DependencyFinder)]
    for name in ("pm_wish", "pm_sniffer", "pkg_resources"):
        sys.modules.pop(name, None)


def test_what_an_installer_asks_for_goes_to_its_own_folder(paths: Paths) -> None:
    extension, lines = make_extension(paths, install_py=ASKS), list[str]()
    assert needs_install(extension)
    install_extension(extension, paths, lines.append)
    assert not needs_install(extension)
    assert {path.name for path in extension.dependencies.iterdir()} == {"pm_wish", "pm_wish-1.5.dist-info", "pentimento-stamp.json"}
    assert any("torch: Pentimento has torch" in line for line in lines) and any("numpy>=1: Pentimento has numpy" in line for line in lines)
    assert importlib.util.find_spec("pm_wish") is None
    (extension.path / "install.py").write_text("raise SystemExit('no luck')")
    assert needs_install(extension)
    with pytest.raises(InstallFailed, match="no luck"):
        install_extension(extension, paths, lines.append)
    assert (extension.dependencies / "pm_wish").is_dir()  # a failed installation keeps the packages of the last one
    assert {path.name for path in extension.path.iterdir()} == {"install.py", ".deps", ".deps.log"}


def test_only_the_extension_finds_its_packages_and_the_program_s_come_first(paths: Paths) -> None:
    extension = make_extension(paths)
    for name in ("pm_wish", "numpy"):
        (extension.dependencies / name).mkdir(parents=True)
        (extension.dependencies / name / "__init__.py").write_text("VALUE = 15")
    (extension.dependencies / "pm_wish-1.5.dist-info").mkdir()
    (extension.dependencies / "pm_wish-1.5.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: pm-wish\nVersion: 1.5\n")
    offer_dependencies([extension])
    code = "def hook():\n    import pkg_resources\n"
    code += "    import importlib.metadata as m, numpy, pm_wish\n    return pm_wish.VALUE, numpy.__file__, m.version('pm-wish')"
    space: dict[str, object] = {}
    exec(compile(code, str(extension.path / "scripts" / "x.py"), "exec"), space)
    assert importlib.util.find_spec("pm_wish") is None
    value, numpy_file, version = space["hook"]()  # type: ignore[operator]
    assert (value, version) == (15, "1.5") and str(extension.path) not in numpy_file
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("pm-wish")


def test_what_the_program_makes_of_packages_around_it_is_settled_without_an_extension_s(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extension, asks = make_extension(paths), "from importlib.util import find_spec\nis_there = find_spec('pm_wish') is not None\n"
    (tmp_path / "pm_sniffer.py").write_text(asks)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(dependencies, "LOADER", "pm_sniffer:is_there")
    offer_dependencies([extension])
    assert "pm_sniffer" not in sys.modules  # what costs seconds waits until there is a reason
    (extension.dependencies / "pm_wish").mkdir(parents=True)
    (extension.dependencies / "pm_wish" / "__init__.py").touch()
    offer_dependencies([extension])
    code = "def hook(ask):\n    return ask()\ndef look():\n    import pm_wish, pm_sniffer\n    return pm_sniffer.is_there"
    own: dict[str, Any] = {}
    exec(compile(code, str(extension.path / "scripts" / "x.py"), "exec"), own)
    assert not own["look"]()
    sys.modules.pop("pm_wish")
    asked: dict[str, Any] = {}
    exec(compile(f"def ask():\n    {asks.splitlines()[0]}\n    return find_spec('pm_wish')", f"{ROOT}/modules/x.py", "exec"), asked)
    assert own["hook"](asked["ask"]) is None  # the program's question, though an extension called it
    assert own["hook"](lambda: is_installed("pm_wish"))


@pytest.mark.skipif(not confinement.can_confine(), reason="this kernel has no Landlock")
def test_a_hostile_installer_reaches_nothing_of_the_program(paths: Paths) -> None:
    extension, lines = make_extension(paths, install_py=HOSTILE), list[str]()
    install_extension(extension, paths, lines.append)
    said = dict(line.split(": ") for line in lines if line.count(": ") == 1)
    assert said["write"] == said["remove"] == "PermissionError"
    assert said["target"] != "0"
    host = host_packages()[0]
    assert not (host / "pm_evil.py").exists() and not (host / "pm_wish").exists() and (host / "numpy" / "__init__.py").is_file()


def test_requirements_txt_serves_where_there_is_no_installer(paths: Paths) -> None:
    extension, lines = make_extension(paths, requirements_txt="# ours\nnumpy # any\ntorch<2\n"), list[str]()
    with pytest.raises(InstallFailed, match=r"torch<2: Pentimento has torch"):
        install_extension(extension, paths, lines.append)
    assert not extension.dependencies.exists()
    (extension.path / "requirements.txt").write_text("numpy\npillow>1\n")
    install_extension(extension, paths, lines.append)  # nothing is left to install: no pip runs
    assert not needs_install(extension)


@pytest.mark.parametrize(
    ("text", "standing"),
    [
        ("numpy", Standing.MET),
        ("NumPy >= 2", Standing.MET),
        ("numpy<2", Standing.CONFLICT),
        ("torch==2.13.0", Standing.MET),
        ("torch @ https://example.org/torch.whl", Standing.CONFLICT),
        ("opencv-python>=4", Standing.MET),
        ("numpy[extra]", Standing.NEW),
        ("insightface==0.7", Standing.NEW),
        ("numpy<2; python_version<'3'", Standing.MET),
        ("git+https://example.org/x.git", Standing.NEW),
    ],
)
def test_a_requirement_is_met_new_or_in_conflict(text: str, standing: Standing) -> None:
    assert judge(text, HOST).standing is standing


def test_pip_s_words_are_narrowed_to_what_is_new(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("--extra-index-url https://example.org/x\nnumpy\nfoo==1\n")
    words = ["install", "-U", "--target", "/usr/lib", "--prefix=/usr", "--force-reinstall", "-r", "r.txt", "torch", "bar"]
    kept, said = narrow_pip(words, HOST, tmp_path)
    assert kept == ["install", "-U", "--extra-index-url", "https://example.org/x", "foo==1", "bar"] and len(said) == 2
    assert narrow_pip(["install", "numpy"], HOST, tmp_path)[0] == []
    assert narrow_pip(["uninstall", "-y", "numpy"], HOST, tmp_path)[0] == ["uninstall", "-y", "numpy"]
    with pytest.raises(ConflictingRequirement, match=r"numpy<2: Pentimento has numpy 2\.4\.6"):
        narrow_pip(["install", "numpy<2"], HOST, tmp_path)


def test_outside_an_installer_no_pip_runs() -> None:
    with pytest.raises(RuntimeError, match="extensions install"):
        run_pip("install anything")
