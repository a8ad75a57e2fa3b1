"""The `.venv` beside `launch.py`: made, filled, and entered."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.base.setup.assets import ASSETS, Asset, fetch_assets, missing_assets
from modules.base.setup.console import Console, StepFailed
from modules.base.setup.pip import LOG_NAME, install
from modules.base.setup.processes import Run
from modules.base.setup.requirements import read_requirements, stale_groups, write_stamp

MARK = "PENTIMENTO_INSIDE"
# Read by the C library and by libraries at their import, so they must be set before Python starts. The allocator's limits keep freed
# tensors for the next step instead of giving them back to the kernel after each one (6 % of a step's time on a CPU).
PROCESS_ENVIRONMENT: Mapping[str, str] = {
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TOP_PAD_": str(64 << 20),
    "OMP_WAIT_POLICY": "PASSIVE",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "PYTHONUTF8": "1",
}
COMPILED_AT_IMPORT = ("pymatting",)
COMPILE = """
import importlib, subprocess, sys
beside = subprocess.Popen([sys.executable, "-m", "compileall", "-q", "-j", "0", sys.argv[1]], stdout=-3, stderr=-3)
try:
    for name in sys.argv[2:]:
        importlib.import_module(name)
finally:
    beside.wait()  # some packages hold files for other Pythons, so how it ends says nothing
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment's places."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def site_packages(self) -> Path:
        if os.name == "nt":
            return self.folder / "Lib/site-packages"
        found = sorted(self.folder.glob("lib/python3.*/site-packages"))
        return found[-1] if found else self.folder / "lib/site-packages"

    @property
    def is_whole(self) -> bool:
        """Whether its Python and pip are there (an interrupted one, or one whose Python was removed, lacks either)."""
        return self.python.exists() and (self.site_packages / "pip").is_dir()

    @property
    def is_current(self) -> bool:
        """Whether this process already runs inside it."""
        return Path(sys.prefix).resolve() == self.folder.resolve()


@dataclass(frozen=True)
class SetupPlan:
    """What has to be done before a verb can run; empty on every start but the first.

    Attributes:
        groups: Package groups to install.
        assets: Files to fetch.
    """

    makes_environment: bool
    groups: tuple[str, ...]
    assets: tuple[Asset, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.makes_environment or self.groups or self.assets)


def plan_setup(environment: Environment, groups: Sequence[str], assets: Sequence[Asset] = ASSETS) -> SetupPlan:
    """Compare the disk with what `groups` and the asset table ask for; no network, no process."""
    is_whole = environment.is_whole
    stale = stale_groups(environment.root, environment.folder, groups) if is_whole else groups
    return SetupPlan(not is_whole, tuple(stale), tuple(missing_assets(environment.root, assets)))


def carry_out(plan: SetupPlan, environment: Environment, console: Console, run: Run) -> None:
    """Do what `plan` says.

    Raises:
        StepFailed: The environment could not be made or filled. (A missing asset is only said.)
    """
    if plan.makes_environment:
        _make(environment, console, run)
    if plan.groups:
        requirements = [item for group in plan.groups for item in read_requirements(environment.root, group)]
        console.say(f"Installing packages ({', '.join(plan.groups)}): a few minutes the first time, nothing afterwards.")
        log = environment.folder / LOG_NAME
        install(environment.python, environment.root, requirements, environment.site_packages, log, console, run)
        write_stamp(environment.root, environment.folder, plan.groups)
        console.say("Packages are in place.")
    if plan.assets:
        fetch_assets(plan.assets, environment.root, environment.python, console, run)
    if plan.groups:
        _compile(environment, console, run, imports=COMPILED_AT_IMPORT if "runtime" in plan.groups else ())


def _compile(environment: Environment, console: Console, run: Run, imports: Sequence[str]) -> None:
    """Compile packages now, on all cores, not while somebody waits: all, and `imports`, which compile themselves at their first import."""
    console.say("Compiling packages (a minute, once) ...")
    command = [str(environment.python), "-W", "ignore", "-c", COMPILE, str(environment.site_packages), *imports]
    if run(command, cwd=environment.root, on_line=lambda line: None) != 0:
        console.say("What cuts out soft edges could not be compiled; taking a picture apart into layers will tell why.")


def _make(environment: Environment, console: Console, run: Run) -> None:
    step = "Making .venv"
    console.say(f"{step} with Python {sys.version.split()[0]} ...")
    lines: list[str] = []
    command = [sys.executable, "-m", "venv", "--clear", str(environment.folder)]
    if run(command, cwd=environment.root, on_line=lines.append) == 0:
        return
    text = "\n".join(lines)
    if "ensurepip" in text or "No module named venv" in text:
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        raise StepFailed(
            step, "this Python comes without venv or ensurepip", f"sudo apt-get install {package}   (Debian, Ubuntu), then run again"
        )
    raise StepFailed(
        step, lines[-1] if lines else "no reason given", "delete the folder .venv, check that this folder can be written, run again"
    )


def process_environment(current: Mapping[str, str]) -> dict[str, str]:
    """`current` with ours added; what the user has set already wins."""
    return {**PROCESS_ENVIRONMENT, **current, MARK: "1"}


def enter(environment: Environment, script: Path, argv: Sequence[str]) -> int:
    """Run `script` again inside the environment, in place of this process where the system can."""
    command = [str(environment.python), str(script), *argv]
    env = process_environment(os.environ)
    if os.name != "nt":
        sys.stdout.flush()
        os.execve(command[0], command, env)
    try:
        return subprocess.call(command, env=env)
    except KeyboardInterrupt:
        return 130
