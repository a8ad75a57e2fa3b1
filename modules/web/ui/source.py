"""Pictures for the browser: drops that take any file, files that it can fetch, and the line below the canvas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from modules.base.files import write_atomically
from modules.base.paths import contain
from modules.imaging.metadata import write_png
from modules.web.ui.live_text import live_words
from modules.web.ui.notes import note_words
from modules.web.ui.texts import Texts


def keep_result(image: Image.Image, folder: Path, name: str, infotext: str | None = None) -> str:
    """Write a picture as PNG to `folder`, unless it is there already; returns the path."""
    path = contain(folder, name)
    if not path.exists():
        write_atomically(path, write_png(image, infotext))
    return str(path)


def caption(texts: Texts, language: str, picture: Mapping[str, Any] | None) -> str:
    """HTML line below a picture: its size and what was done to read it.

    Args:
        picture: An asset's description, as the canvas has it.
    """
    if picture is None:
        return ""
    parts = [f'<span class="pm-size">{int(picture["width"])} × {int(picture["height"])}</span>']
    notes = [live_words(texts, language, note_words(str(note))) for note in picture.get("notes") or ()]
    parts += [f'<span class="pm-note">{note}</span>' for note in notes]
    return f'<p class="pm-caption">{"".join(parts)}</p>'


def build_drop(texts: Texts, elem_id: str, **options: Any) -> Any:
    """A place to drop, pick or paste a picture; its value is the path of the file, whatever is in it.

    Gradio would open the file before our handler sees it, and answer a damaged one with its own words.
    """
    drop = gr.Image(
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard"],
        label=texts("source.label"),
        placeholder=texts("source.placeholder"),
        buttons=["fullscreen"],
        elem_id=elem_id,
        **options,
    )
    drop.preprocess = _path_alone
    return drop


def _path_alone(payload: Any) -> str | None:
    return None if payload is None else payload.path
