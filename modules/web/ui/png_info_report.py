"""What a picture file says, as HTML that a person reads."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from modules.imaging.inspection import COMFYUI_NAMES, Inspection, Problem
from modules.pipeline.infotext_origin import find_origin, is_workflow
from modules.pipeline.infotext_parse import split_infotext
from modules.web.ui.live_text import live, live_words
from modules.web.ui.notes import note_words
from modules.web.ui.texts import Texts

PROBLEMS = {
    Problem.EMPTY: "pnginfo.problem_empty",
    Problem.FOREIGN: "pnginfo.problem_foreign",
    Problem.BROKEN: "pnginfo.problem_broken",
    Problem.TOO_LARGE: "pnginfo.problem_too_large",
}
CHECKPOINTS = {
    "here": "pnginfo.checkpoint_here",
    "other": "pnginfo.checkpoint_other",
    "old_hash": "pnginfo.checkpoint_old_hash",
    "unhashed": "pnginfo.checkpoint_unhashed",
    "missing": "pnginfo.checkpoint_missing",
}
GLOSSES = {
    "Steps": "form.steps",
    "Sampler": "form.sampler_name",
    "Schedule type": "form.scheduler",
    "CFG scale": "form.cfg_scale",
    "Seed": "form.seed",
    "Denoising strength": "form.denoising_strength",
    "Mask blur": "form.mask_blur",
    "Mask growth": "form.grow_mask_by",
    "Masked content": "form.inpainting_fill",
    "Inpaint area": "form.inpaint_full_res",
    "Masked area padding": "form.inpaint_full_res_padding",
    "Compat": "form.compat",
}
"""Infotext key to the text that the form has for it; shown beside the key where the page is not in English."""
MAX_SHOWN_CHARS = 200_000


@dataclass(frozen=True)
class Findings:
    """A file that was looked at, and how it meets this program.

    Attributes:
        name: Of the file.
        has_settings: The form can be filled from it.
        unrestored: Infotext keys that the form cannot take.
        checkpoint: "" (not stated), or a key of `CHECKPOINTS`.
        checkpoint_name: As the infotext has it, with its hash.
        refusal: Why the settings cannot be used, in the person's language; "" = they can.
    """

    name: str
    inspection: Inspection
    has_settings: bool = False
    unrestored: Sequence[str] = ()
    checkpoint: str = ""
    checkpoint_name: str = ""
    refusal: str = ""


def hint(texts: Texts, language: str) -> str:
    """HTML before there is a file."""
    return live(texts, language, "pnginfo.hint")


def describe_findings(texts: Texts, language: str, found: Findings) -> str:
    """HTML of the whole report."""
    say = partial(live, texts, language)
    seen = found.inspection
    parts = [
        *_problem(say, seen),
        _facts(texts, language, found),
        *_origin(say, found),
        *_settings(say, texts, found),
        *(_other_text(say, name, text) for name, text in seen.texts.items()),
    ]
    return f'<div class="pm-info" data-verbatim>{"".join(parts)}</div>'


def _problem(say: Any, seen: Inspection) -> Iterator[str]:
    if seen.problem is Problem.NONE:
        return
    what = say(PROBLEMS[seen.problem])
    if seen.problem is Problem.FOREIGN and seen.detail:
        what = say("pnginfo.problem_looks_like", kind=seen.detail)
    detail = f" <code>{html.escape(seen.detail)}</code>" if seen.problem is Problem.BROKEN and seen.detail else ""
    saved = f"<p>{say('pnginfo.still_readable')}</p>" if seen.infotext or seen.texts else ""
    yield f'<div class="pm-info-problem" role="alert"><p>{what}{detail}</p>{saved}</div>'


def _facts(texts: Texts, language: str, found: Findings) -> str:
    seen = found.inspection
    facts = [html.escape(found.name)]
    if seen.format:
        facts += [html.escape(seen.format), f"{seen.width} × {seen.height}", html.escape(seen.mode)]
    facts.append(show_bytes(seen.size_bytes))
    facts += [live_words(texts, language, note_words(note)) for note in seen.picture.notes] if seen.picture else []
    items = "".join(f"<li>{fact}</li>" for fact in facts)
    return f'<ul class="pm-info-facts">{items}</ul>'


def _origin(say: Any, found: Findings) -> Iterator[str]:
    seen = found.inspection
    if seen.infotext is None and not seen.texts:
        if seen.format:
            yield f'<p class="pm-info-none">{say("pnginfo.no_text")}</p>'
        return
    origin = find_origin(seen.infotext, seen.texts)
    if origin.program:
        line = say("pnginfo.made_with", program=origin.program, version=origin.version).strip()
    else:
        line = say("pnginfo.made_unknown" if seen.infotext else "pnginfo.no_settings")
    yield f"<p>{line}</p>"
    if found.checkpoint:
        mark = "ok" if found.checkpoint == "here" else "warn"
        yield f'<p class="pm-info-{mark}">{say(CHECKPOINTS[found.checkpoint], name=found.checkpoint_name)}</p>'


def _settings(say: Any, texts: Texts, found: Findings) -> Iterator[str]:
    if not found.inspection.infotext:
        return
    prompts, parameters = split_infotext(found.inspection.infotext)
    for key, label in (("Prompt", "pnginfo.prompt"), ("Negative prompt", "pnginfo.negative_prompt")):
        if prompts.get(key):
            yield f'<section><h3>{say(label)}</h3><p class="pm-info-prompt" dir="auto">{html.escape(prompts[key])}</p></section>'
    if parameters:
        rows = "".join(_row(say, texts, key, value, key in found.unrestored) for key, value in parameters)
        yield f'<section><h3>{say("pnginfo.settings")}</h3><table class="pm-info-table"><tbody>{rows}</tbody></table></section>'
    if found.refusal:
        yield f'<p class="pm-info-warn">{html.escape(found.refusal)}</p>'
    if found.unrestored:
        keys = ", ".join(found.unrestored)
        yield f'<p class="pm-info-warn">{say("pnginfo.unrestored", keys=keys)}</p>'


def _row(say: Any, texts: Texts, key: str, value: str, is_lost: bool) -> str:
    gloss = f' <small class="pm-info-gloss">{say(GLOSSES[key])}</small>' if texts.has(GLOSSES.get(key, "")) else ""
    mark = f' <small class="pm-info-lost">{say("pnginfo.not_restored")}</small>' if is_lost else ""
    return f'<tr><th scope="row">{html.escape(key)}{gloss}</th><td dir="auto">{html.escape(value)}{mark}</td></tr>'


def _other_text(say: Any, name: str, text: str) -> str:
    """One folded text; ComfyUI's are named so."""
    title = f"<code>{html.escape(name)}</code>"
    if is_comfyuis(name, text):
        title = f"{say('pnginfo.comfyui_workflow' if name.lower() == 'workflow' else 'pnginfo.comfyui_prompt')} {title}"
    shown = prettify(text)
    rest = len(shown) - MAX_SHOWN_CHARS
    more = f'<p class="pm-info-none">{say("pnginfo.more", n=rest)}</p>' if rest > 0 else ""
    size = f'<span class="pm-info-size">{show_bytes(len(text.encode("utf-8", "replace")))}</span>'
    body = f'<pre tabindex="0">{html.escape(shown[:MAX_SHOWN_CHARS])}</pre>{more}'
    return f'<details class="pm-info-text"><summary>{title} {size}</summary>{body}</details>'


def is_comfyuis(name: str, text: str) -> bool:
    """Whether a text of a file is a workflow of ComfyUI."""
    return name.lower() in COMFYUI_NAMES and is_workflow(text)


def prettify(text: str) -> str:
    """JSON laid out for reading (NaN and Infinity pass, as ComfyUI writes them); any other text as it is."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def show_bytes(size: int) -> str:
    """A size in the unit that gives it one to four digits: "734 B", "12 KiB", "3.2 MiB"."""
    amount, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit in ("B", "KiB") or amount >= 100 else f"{amount:.1f} {unit}"
