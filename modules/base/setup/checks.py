"""The one list of checks on the source, which `launch.py check`, `launch.py test`, pre-commit and CI run."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from modules.base.setup.console import Console
from modules.base.setup.processes import Run


@dataclass(frozen=True)
class Check:
    """One tool on the whole tree.

    Attributes:
        arguments: For the environment's Python.
        advice: What to do when it fails.
    """

    name: str
    arguments: tuple[str, ...]
    advice: str


CHECKS: tuple[Check, ...] = (
    Check("ruff check", ("-m", "ruff", "check", "."), "mend what it names; `python -m ruff check --fix .` does the simple ones"),
    Check("ruff format", ("-m", "ruff", "format", "--check", "."), "python -m ruff format ."),
    Check("mypy", ("-m", "mypy"), "mend the types it names"),
    Check(
        "import-linter",
        ("-c", "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())", "--no-cache"),
        "a floor imports one above it: hand the value in, or load it by dotted name (docs/decisions/0001-floors-and-face.md)",
    ),
)


@dataclass(frozen=True)
class Outcome:
    """How one check or test folder ended.

    Attributes:
        advice: What to try; empty when all is well.
        counts: passed, failed, skipped; zeros for a check.
    """

    name: str
    is_good: bool
    seconds: float
    note: str = ""
    advice: str = ""
    counts: tuple[int, int, int] = (0, 0, 0)


def run_check(check: Check, python: Path, root: Path, console: Console, run: Run) -> Outcome:
    """Run one check; its output is shown only when it fails."""
    lines: list[str] = []
    start_s = time.monotonic()
    console.say(f"-- {check.name}")
    status = run([str(python), *check.arguments], cwd=root, on_line=lines.append)
    if status != 0:
        console.say("\n".join(lines))
    return Outcome(
        check.name, status == 0, time.monotonic() - start_s, note="" if status == 0 else f"exit status {status}", advice=check.advice
    )
