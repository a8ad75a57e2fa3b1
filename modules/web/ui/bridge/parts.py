"""What A1111's `modules.ui` and `modules.ui_common` build for extensions: a list with a refresh button, a place for results."""

from __future__ import annotations

import html
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_pil_to_cache
from gradio.utils import get_upload_folder

from modules.base.errors import SaveFailed
from modules.runtime.shared_objects import SHARED
from modules.web.ui.bridge.dialect import HIDDEN
from modules.web.ui.bridge.widgets import ToolButton

SYMBOLS = {
    "random_symbol": "\U0001f3b2\ufe0f",
    "reuse_symbol": "\u267b\ufe0f",
    "paste_symbol": "\u2199\ufe0f",
    "refresh_symbol": "\U0001f504",
    "save_style_symbol": "\U0001f4be",
    "apply_style_symbol": "\U0001f4cb",
    "clear_prompt_symbol": "\U0001f5d1\ufe0f",
    "extra_networks_symbol": "\U0001f3b4",
    "switch_values_symbol": "\u21c5",
    "restore_progress_symbol": "\U0001f300",
    "detect_image_size_symbol": "\U0001f4d0",
    "folder_symbol": "\U0001f4c2",
}
"""Signs on small buttons, by A1111's names."""


@dataclass
class OutputPanel:
    """A place for results; unpacks into its first four parts.

    Attributes:
        gallery: The pictures.
        generation_info: Unseen text.
        infotext: Text of the picture that is looked at.
        html_log: A line about what happened.
    """

    gallery: Any = None
    generation_info: Any = None
    infotext: Any = None
    html_log: Any = None
    button_upscale: Any = None

    def __iter__(self) -> Iterator[Any]:
        return iter((self.gallery, self.generation_info, self.infotext, self.html_log))


def create_refresh_button(
    refresh_component: Any,
    refresh_method: Callable[[], Any] | None,
    refreshed_args: Callable[[], dict[str, Any]] | dict[str, Any],
    elem_id: str,
) -> ToolButton:
    """A small button that looks for new entries of a list.

    Args:
        refresh_component: The list, or several.
        refresh_method: Looks again.
        refreshed_args: What to set of the list then, such as its choices, or a function that tells.
        elem_id: The button's.
    """
    lists = list(refresh_component) if isinstance(refresh_component, list | tuple) else [refresh_component]

    def refresh() -> Any:
        if refresh_method is not None:
            refresh_method()
        args = refreshed_args() if callable(refreshed_args) else refreshed_args
        updates = [gr.update(**(args or {})) for _ in lists]
        return updates if len(updates) > 1 else updates[0]

    button = ToolButton(SYMBOLS["refresh_symbol"], elem_id=elem_id)
    button.click(refresh, inputs=[], outputs=lists, show_progress="hidden", api_visibility="private")
    return button


def create_output_panel(tabname: str, outdir: str | Path, toprow: Any = None) -> OutputPanel:
    """A place for the results of an extension's tab, with a button that opens their folder (where the server is this machine's own).

    Args:
        tabname: Becomes part of the element ids.
        outdir: The folder.
        toprow: Not needed here.
    """
    panel = OutputPanel()
    with gr.Column(elem_id=f"{tabname}_results"):
        with gr.Column(elem_id=f"{tabname}_gallery_container"):
            panel.gallery = gr.Gallery([], label="Output", show_label=False, elem_id=f"{tabname}_gallery", columns=4, preview=True)
        with gr.Row(elem_id=f"image_buttons_{tabname}"):
            opener = ToolButton(SYMBOLS["folder_symbol"], elem_id=f"{tabname}_open_folder")
            opener.click(lambda: open_folder(outdir), inputs=[], outputs=[], api_visibility="private")
        panel.infotext = gr.HTML("", elem_id=f"html_info_{tabname}")
        panel.html_log = gr.HTML("", elem_id=f"html_log_{tabname}")
        panel.generation_info = gr.Textbox(visible=HIDDEN, elem_id=f"generation_info_{tabname}")
    return panel


def open_folder(folder: str | Path) -> None:
    """Show a folder in the machine's own file manager; does nothing when the program serves other machines."""
    if not SHARED.session.flags.is_local:
        return
    path = Path(folder)
    if not path.is_dir():
        gr.Info(f"{path.name}: no such folder yet")
        return
    opener = {"darwin": "open", "win32": "explorer"}.get(sys.platform, "xdg-open")
    try:
        subprocess.Popen([opener, str(path)])
    except OSError as error:
        raise SaveFailed(f"cannot open {path}: {error.strerror or error}") from error


def plaintext_to_html(text: str, classname: str | None = None) -> str:
    """Text as HTML of one paragraph, line breaks kept."""
    kind = f" class='{classname}'" if classname else ""
    return f"<p{kind}>" + "<br>\n".join(html.escape(line) for line in str(text).split("\n")) + "</p>"


def gr_show(visible: bool = True) -> dict[str, Any]:
    """An update that shows a component, or hides it."""
    return gr.update(visible=visible)


def setup_dialog(button_show: Any, dialog: Any, *, button_close: Any = None) -> None:
    """Let a button show a part of the page, and another hide it."""
    dialog.visible = False
    for button, visible in ((button_show, True), (button_close, False)):
        if button is not None:
            button.click(partial(gr_show, visible), None, [dialog], show_progress="hidden", api_visibility="private")


def save_pil_to_file(image: Any, cache_dir: str | None = None, format: str = "png") -> str:
    """A picture as a file that the browser may fetch; returns its path."""
    return str(save_pil_to_cache(image, cache_dir or get_upload_folder(), format=format))


def register_tmp_file(page: Any, filename: str) -> None:
    """Let the browser fetch a file of the machine that an extension made.

    Args:
        page: The `gr.Blocks` that shows it.
    """
    page.allowed_paths.append(str(Path(filename).resolve()))
