"""pip inside the environment: compact progress from its output, reasons from its errors."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modules.base.setup.console import Console, StepFailed
from modules.base.setup.processes import Run

QUIET = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")
UNCOMPILED = "--no-compile"
"""pip compiles on one core, one file after another; set-up does that afterwards on all of them."""
LOG_NAME = "pentimento-setup.log"
ADVICE = (
    (
        r"no space left|errno 28",
        "the disk is full",
        "free some space (the packages take about 2 GB, with CUDA 8 GB), then run the same command again",
    ),
    (
        r"permission denied|errno 13",
        "no permission to write into the environment",
        "check who owns this folder, or clone the project into one of your own",
    ),
    (
        r"name resolution|getaddrinfo|connection (refused|reset|aborted|broken)|timed? ?out|proxyerror|sslerror|network is unreachable",
        "the package index could not be reached",
        "check the network (and HTTPS_PROXY if you sit behind a proxy), then run the same command again: what is done stays done",
    ),
    (
        r"hashes? (do not match|mismatch)|incorrect.*header|bad zip",
        "a downloaded file was damaged",
        "run the same command again; if it stays, `pip cache purge` first",
    ),
    (
        r"no matching distribution|could not find a version|requires-python|requires a different python",
        "a pinned package does not exist for this Python or system",
        "use Python 3.11 to 3.13 in 64 bit, delete .venv, and run the same command again",
    ),
    (
        r"no-record-file|cannot uninstall|no record file|invalid metadata",
        "an earlier installation was cut off in the middle of a package",
        "delete the folder .venv and run the same command again",
    ),
    (
        r"failed building wheel|failed to build|subprocess-exited-with-error|microsoft visual c",
        "a package had to be compiled and could not be",
        "use Python 3.11 to 3.13 in 64 bit, for which ready-made packages exist: delete .venv and run again with it",
    ),
)


@dataclass
class PipProgress:
    """Turns pip's lines into one short state line.

    Args:
        site_packages: Watched while pip installs, because pip says nothing then.
    """

    site_packages: Path | None = None
    collected: set[str] = field(default_factory=set)
    current: str = ""
    to_install: int = 0
    present: int = 0
    errors: list[str] = field(default_factory=list)
    started_s: float = field(default_factory=time.monotonic)

    def feed(self, line: str) -> None:
        """Take in one line of pip's output."""
        text = line.strip()
        if match := re.match(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)", text):
            self.collected.add(match[1].lower())
            self.current = f"looking up {match[1]}"
        elif match := re.match(
            r"(?:Downloading|Using cached|Processing) (?:\S*/)?([A-Za-z0-9._]+?-[0-9][^-\s]*)\S*(?:.*\(([\d.]+ [kMG]?B)\))?", text
        ):
            self.current = f"fetching {match[1]}" + (f" ({match[2]})" if match[2] else "")
        elif text.startswith("Installing collected packages:"):
            self.to_install = text.count(",") + 1
            self.present = self._count_installed()
        elif text.startswith(("ERROR:", "error:", "OSError", "Could not", "Fatal", "WARNING: Retrying")):
            self.errors.append(text)

    def line(self) -> str:
        """The state in a few words."""
        seconds = f"{time.monotonic() - self.started_s:.0f} s"
        if self.to_install:
            done = min(self.to_install, max(0, self._count_installed() - self.present))
            return f"installing: {done} of {self.to_install} packages, {seconds}"
        return f"{len(self.collected)} packages looked up, {self.current or 'starting pip'}, {seconds}"

    def _count_installed(self) -> int:
        return len(list(self.site_packages.glob("*.dist-info"))) if self.site_packages else 0


def pip_environment(current: Mapping[str, str]) -> dict[str, str]:
    """`current` without what would send packages elsewhere than into the environment, or make pip see others as ours."""
    elsewhere = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONPATH", "PYTHONHOME")
    return {**{name: value for name, value in current.items() if name not in elsewhere}, "PIP_USER": "0"}


def explain(lines: Sequence[str]) -> tuple[str, str]:
    """Why pip failed and what to try, from its last lines."""
    text = "\n".join(lines).lower()
    for pattern, why, advice in ADVICE:
        if re.search(pattern, text):
            return why, advice
    return (lines[-1].strip() if lines else "pip gave no reason"), "read the log named below; then run the same command again"


def install(python: Path, root: Path, requirements: Sequence[str], site_packages: Path, log: Path, console: Console, run: Run) -> None:
    """Install `requirements` within the bounds of `constraints.txt`.

    Raises:
        StepFailed: pip failed; the whole of its output is in `log`.
    """
    progress, lines = PipProgress(site_packages), list[str]()

    def on_line(line: str) -> None:
        lines.append(line)
        progress.feed(line)

    command = [str(python), "-m", "pip", "install", *QUIET, UNCOMPILED, "-c", str(root / "constraints.txt"), *requirements]
    status = run(command, cwd=root, env=pip_environment(os.environ), on_line=on_line, on_tick=lambda: console.progress(progress.line()))
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if status != 0:
        why, advice = explain(progress.errors or [line for line in lines if line.strip()][-5:])
        raise StepFailed("Installing packages", why, f"{advice}. Full log: {log.relative_to(root)}")
