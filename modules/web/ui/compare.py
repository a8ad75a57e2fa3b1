"""What is said and shown of the result that is looked at: drift, seam, before and after, heat map."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from modules.imaging.heat_map import Change
from modules.imaging.seams import Visibility
from modules.runtime.comparison import Comparison
from modules.web.ui.live_text import live
from modules.web.ui.texts import Texts

VIEWS = ("gallery", "compare", "changes")
"""Ways to look at a result: alone, before and after under a slider, with the heat map over it."""
VERSUS = ("gallery", "models")
"""... and for one of a comparison of checkpoints, the two under a slider."""
SEAM_BADGES = {Visibility.INVISIBLE: "good", Visibility.FAINT: "fair", Visibility.VISIBLE: "poor"}


def describe_facts(texts: Texts, language: str, found: Comparison | None, *, is_mask_replaced: bool = False) -> str:
    """HTML badges: pixels changed outside the mask, and how visible the seam is.

    Args:
        found: None = the result cannot be laid over its start.
        is_mask_replaced: A script made a mask of its own from the result.
    """
    if found is None:
        return _row(_badge("plain", live(texts, language, "results.facts.other_size")))
    if found.mask is None:
        return _row(_badge("plain", live(texts, language, "results.facts.no_mask")))
    badges = [_describe_drift(texts, language, found.changes.outside, is_mask_replaced)]
    if found.seam is not None:
        seen = Visibility.of(found.seam)
        said = live(texts, language, f"results.seam.{seen.value}", score=f"{found.seam:.2f}")
        badges.append(_badge(SEAM_BADGES[seen], said, live_hint(texts, language, "results.seam.hint")))
    return _row(*badges)


def describe_gone(texts: Texts, language: str) -> str:
    """HTML badge for a result whose start picture or own file is gone from the store."""
    return _row(_badge("plain", live(texts, language, "results.facts.gone")))


def _describe_drift(texts: Texts, language: str, outside: Change, is_mask_replaced: bool) -> str:
    if not outside.pixels:
        return _badge("good", live(texts, language, "results.drift.none"), live_hint(texts, language, "results.drift.hint"))
    why = "results.drift.new_mask" if is_mask_replaced else "results.drift.afterwards"
    count = live(texts, language, "results.drift.some", n=f"{outside.pixels:,}", largest=outside.largest)
    return _badge("fair", f"{count} {live(texts, language, why)}")


def lay_out_views(texts: Texts, language: str, found: Comparison | None, versus: Mapping[str, Any] | None = None) -> str:
    """HTML that `assets/js/results.js` fills: buttons for the views, and what it needs to know to show them.

    Args:
        found: None = the result cannot be laid over its start.
        versus: Of a comparison of checkpoints: {"left", "right": asset ids, "names": of the checkpoints}.
    """
    views = tuple(dict.fromkeys([*(VIEWS if found else ()), *(VERSUS if versus else ())]))
    if not views:
        return ""
    buttons = "".join(
        f'<button type="button" data-view="{view}" aria-pressed="false">{live(texts, language, f"results.view.{view}")}</button>'
        for view in views
    )
    named: dict[str, Any] = {}
    if found is not None:
        named = {
            "start": found.start, "result": found.result, "mask": found.mask or "", "width": found.width, "height": found.height,
        }  # fmt: skip
    if versus is not None:
        left, right = versus["names"]
        named |= {"left": versus["left"], "right": versus["right"], "left-name": left, "right-name": right}
    data = " ".join(f'data-{name}="{html.escape(str(value))}"' for name, value in named.items())
    return (
        f'<div class="pm-compare" {data}>'
        f'<div class="pm-views" role="group" aria-label="{html.escape(texts.say(language, "results.view.label"))}">{buttons}</div>'
        f'<div class="pm-scene"></div><p class="pm-changes">{_describe_changes(texts, language, found) if found else ""}</p></div>'
    )


def _describe_changes(texts: Texts, language: str, found: Comparison) -> str:
    parts = [("results.changes.inside" if found.mask else "results.changes.whole", found.changes.inside)]
    if found.mask:
        parts.append(("results.changes.outside", found.changes.outside))
    return "".join(f"<span>{live(texts, language, text_id, **_numbers(change))}</span>" for text_id, change in parts)


def _numbers(change: Change) -> dict[str, object]:
    mean = "0" if not change.pixels else f"{change.mean:.2f}" if change.mean >= 0.01 else "< 0.01"
    return {"n": f"{change.pixels:,}", "of": f"{change.of_pixels:,}", "largest": change.largest, "mean": mean}


def live_hint(texts: Texts, language: str, text_id: str) -> str:
    """Attributes that make a hint of a badge, which follows the page's language."""
    return f'data-title="{html.escape(text_id)}" title="{html.escape(texts.say(language, text_id))}"'


def _badge(kind: str, content: str, attributes: str = "") -> str:
    return f'<span class="pm-fact pm-fact-{kind}" {attributes}>{content}</span>'


def _row(*badges: str) -> str:
    return f'<p class="pm-facts">{"".join(badges)}</p>'
