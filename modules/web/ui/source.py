"""The picture that a tab works on: the file as it came, not what a canvas made of it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from modules.base.files import write_atomically
from modules.base.paths import contain
from modules.imaging.masks import alpha_as_mask
from modules.imaging.metadata import write_png
from modules.imaging.picture import Picture, open_picture
from modules.web.ui.notes import say_note
from modules.web.ui.texts import Texts


@dataclass(frozen=True)
class Source:
    """A picture file that was looked at.

    Attributes:
        path: Readable by `open_picture`.
        width, height: Upright, in px.
        notes: What was converted, in English; see `say_note`.
        has_alpha: Some of it is transparent.
    """

    path: str
    width: int
    height: int
    notes: tuple[str, ...] = ()
    has_alpha: bool = False

    def open(self) -> Picture:
        """Decode it again.

        Raises:
            InvalidImage: It is gone or broken.
        """
        return open_picture(Path(self.path), "image")


def look_at(path: str) -> tuple[Source, Picture]:
    """Decode an uploaded file.

    Raises:
        InvalidImage: Not a usable picture.
    """
    picture = open_picture(Path(path), "image")
    has_alpha = picture.image.mode == "RGBA" and alpha_as_mask(picture.image).getbbox() is not None
    return Source(path, *picture.image.size, picture.notes, has_alpha), picture


def keep_result(image: Image.Image, folder: Path, name: str, infotext: str | None = None) -> str:
    """Write a picture as PNG to `folder`, unless it is there already; returns the path."""
    path = contain(folder, name)
    if not path.exists():
        write_atomically(path, write_png(image, infotext))
    return str(path)


def caption(texts: Texts, language: str, source: Source | None) -> str:
    """HTML line below a picture: its size and what was done to read it."""
    if source is None:
        return ""
    parts = [f'<span class="pm-size">{source.width} × {source.height}</span>']
    parts += [f'<span class="pm-note">{html.escape(say_note(texts, language, note))}</span>' for note in source.notes]
    if source.has_alpha:
        parts.append(f'<span class="pm-note">{html.escape(texts.say(language, "source.alpha"))}</span>')
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
