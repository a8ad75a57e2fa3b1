"""Notes of exports, which go in a header."""

from __future__ import annotations

import json

from modules.web.api.layers_edits import MAX_HEADER_BYTES, _notes_header


def test_notes_stay_short_enough_for_a_header() -> None:
    few = [{"key": "exchange.baked", "text": "worked in: 字", "layers": ["字"], "worst": 2}]
    assert json.loads(_notes_header(few)) == few
    names = [f"{number} 全场五折起" * 10 for number in range(1000)]
    many = json.loads(_notes_header([{"key": "exchange.baked", "text": ", ".join(names), "layers": names, "worst": 2}]))
    assert many[0]["worst"] == 2 and many[0]["layers"][0] == names[0][:40] and many[0]["layers"][-1] == "... (1000)"
    flood = _notes_header([{"key": f"note {number}", "text": "x" * 900, "layers": names} for number in range(1000)])
    assert len(flood) <= MAX_HEADER_BYTES and json.loads(flood)
