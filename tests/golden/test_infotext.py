"""A1111's own parses and quotings of infotext."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modules.pipeline.infotext_parse import parse_infotext, quote, unquote

UNITS = Path(__file__).parent / "data" / "units"


@pytest.mark.parametrize("case", json.loads((UNITS / "infotext_parse.json").read_text()), ids=lambda case: case["text"][:20] or "empty")
def test_parse_equals_a1111(case: dict) -> None:
    assert parse_infotext(case["text"]) == case["parsed"]


@pytest.mark.parametrize(("plain", "quoted"), json.loads((UNITS / "infotext_quote.json").read_text()))
def test_quote_equals_a1111_and_reverses(plain: str, quoted: str) -> None:
    assert quote(plain) == quoted
    assert unquote(quoted) == plain
