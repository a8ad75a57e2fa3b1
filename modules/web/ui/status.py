"""The line and bar that say how a job stands, as HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from modules.runtime.jobs import Job, JobState
from modules.web.ui.live_text import Words, live_words
from modules.web.ui.messages import words_about
from modules.web.ui.notes import note_words
from modules.web.ui.texts import Texts

COUNTED = re.compile(r"(?:(?:Iteration|Batch|Tile) )?\d+(?: out of |/)\d+(?:, batch \d+/\d+)?")
"""What scripts say of their runs, which the line counts itself, in the visitor's language."""


def idle(texts: Texts, language: str) -> str:
    return _panel(texts, language, "idle", [Words("status.idle")])


def gone(texts: Texts, language: str) -> str:
    """For a job that the server does not know any more."""
    return _panel(texts, language, "failed", [Words("status.gone")])


def describe(texts: Texts, language: str, job: Job, waiting: int = 0) -> str:
    """How `job` stands.

    Args:
        waiting: Jobs before it in the queue.
    """
    if job.state is JobState.QUEUED:
        line = Words("status.queued", {"n": waiting}) if waiting else Words("status.starting")
        return _panel(texts, language, "queued", [line], share=0.0)
    if job.state is JobState.RUNNING:
        return _panel(texts, language, "running", _running_line(job), share=job.progress)
    if job.state is JobState.FAILED:
        error = job.error or RuntimeError("failed")
        return _panel(texts, language, "failed", [words_about(texts, error, error_id=job.id[:8])])
    first, *more = _final_lines(job)
    return _panel(texts, language, "done" if job.state is JobState.DONE else "stopped", [first], more)


def _running_line(job: Job) -> list[Words | str]:
    if job.is_interrupted:
        return [Words("status.stopping")]
    count: list[Words | str] = [Words("status.image", {"n": min(job.image_no + 1, job.images), "of": job.images})] if job.images > 1 else []
    text = job.textinfo
    said: list[Words | str] = [note_words(text)] if text and not (count and COUNTED.fullmatch(text)) else []
    if any(isinstance(words, Words) for words in said):  # the program's own word for what is no step
        return [*count, *said]
    if not said and job.image_no == 0 and job.step == 0:
        return [Words("status.starting")]
    parts = [*count, *said]
    if job.steps and job.step:
        parts.append(Words("status.step", {"step": job.step, "steps": job.steps}))
    if job.eta_s is not None:
        parts.append(Words("status.eta", {"time": span(job.eta_s)}))
    return parts or [Words("status.starting")]


def _final_lines(job: Job) -> list[Words | str]:
    took_s = (job.finished_s or job.created_s) - (job.started_s or job.finished_s or job.created_s)
    lines: list[Words | str] = [Words("status.done" if job.state is JobState.DONE else "status.interrupted", {"time": span(took_s)})]
    changed = [count for count in getattr(job.result, "changed_outside_mask", None) or [] if count is not None]
    if changed:
        text_id = "status.drift.new_mask" if getattr(job.result, "is_mask_replaced", False) else "status.drift"
        lines.append(Words(text_id, {"n": f"{sum(changed):,}"}))
    return lines + [note_words(note) for note in getattr(job.result, "notes", None) or []]


def span(seconds: float) -> Words:
    """A span of time as one says it: 4.2 s, 3 min 20 s."""
    if seconds < 10:
        return Words("time.s", {"s": f"{seconds:.1f}"})
    minutes, rest = divmod(round(seconds), 60)
    return Words("time.min", {"min": minutes, "s": rest}) if minutes else Words("time.s", {"s": rest})


def clock(texts: Texts, language: str, seconds: float) -> str:
    """`span`, in words."""
    return span(seconds).say(texts, language)


def _panel(
    texts: Texts, language: str, state: str, line: Sequence[Words | str], more: Sequence[Words | str] = (), share: float | None = None
) -> str:
    said = " · ".join(live_words(texts, language, words) for words in line)
    details = "".join(f"<span>{live_words(texts, language, words)}</span>" for words in more)
    bar: Any = ""
    if share is not None:
        percent = round(share * 100)
        bar = (
            f'<div class="pm-progress" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}">'
            f'<i style="width:{percent}%"></i></div>'
        )
    return f'<div class="pm-status pm-{state}" role="status"><p><b>{said}</b>{details}</p>{bar}</div>'
