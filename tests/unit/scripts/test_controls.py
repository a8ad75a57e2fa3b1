"""What our scripts show on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gradio as gr

from modules import shared
from modules.plugins.script import Script
from modules.web.ui.script_controls import SAYING, TAGS, ScriptControls
from modules.web.ui.texts import Texts
from tests.unit.scripts.conftest import closing_loops

LETTERS = re.compile(r"[^\W\d_]")


def say_all(block: Any) -> Iterator[str]:
    """All texts of components."""
    for inner in getattr(block, "children", ()):
        shown = [getattr(inner, name, None) for name in ("label", "info", "placeholder")]
        shown += [TAGS.sub("", inner.value)] if isinstance(inner, SAYING) and isinstance(inner.value, str) else []
        yield from (text for text in [*shown, *(choice[0] for choice in getattr(inner, "choices", None) or [])] if isinstance(text, str))
        yield from say_all(inner)


def test_every_text_is_there_in_all_languages(scripts: list[Script]) -> None:
    page = ScriptControls(SimpleNamespace(), Texts.load())
    for script in scripts:
        with closing_loops(), gr.Blocks(analytics_enabled=False) as blocks:
            script.ui(True)
        unknown = {text for text in [script.title(), *say_all(blocks)] if LETTERS.search(text) and isinstance(page.say(text), str)}
        assert unknown - {upscaler.name for upscaler in shared.sd_upscalers} == set(), script.title()


def test_a_plot_shows_what_belongs_to_its_axes(scripts: list[Script]) -> None:
    plot = next(script for script in scripts if script.title() == "X/Y/Z plot")
    with closing_loops(), gr.Blocks(analytics_enabled=False):
        controls = list(plot.ui(True) or [])
        controls[3].value, controls[5].value = "Sampler", ["Heun"]
        plot.controls_filled(controls)
    shown = [[control.visible for control in controls[start + 1 : start + 3]] for start in (0, 3, 6)]
    assert shown == [[True, "hidden"], ["hidden", True], [True, "hidden"]] and ("Heun", "Heun") in controls[5].choices
