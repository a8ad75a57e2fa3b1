"""Pictures for the browser: drops that take any file, files that it can fetch, and the line below the canvas."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from modules.base.errors import SaveFailed
from modules.base.paths import contain
from modules.web.ui.live_text import live_words
from modules.web.ui.notes import note_words
from modules.web.ui.texts import Texts

KEEP_FILES_S = 24 * 3600
PREFIX = "pentimento-page-"


def open_result_folder() -> Path:
    """A new temporary folder for `keep_result`, which goes when the program ends; those of programs that were killed go after a day."""
    thin(Path(tempfile.gettempdir()), f"{PREFIX}*")
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def keep_result(kept: Path, folder: Path, name: str) -> str:
    """Give a kept picture a name of its own in `folder`, by a hard link where the file system can, else a copy; returns the path.

    Raises:
        SaveFailed: It cannot be written.
    """
    path = contain(folder, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        if path.exists():
            return str(path)
        try:
            os.link(kept, path)
        except OSError:
            shutil.copyfile(kept, path)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise SaveFailed(f"cannot show {name}: {error.strerror or error}") from error
    return str(path)


def thin(folder: Path, pattern: str = "*") -> None:
    """Remove the folders in `folder` that nothing was added to for `KEEP_FILES_S`."""
    for path in folder.glob(pattern):
        with suppress(OSError):
            if path.is_dir() and time.time() - path.stat().st_mtime > KEEP_FILES_S:
                shutil.rmtree(path, ignore_errors=True)


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
