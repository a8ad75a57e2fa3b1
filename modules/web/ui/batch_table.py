"""What a batch would do, and what it did, as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from modules.runtime.batch.batches import DryRun
from modules.runtime.batch.check import Row, Size
from modules.runtime.batch.listing import LeftOut
from modules.runtime.batch.manifest import FileState, Manifest, Status
from modules.runtime.batch.pairing import Problem
from modules.runtime.batch.plan import Item
from modules.web.ui.live_text import live, live_words
from modules.web.ui.notes import note_words
from modules.web.ui.status import span
from modules.web.ui.texts import Texts

MAX_ROWS = 300
"""A page with more would stutter; the reports have them all."""
LEFT_OUT = {
    LeftOut.HIDDEN: "batch.left_out.hidden",
    LeftOut.NO_PICTURE: "batch.left_out.no_picture",
    LeftOut.FOLDER: "batch.left_out.folder",
    LeftOut.LINK: "batch.left_out.link",
}
PROBLEMS = {
    Problem.NO_MASK: "batch.problem.no_mask",
    Problem.MANY_MASKS: "batch.problem.many_masks",
    Problem.UNREADABLE: "batch.problem.unreadable",
    Problem.UNREADABLE_MASK: "batch.problem.unreadable_mask",
    Problem.MASK_SHAPE: "batch.problem.mask_shape",
}
STATES = {
    FileState.PENDING: "batch.state.pending",
    FileState.RUNNING: "batch.state.running",
    FileState.SAVING: "batch.state.running",
    FileState.DONE: "batch.state.done",
    FileState.FAILED: "batch.state.failed",
    FileState.SKIPPED: "batch.state.skipped",
    FileState.REFUSED: "batch.state.refused",
}
COUNTED = (FileState.DONE, FileState.FAILED, FileState.REFUSED, FileState.SKIPPED)
READY = "ready"


def dry_run_html(texts: Texts, language: str, dry: DryRun, estimate_s: float | None) -> str:
    """The table of pairs with its counts.

    Args:
        estimate_s: How long it would take; None = unknown.
    """
    say = partial(live, texts, language)
    rows = dry.check.rows
    bad, done = len(rows) - dry.check.ready, _count_done(dry)
    facts = [_chip("ready", say("batch.ready", n=dry.check.ready - done))]
    facts += [_chip("done", say("batch.done_before", n=done))] if done else []
    facts += [_chip("failed", say("batch.problems", n=bad))] if bad else []
    facts += [_chip("", say("batch.estimate", time=span(estimate_s)))] if estimate_s is not None else []
    lines = [say("batch.into", folder=shown(str(dry.output_folder)))]
    left_out = [say(LEFT_OUT[reason], n=count) for reason, count in dry.left_out.items()]
    lines += [f"{say('batch.left_out')} {', '.join(left_out)}"] if left_out else []
    lines += [say("batch.looked_at", n=dry.check.seen, of=len(rows))] if dry.check.seen < len(rows) else []
    lines += [say("batch.goes_on")] if dry.begun is not None else []
    heads = ("batch.column.file", "batch.column.size", "batch.column.mask", "batch.column.result", "batch.column.state")
    return _card(say, "batch.dry_run_title", facts, lines, heads, [_dry_row(say, dry, row) for row in rows[:MAX_ROWS]], len(rows))


def report_html(texts: Texts, language: str, manifest: Manifest, *, is_running: bool) -> str:
    """How a batch stands: counts, a row a file (those that want attention first), and its reports to download."""
    say = partial(live, texts, language)
    counts = manifest.counts()
    total = len(manifest.plan.items)
    facts = [_chip(state.value, f"{say(STATES[state])} {counts[state]}") for state in COUNTED if counts[state] or state is FileState.DONE]
    left = total - sum(counts[state] for state in COUNTED)
    facts += [_chip("", say("batch.left", n=left))] if left else []
    lines = [say("batch.into", folder=shown(str(manifest.plan.output_folder)))]
    entries = [(item, manifest.status(item)) for item in manifest.plan.items]
    order = sorted(entries, key=lambda entry: _rank(entry[1].state)) if not is_running else _around_the_current(entries)
    heads = ("batch.column.file", "batch.column.mask", "batch.column.result", "batch.column.seconds", "batch.column.state")
    rows = [_report_row(say, texts, language, item, status) for item, status in order[:MAX_ROWS]]
    links = "" if is_running else _links(say, manifest.id)
    return _card(say, "batch.report_title", facts, lines, heads, rows, total, links)


def shown(name: str) -> str:
    """A name that can be shown: undecodable bytes replaced."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _card(
    say: Any, title: str, facts: Sequence[str], lines: Sequence[str], heads: Iterable[str], rows: Sequence[str], total: int, links: str = ""
) -> str:
    cells = "".join(f'<th scope="col">{say(head)}</th>' for head in heads)
    more = f"<p>{say('batch.more_rows', n=total - len(rows))}</p>" if total > len(rows) else ""
    table = f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return (
        f'<section class="pm-card pm-batch-card"><h3 class="pm-heading">{say(title)}</h3><p class="pm-batch-chips">{"".join(facts)}</p>'
        f'{"".join(f"<p>{line}</p>" for line in lines)}{links}<div class="pm-batch-scroll" tabindex="0">{table}</div>{more}</section>'
    )


def _dry_row(say: Any, dry: DryRun, row: Row) -> str:
    pair = row.item.pair
    begun = dry.begun.status(row.item) if dry.begun else Status()
    if pair.problem is not None:
        state, words = "failed", say(PROBLEMS[pair.problem], detail=shown(pair.detail))
    elif begun.state is FileState.DONE:
        state, words = "done", say("batch.state.done")
    else:
        state, words = READY, say("batch.state.ready")
    mask = say("batch.no_mask")
    if pair.mask is not None:
        mask = _name(pair.mask.name) + _mask_note(say, row)
    return _row(state, _name(pair.picture.name), _size(row.size), mask, _name(", ".join(row.item.outputs)), _mark(state, words))


def _mask_note(say: Any, row: Row) -> str:
    if row.has_same_size is None:
        return ""
    if row.has_same_size:
        return f'<small class="pm-batch-agrees">{say("batch.mask.same_size")}</small>'
    size = _size(row.mask_size)
    return f"<small>{say('batch.mask.resized', size=size) if row.is_ready else size}</small>"


def _report_row(say: Any, texts: Texts, language: str, item: Item, status: Status) -> str:
    pair = item.pair
    words = say(STATES[status.state])
    if status.problem:
        words = say(PROBLEMS[Problem(status.problem)], detail=shown(status.detail))
    elif status.error:
        words += f": {html.escape(shown(status.error))}"
    notes = "".join(f"<small>{_note(say, shown(note))}</small>" for note in status.notes)
    drift = "" if status.changed_outside is None else f"<small>{say('batch.drift', n=f'{status.changed_outside:,}')}</small>"
    outputs = ", ".join(path.rpartition("/")[2].rpartition("\\")[2] for path in status.outputs) if status.state is FileState.DONE else ""
    mask = _name(pair.mask.name) if pair.mask else ""
    seconds = live_words(texts, language, span(status.seconds)) if status.seconds else ""
    mark = _mark(status.state.value, words + notes + drift)
    return _row(status.state.value, _name(pair.picture.name), mask, _name(outputs), seconds, mark)


def _note(say: Any, note: str) -> str:
    words = note_words(note)
    return html.escape(words) if isinstance(words, str) else say(words.text_id, **words.values)


def _links(say: Any, batch_id: str) -> str:
    address = f"api/batches/{html.escape(batch_id)}/report"
    return (
        f'<p class="pm-batch-links"><a href="{address}.csv" download id="img2img_batch_csv">{say("batch.csv")}</a>'
        f'<a href="{address}.json" download id="img2img_batch_json">{say("batch.json")}</a></p>'
    )


def _rank(state: FileState) -> int:
    order = (FileState.FAILED, FileState.REFUSED, FileState.SKIPPED, FileState.RUNNING, FileState.SAVING, FileState.PENDING, FileState.DONE)
    return order.index(state)


def _around_the_current(entries: list[tuple[Item, Status]]) -> list[tuple[Item, Status]]:
    """While it runs: what failed, then the file in hand and those next to it."""
    failed = [entry for entry in entries if entry[1].state is FileState.FAILED]
    rest = [entry for entry in entries if entry[1].state is not FileState.FAILED]
    current = next((place for place, entry in enumerate(rest) if not entry[1].state.is_final), len(rest))
    return [*failed, *rest[max(0, current - 5) : current + 10]]


def _count_done(dry: DryRun) -> int:
    if dry.begun is None:
        return 0
    return sum(dry.begun.status(row.item).state is FileState.DONE for row in dry.check.rows if row.is_ready)


def _row(state: str, *cells: str) -> str:
    return f'<tr class="pm-batch-{state}">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _name(name: str) -> str:
    return f'<bdi title="{html.escape(shown(name))}">{html.escape(shown(name))}</bdi>' if name else ""


def _size(size: Size | None) -> str:
    return f"{size[0]} × {size[1]}" if size else ""


def _mark(state: str, words: str) -> str:
    return f'<span class="pm-batch-mark pm-batch-mark-{state}">{words}</span>'


def _chip(state: str, words: str) -> str:
    return f'<span class="pm-batch-chip pm-batch-chip-{state}">{words}</span>'
