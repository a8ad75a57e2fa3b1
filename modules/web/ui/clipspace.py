"""The clipspace's buttons beside results that Python shows; `assets/js/clipspace.js` does the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.runtime.session import Session
from modules.web.ui.canvas import EMPTY_DOCUMENT
from modules.web.ui.messages import looked_at
from modules.web.ui.texts import Texts

Shown = Sequence[Mapping[str, Any]]
Document = Mapping[str, Any]
COPY, EDIT = "copy", "edit"
MOUNT = "window.pentimentoClipspaceBridge = { props, trigger }; watch('value', () => window.pentimento?.hearClipspace?.());"
PASTE_INTO_EXTRAS = "() => window.pentimento.pasteIntoExtras()"


@dataclass(frozen=True)
class ClipButtons:
    """What can be done with a result: copy it, or open it in the mask editor."""

    copy: Any
    edit: Any


def build_clip_buttons(texts: Texts, prefix: str) -> ClipButtons:
    """Lay them out among a result's tools.

    Args:
        prefix: Of the elements' ids.
    """
    copy = gr.Button(texts("clipspace.copy"), size="sm", elem_id=f"{prefix}_copy")
    edit = gr.Button(texts("clipspace.edit"), size="sm", elem_id=f"{prefix}_edit_mask")
    return ClipButtons(copy, edit)


def build_clipspace_bridge() -> Any:
    """Lay out what Python tells the browser through, outside the tabs: {"act": "copy" or "edit", "asset", "mask", "name", "at"}."""
    return gr.HTML(
        value=None, html_template="", js_on_load=MOUNT, apply_default_css=False, elem_id="clipspace_bridge", elem_classes="pm-hidden"
    )


def clip_handler(session: Session, act: str) -> Callable[..., dict[str, Any]]:
    """A handler that hands the result that is looked at to the clipspace, or to the mask editor; the mask goes along where it fits."""

    def hand_over(language: str, shown: Shown, selected: int, keeps_mask: bool = False, document: Document | None = None) -> dict[str, Any]:
        asset = session.store.describe(str(looked_at(shown, selected)["asset"]))
        document = document or EMPTY_DOCUMENT
        picture = document["picture"]
        fits = picture is not None and (picture["width"], picture["height"]) == (asset.width, asset.height)
        mask = document["mask"] if keeps_mask and fits else None
        name = str(shown[selected].get("path") or "").replace("\\", "/").rsplit("/", 1)[-1]
        return {"act": act, "asset": asset.id, "mask": mask, "name": name, "at": time.time()}  # the time tells two clicks apart

    return hand_over
