"""What else scripts and installers of extensions look up in A1111's `launch_utils`."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from modules.base.errors import PentimentoError
from modules.base.setup.extension_help import ROOT, run

python = sys.executable
git = "git"
index_url = ""
dir_repos = "repositories"
default_command_live = False
REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*(==\s*([^\s;#]+))?")


def repo_dir(name: str) -> str:
    """Where A1111 would have cloned a repository."""
    return str(ROOT / dir_repos / name)


def check_run(command: str) -> bool:
    """Whether a shell command succeeds."""
    try:
        run(command, live=False)
    except RuntimeError:
        return False
    return True


def check_run_python(code: str) -> bool:
    """Whether a piece of Python runs without an error in the program's interpreter."""
    return check_run(shlex.join([python, "-c", code]))


def run_python(code: str, desc: str | None = None, errdesc: str | None = None) -> str:
    """Run a piece of Python; errors as for `run`."""
    return run(shlex.join([python, "-c", code]), desc, errdesc)


def requirements_met(requirements_file: str) -> bool:
    """Whether every package of the file is there, in the version that it pins; other conditions are not looked at."""
    try:
        lines = Path(requirements_file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    wanted = [match for line in lines if not line.lstrip().startswith(("#", "-")) and (match := REQUIREMENT.match(line))]
    for match in wanted:
        try:
            found = metadata.version(match[1])
        except metadata.PackageNotFoundError:
            return False
        if match[3] and match[3] != found:
            return False
    return True


def git_clone(url: str, dir: str, name: str, commithash: str | None = None) -> None:
    """Refused: an extension brings its code along.

    Raises:
        PentimentoError: Always.
    """
    raise PentimentoError(f"{name} is not fetched: extensions may not clone repositories; clone {url} into {dir} yourself if you trust it")


def run_extension_installer(extension_dir: str, environment: Mapping[str, str] | None = None) -> None:
    """Accepted: installers run only when a person asks, with `launch.py extensions install`."""


def prepare_environment() -> None:
    """Accepted: the environment is prepared before the program starts."""
