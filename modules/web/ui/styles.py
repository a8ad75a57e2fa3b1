"""Styles beside the prompt: pick some, write them into the prompt, edit them (in the dialog of `assets/js/styles.js`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.pipeline.styles import merge, read_styles
from modules.runtime.session import Session
from modules.web.ui.texts import Texts

if TYPE_CHECKING:
    from modules.web.ui.wiring import Wiring


def build_styles(texts: Texts) -> tuple[Any, dict[str, Any]]:
    """The list of styles, its buttons by name, and beside them the one that reads a picture's settings."""
    with gr.Row(elem_id="img2img_styles_row", elem_classes="pm-styles"):
        styles = gr.Dropdown(
            [], value=[], multiselect=True, allow_custom_value=True, label=texts("styles.label"), elem_id="img2img_styles", scale=4,
            min_width=120,
        )  # fmt: skip
        icon: dict[str, Any] = {"size": "sm", "elem_classes": "pm-icon", "min_width": 36, "scale": 0}
        apply = gr.Button(texts("styles.apply"), elem_id="img2img_style_apply", **icon)
        edit = gr.Button(texts("styles.edit"), elem_id="img2img_styles_edit", **icon)
        restore = gr.Button(texts("form.restore"), size="sm", elem_id="paste", min_width=90, scale=0)
        changed = gr.Button("", elem_id="img2img_styles_changed", elem_classes="pm-hidden")
    return styles, {"restore": restore, "styles_apply": apply, "styles_edit": edit, "styles_changed": changed}


def wire_styles(wiring: Wiring) -> None:
    """Fill the list when the page is opened and after an edit, and let the button write styles into the prompt."""
    fields, buttons = wiring.studio.fields, wiring.studio.buttons
    styles, prompts = fields["styles"], [fields["prompt"], fields["negative_prompt"]]
    handlers = Styles(wiring.session)
    wiring.on(wiring.page.load, handlers.fill, [styles], [styles])
    wiring.on(buttons["styles_changed"].click, handlers.fill, [styles], [styles])
    wiring.on(buttons["styles_apply"].click, handlers.write, [*prompts, styles], [*prompts, styles])


class Styles:
    """Event handlers around styles."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def fill(self, language: str, chosen: list[str] | None) -> Any:
        """The list anew; what is picked stays, also where it is gone: the run then says that it found none of that name."""
        return gr.update(choices=[style.name for style in read_styles(self._session.paths.styles)], value=chosen or [])

    def write(self, language: str, prompt: str, negative_prompt: str, chosen: list[str] | None) -> tuple[str, str, list[str]]:
        """Prompt and negative prompt with the picked styles in them; those that are not known stay picked."""
        known = {style.name: style for style in read_styles(self._session.paths.styles)}
        for name in chosen or []:
            if name in known:
                prompt, negative_prompt = merge(known[name].prompt, prompt), merge(known[name].negative_prompt, negative_prompt)
        return prompt, negative_prompt, [name for name in chosen or [] if name not in known]
