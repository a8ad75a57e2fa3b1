"""Token counters beside the prompts: whenever what they count changes, `assets/js/tokens.js` is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

if TYPE_CHECKING:
    from modules.web.ui.wiring import Wiring

TELL = "(...values) => { window.pentimento.countTokens(...values); }"


def wire_tokens(wiring: Wiring) -> None:
    """Count anew after a change of prompts, styles or steps (on which prompt editing depends); nothing goes through Gradio's queue."""
    counted = [wiring.studio.fields[name] for name in ("prompt", "negative_prompt", "styles", "steps")]
    gr.on([widget.change for widget in counted], None, counted, None, js=TELL, api_visibility="private")
