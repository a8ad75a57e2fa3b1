"""Running another program: its lines as they come, a tick while it is silent, and a clean end on Ctrl-C."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

TICK_S = 0.5


class Run(Protocol):
    """Runs a program to its end; tests hand in one that only notes what it was asked."""

    def __call__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        on_tick: Callable[[], None] | None = None,
        timeout_s: float | None = None,
    ) -> int: ...


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
    on_tick: Callable[[], None] | None = None,
    timeout_s: float | None = None,
) -> int:
    """Run `command`; without `on_line` its output goes straight to the screen.

    Args:
        on_line: Called with each line of output and errors together, without its end.
        on_tick: Called about twice a second while the program runs.
        timeout_s: After this many seconds the program is ended and 124 returned.

    Returns:
        The exit status; 127 when the program is not there.
    """
    try:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if on_line else None,
            stderr=subprocess.STDOUT if on_line else None,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError:
        return 127
    try:
        return _follow(process, on_line, on_tick, timeout_s)
    except BaseException:
        _end(process)
        raise


def _follow(
    process: subprocess.Popen[str], on_line: Callable[[str], None] | None, on_tick: Callable[[], None] | None, timeout_s: float | None
) -> int:
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    reader = threading.Thread(target=_read_lines, args=(process, lines), daemon=True)
    reader.start()
    start_s, is_open = time.monotonic(), True
    while is_open:
        with contextlib.suppress(queue.Empty):
            line = lines.get(timeout=TICK_S)
            is_open = line is not None
            if line is not None and on_line:
                on_line(line)
        if on_tick:
            on_tick()
        if is_open and timeout_s is not None and time.monotonic() - start_s >= timeout_s:
            _end(process)
            return 124
    return process.wait()


def _read_lines(process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    if process.stdout is not None:
        with process.stdout:
            for line in process.stdout:
                lines.put(line.rstrip("\n"))
    process.wait()
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
