"""What installers of extensions ask of `launch`: is a package there, install it, run a command."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from modules.base.errors import PentimentoError
from modules.base.registry import load_dotted
from modules.base.setup.requirements import normalise

ROOT = Path(__file__).resolve().parents[3]
INSTALLING = "PENTIMENTO_INSTALLING"
"""Set while an extension's installer runs: where the program's own packages lie."""


def is_installed(package: str) -> bool:
    """Whether `package` (a distribution's or a module's name, without a version) is there."""
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        try:
            return importlib.util.find_spec(package) is not None
        except (ImportError, ValueError):
            return False
    return True


def run(
    command: str, desc: str | None = None, errdesc: str | None = None, custom_env: Mapping[str, str] | None = None, live: bool = True
) -> str:
    """Run a shell command line.

    Args:
        desc: Printed before.
        errdesc: Opens the error's text.
        live: Show the output instead of returning it.

    Raises:
        RuntimeError: The command failed.
    """
    if desc:
        print(desc, flush=True)
    result = subprocess.run(
        command,
        shell=True,
        cwd=ROOT,
        env=None if custom_env is None else dict(custom_env),
        stdin=subprocess.DEVNULL,
        stdout=None if live else subprocess.PIPE,
        stderr=None if live else subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if result.returncode != 0:
        details = "" if live else f"\n{result.stdout}{result.stderr}"
        raise RuntimeError(f"{errdesc or 'Error running command'}: {command} ended with {result.returncode}{details}")
    return result.stdout or ""


def run_pip(command: str, desc: str | None = None, live: bool = False) -> str:
    """Install with pip what an extension asks for, within its installer: what the program has is left out, the rest goes to its `.deps`.

    Args:
        command: A1111's form, such as "install pillow".

    Raises:
        RuntimeError: pip failed, the program has another version of a package, or no installer is running.
    """
    if running_flags().skip_install:
        return ""
    if INSTALLING not in os.environ:
        raise RuntimeError(
            f"pip {command}: packages of extensions are installed when you ask for it, with `python launch.py extensions install NAME`"
        )
    narrow_pip: Any = load_dotted("modules.plugins.requirements:narrow_pip")
    host_versions: Any = load_dotted("modules.plugins.requirements:host_versions")
    host = host_versions([Path(folder) for folder in os.environ[INSTALLING].split(os.pathsep)])
    try:
        words, left_out = narrow_pip(shlex.split(command), host, Path.cwd())
    except PentimentoError as error:
        raise RuntimeError(f"Couldn't install {desc or command}: {error}") from error
    print(*left_out, sep="\n", flush=True)
    if not words:
        return ""
    what = desc or command
    line = shlex.join([sys.executable, "-m", "pip", *words, *(["--prefer-binary"] if words[0] == "install" else [])])
    return run(line, desc=f"Installing {what}", errdesc=f"Couldn't install {what}", live=live)


def running_flags() -> Any:
    """The flags of the running program, as `launch.args`."""
    parse_flags: Any = load_dotted("modules.settings.flags:parse_known_flags")
    is_studio = Path(sys.argv[0]).name == "launch.py" and (len(sys.argv) < 2 or sys.argv[1].startswith("-"))
    return parse_flags(sys.argv[1:] if is_studio else [])


def commit_hash() -> str:
    """The checkout's commit, or "<none>"."""
    return _git("rev-parse HEAD")


def git_tag() -> str:
    """A1111's form of the version: a tag, or the newest heading of the changelog."""
    tag = _git("describe --tags")
    if tag != "<none>":
        return tag
    match = re.search(r"^## \[?v?([0-9][^\s\]]*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    return match[1] if match else tag


def _git(words: str) -> str:
    try:
        result = subprocess.run(["git", *words.split()], cwd=ROOT, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "<none>"
    return result.stdout.strip() or "<none>"
