"""A checkout on disk and a runner that only notes what it was asked."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modules.base.setup.console import Console

PROJECT = """
[project]
dependencies = ["torch", "gradio"]
[dependency-groups]
test = ["pytest"]
"""


@dataclass
class FakeRun:
    """Stands in for `processes.run`.

    Attributes:
        replies: Word that occurs in the command line -> (exit status, lines).
        commands: What was asked, as one string each.
        effect: Called with each command line.
    """

    replies: Mapping[str, tuple[int, Sequence[str]]] = field(default_factory=dict)
    effect: Callable[[list[str]], None] | None = None
    commands: list[str] = field(default_factory=list)

    def __call__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        on_tick: Callable[[], None] | None = None,
        timeout_s: float | None = None,
    ) -> int:
        self.commands.append(" ".join(command))
        if self.effect:
            self.effect(list(command))
        status, lines = next((reply for word, reply in self.replies.items() if word in self.commands[-1]), (0, ()))
        for line in lines:
            if on_line:
                on_line(line)
        if on_tick:
            on_tick()
        return status


@dataclass
class Screen:
    """A console and what it showed."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    @property
    def console(self) -> Console:
        return Console(self.stream)

    @property
    def text(self) -> str:
        return self.stream.getvalue()


def make_checkout(root: Path) -> Path:
    """pyproject.toml and constraints.txt as set-up reads them."""
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "constraints.txt").write_text("# runtime\ntorch==2.0   # BSD\ngradio==6.0  # Apache\n\npytest==9.0  # MIT\n")
    return root


def make_environment(root: Path) -> None:
    """A `.venv` that looks whole."""
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").touch()
    (root / ".venv" / "lib" / "python3.11" / "site-packages" / "pip").mkdir(parents=True)
