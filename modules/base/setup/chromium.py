"""A Chromium for the browser tests: found, or installed through apt where that is allowed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from modules.base.setup.console import Console
from modules.base.setup.processes import Run

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_PATHS = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium")
WINDOWS_PATHS = ("Google/Chrome/Application/chrome.exe", "Chromium/Application/chrome.exe")
APT_WAIT = ("-o", "DPkg::Lock::Timeout=300")
ADVICE = "install Chromium (Debian: sudo apt-get install chromium) or Chrome, or set PENTIMENTO_CHROMIUM to its path"


def find_chromium() -> str | None:
    """Path of an installed Chromium or Chrome; `PENTIMENTO_CHROMIUM` goes first."""
    named = os.environ.get("PENTIMENTO_CHROMIUM")
    if named:
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    roots = [os.environ.get(name, "") for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
    candidates = [*MAC_PATHS, *(os.path.join(root, path) for root in roots if root for path in WINDOWS_PATHS)]
    return next((path for path in candidates if Path(path).is_file()), None)


def install_chromium(root: Path, console: Console, run: Run, which: Callable[[str], str | None] = shutil.which) -> str | None:
    """Install Chromium through apt if this user may.

    Returns:
        Its path, or None when there is no way; the screen then says what to do.
    """
    prefix = _apt_prefix(root, run, which)
    if prefix is None:
        console.say(f"No Chromium for the browser tests, and no right to install it.\n  Try: {ADVICE}.")
        return None
    console.say("Installing Chromium for the browser tests (apt-get install chromium) ...")
    lines: list[str] = []
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (("update", "-q"), ("install", "-y", "-q", "--no-install-recommends", "chromium")):
        status = run(
            [*prefix, "apt-get", *APT_WAIT, *words], cwd=root, env=env, on_line=lines.append, on_tick=lambda: _show(console, lines)
        )
        if status != 0 and words[0] == "install":
            errors = [line for line in lines if line.startswith("E:")] or lines[-1:]
            console.say(f"apt-get could not install Chromium: {' '.join(errors)}\n  Try: {ADVICE}.")
    return find_chromium()


def _show(console: Console, lines: Sequence[str]) -> None:
    console.progress(lines[-1].strip() if lines else "waiting for apt-get")


def _apt_prefix(root: Path, run: Run, which: Callable[[str], str | None]) -> list[str] | None:
    """What to put before `apt-get`; None when it may not be used."""
    if not sys.platform.startswith("linux") or which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    if which("sudo") and run(["sudo", "-n", "true"], cwd=root, on_line=lambda _: None) == 0:
        return ["sudo", "-n"]
    return None
