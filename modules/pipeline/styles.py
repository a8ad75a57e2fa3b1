"""Styles: named pieces of prompt, kept in A1111's `styles.csv` (name, prompt, negative_prompt)."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modules.base.errors import InvalidRequest

if TYPE_CHECKING:
    from modules.pipeline.processing import StableDiffusionProcessing

log = logging.getLogger(__name__)
PLACEHOLDER = "{prompt}"
LARGEST_FILE_BYTES = 16 << 20
MOST_STYLES = 10_000
NO_STYLE = "None"


@dataclass(frozen=True)
class Style:
    """What a style adds; where `PLACEHOLDER` stands, the person's own text goes."""

    name: str
    prompt: str = ""
    negative_prompt: str = ""


def read_styles(path: Path) -> list[Style]:
    """All styles in order; of those with the same name the last one. A missing file is an empty one; rows that make no sense are logged."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            log.warning("%s is left out: it has more than %d bytes", path.name, LARGEST_FILE_BYTES)
            return []
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("%s cannot be read: %s", path.name, error.strerror or error)
        return []
    styles: dict[str, Style] = {}
    for style in _parse(text, path.name):
        styles[style.name] = style
        if len(styles) == MOST_STYLES:
            log.warning("%s: only the first %d styles are used", path.name, MOST_STYLES)
            break
    return list(styles.values())


def _parse(text: str, file_name: str) -> Iterator[Style]:
    rows = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            log.warning("%s, line %d: left out: %s", file_name, rows.line_num, error)
            continue
        # "text" is what A1111 called the prompt before there were negative ones.
        name, prompt = row.get("name"), row.get("prompt", row.get("text"))
        if not name or prompt is None:
            log.warning("%s, line %d: left out: it has no name and prompt", file_name, rows.line_num)
            continue
        yield Style(name, prompt, row.get("negative_prompt") or "")


def merge(style_prompt: str, prompt: str) -> str:
    """`prompt` in the place of the style's placeholder, or else in front of the style's text."""
    if PLACEHOLDER in style_prompt:
        return style_prompt.replace(PLACEHOLDER, prompt)
    return ", ".join(part for part in (prompt.strip(), style_prompt.strip()) if part)


def apply_styles(p: StableDiffusionProcessing, path: Path, count: int) -> tuple[list[str], list[str]]:
    """Prompts and negative prompts of `count` pictures with the styles of `p` merged in; notes on `p` those that are not known.

    Where `p.prompt` or `p.negative_prompt` is a list, each picture has its own.

    Raises:
        InvalidRequest: Such a list is shorter than `count`.
    """
    names = _named(p.styles)
    known = {style.name: style for style in read_styles(path)} if names else {}
    for name in names:
        if name not in known and name != NO_STYLE:
            p.notes.append(f"found no style named {name[:100]!r}, the picture was made without it")
    styles = [known.get(name, Style(name)) for name in names]
    prompts, negatives = one_for_each("prompt", p.prompt, count), one_for_each("negative_prompt", p.negative_prompt, count)
    for style in styles:
        prompts = [merge(style.prompt, prompt) for prompt in prompts]
        negatives = [merge(style.negative_prompt, negative) for negative in negatives]
    return prompts, negatives


def one_for_each(field: str, given: str | Sequence[str], count: int) -> list[str]:
    """`given` for each of `count` pictures; a list that scripts left on `p` has one for each already."""
    if isinstance(given, str):
        return [given] * count
    if len(given) < count:
        raise InvalidRequest(field, f"a list of {len(given)}", f"one text, or one for each of the {count} pictures")
    return list(given)


def _named(styles: Sequence[str] | str | None) -> list[str]:
    return [styles] if isinstance(styles, str) else list(styles or [])
