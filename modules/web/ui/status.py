"""The line and bar that say how a job stands, as HTML."""

from __future__ import annotations

import html
from typing import Any

from modules.runtime.jobs import Job, JobState
from modules.web.ui.messages import explain
from modules.web.ui.notes import say_note
from modules.web.ui.texts import Texts


def idle(texts: Texts, language: str) -> str:
    return _panel("idle", texts.say(language, "status.idle"))


def gone(texts: Texts, language: str) -> str:
    """For a job that the server does not know any more."""
    return _panel("failed", texts.say(language, "status.gone"))


def describe(texts: Texts, language: str, job: Job, waiting: int = 0) -> str:
    """How `job` stands.

    Args:
        waiting: Jobs before it in the queue.
    """
    if job.state is JobState.QUEUED:
        line = texts.say(language, "status.queued", n=waiting) if waiting else texts.say(language, "status.starting")
        return _panel("queued", line, share=0.0)
    if job.state is JobState.RUNNING:
        return _panel("running", _running_line(texts, language, job), share=job.progress)
    if job.state is JobState.FAILED:
        error = job.error or RuntimeError("failed")
        return _panel("failed", explain(texts, language, error, error_id=job.id[:8]))
    return _panel("done" if job.state is JobState.DONE else "stopped", *_final_lines(texts, language, job))


def _running_line(texts: Texts, language: str, job: Job) -> str:
    if job.is_interrupted:
        return texts.say(language, "status.stopping")
    if job.textinfo:
        known = f"status.{job.textinfo.replace(' ', '_')}"
        return texts.say(language, known) if texts.has(known) else job.textinfo
    if not job.steps or (job.step == 0 and job.image_no == 0):
        return texts.say(language, "status.starting")
    parts = [texts.say(language, "status.step", step=job.step, steps=job.steps)]
    if job.images > 1:
        parts.insert(0, texts.say(language, "status.image", n=min(job.image_no + 1, job.images), of=job.images))
    if job.eta_s is not None:
        parts.append(texts.say(language, "status.eta", time=clock(texts, language, job.eta_s)))
    return " · ".join(parts)


def _final_lines(texts: Texts, language: str, job: Job) -> list[str]:
    took_s = (job.finished_s or job.created_s) - (job.started_s or job.finished_s or job.created_s)
    text_id = "status.done" if job.state is JobState.DONE else "status.interrupted"
    lines = [texts.say(language, text_id, time=clock(texts, language, took_s))]
    changed = [count for count in getattr(job.result, "changed_outside_mask", None) or [] if count is not None]
    if changed:
        text_id = "status.drift.new_mask" if getattr(job.result, "is_mask_replaced", False) else "status.drift"
        lines.append(texts.say(language, text_id, n=f"{sum(changed):,}"))
    lines += [say_note(texts, language, note) for note in getattr(job.result, "notes", None) or []]
    return lines


def clock(texts: Texts, language: str, seconds: float) -> str:
    """A span of time as one says it: 4.2 s, 3 min 20 s."""
    if seconds < 10:
        return texts.say(language, "time.s", s=f"{seconds:.1f}")
    minutes, rest = divmod(round(seconds), 60)
    return texts.say(language, "time.min", min=minutes, s=rest) if minutes else texts.say(language, "time.s", s=rest)


def _panel(state: str, line: str, *more: str, share: float | None = None) -> str:
    details = "".join(f"<span>{html.escape(text)}</span>" for text in more)
    bar: Any = ""
    if share is not None:
        percent = round(share * 100)
        bar = (
            f'<div class="pm-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}">'
            f'<i style="width:{percent}%"></i></div>'
        )
    return f'<div class="pm-status pm-{state}" role="status"><p><b>{html.escape(line)}</b>{details}</p>{bar}</div>'
