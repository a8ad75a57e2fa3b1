"""Infotext back to keys and values, as A1111 reads it."""

from __future__ import annotations

import json
import re
from typing import Any

PARAMETER = re.compile(r'\s*(\w[\w \-/]{1,100}):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
NEEDS_QUOTES = re.compile(r"[,:\n]")
SIZE = re.compile(r"^(\d+)x(\d+)$")
MIN_PARAMETERS = 3
MAX_PARAMETERS_CHARS = 20_000
NEGATIVE = "Negative prompt:"
DEFAULTS: dict[str, Any] = {
    "Clip skip": "1",
    "Hires resize-1": 0,
    "Hires resize-2": 0,
    "Hires sampler": "Use same sampler",
    "Hires schedule type": "Use same scheduler",
    "Hires checkpoint": "Use same checkpoint",
    "Hires prompt": "",
    "Hires negative prompt": "",
    "Mask mode": "Inpaint masked",
    "Masked content": "original",
    "Inpaint area": "Whole picture",
    "Masked area padding": 32,
    "RNG": "GPU",
    "Schedule type": "Automatic",
    "Schedule max sigma": 0,
    "Schedule min sigma": 0,
    "Schedule rho": 0,
    "VAE Encoder": "Full",
    "VAE Decoder": "Full",
    "FP8 weight": "Disable",
    "Refiner switch by sampling steps": False,
}


def quote(value: object) -> str:
    """`value` as text, JSON-quoted where it holds a comma, colon or newline."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if NEEDS_QUOTES.search(text) else text


def unquote(text: str) -> str:
    """Undo `quote`; text that is not valid JSON stays as it is."""
    if not (text.startswith('"') and text.endswith('"') and len(text) > 1):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return text


def parse_infotext(text: str) -> dict[str, Any]:
    """Read an infotext.

    Args:
        text: Prompt lines, negative prompt lines, and a last line of parameters; each may be missing.

    Returns:
        "Prompt", "Negative prompt" and the parameters; "Size: 512x768" gives "Size-1" and "Size-2"; missing keys have A1111's defaults.
        Values stay strings.
    """
    parsed, found = split_infotext(text)
    for key, value in found:
        size = SIZE.match(value)
        if size:
            parsed[f"{key}-1"], parsed[f"{key}-2"] = size.groups()
        else:
            parsed[key] = value
    return parsed | {key: value for key, value in DEFAULTS.items() if key not in parsed}


def split_infotext(text: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The parts of an infotext as they stand there, nothing added.

    Returns:
        "Prompt" and "Negative prompt"; and the parameters in their order, quotes undone.
    """
    *lines, last = text.strip().split("\n")
    found = PARAMETER.findall(last) if len(last) <= MAX_PARAMETERS_CHARS else []
    if len(found) < MIN_PARAMETERS:
        lines, found = [*lines, last], []
    return _split_prompts(lines), [(key, unquote(value)) for key, value in found]


def _split_prompts(lines: list[str]) -> dict[str, Any]:
    prompt: list[str] = []
    negative: list[str] = []
    part = prompt
    for line in lines:
        line = line.strip()
        if line.startswith(NEGATIVE):
            part = negative
            line = line.removeprefix(NEGATIVE).strip()
        part.append(line)
    return {"Prompt": "\n".join(prompt).strip(), "Negative prompt": "\n".join(negative).strip()}
