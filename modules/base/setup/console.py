"""What set-up says on the screen: steps, one live line of progress, and failures with a way out."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

from modules.base.errors import PentimentoError


class StepFailed(PentimentoError):
    """A step of set-up or of the tests failed.

    Args:
        step: What was being done, as printed before it.
        why: What went wrong, in words.
        advice: What to try.
    """

    def __init__(self, step: str, why: str, advice: str) -> None:
        self.step, self.why, self.advice = step, why, advice
        super().__init__(f"{step} failed.\n  Why: {why}\n  Try: {advice}")


class Console:
    """Prints steps and keeps one line of progress alive.

    On a terminal the line is rewritten in place; elsewhere (logs, CI) a new line appears at most every `interval_s`.
    """

    def __init__(self, stream: TextIO | None = None, interval_s: float = 10.0) -> None:
        self._stream = stream or sys.stdout
        self._is_terminal = self._stream.isatty()
        self._interval_s = 0.1 if self._is_terminal else interval_s
        self._last_s = 0.0
        self._open_width = 0

    def say(self, text: str) -> None:
        """Print `text` on lines of its own."""
        if self._open_width:
            self._stream.write("\r" + " " * self._open_width + "\r")
            self._open_width = 0
        self._stream.write(text + "\n")
        self._stream.flush()

    def progress(self, text: str) -> None:
        """Show `text` as the state of the current step; too frequent calls are dropped."""
        now_s = time.monotonic()
        if now_s - self._last_s < self._interval_s:
            return
        self._last_s = now_s
        if not self._is_terminal:
            self.say("  " + text)
            return
        line = "  " + text[: shutil.get_terminal_size().columns - 3]
        self._stream.write("\r" + line.ljust(self._open_width))
        self._stream.flush()
        self._open_width = len(line)
