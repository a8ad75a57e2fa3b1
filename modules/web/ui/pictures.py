"""Getting pictures onto the page: upload, replace, remove, send to a tab."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from modules.imaging.picture import Picture
from modules.runtime.session import Session
from modules.web.ui.canvas import canvas_value
from modules.web.ui.controls.size import fitting_size, image_size
from modules.web.ui.form import Mode
from modules.web.ui.messages import Told
from modules.web.ui.source import Source, caption, keep_result, look_at
from modules.web.ui.studio import Studio
from modules.web.ui.texts import Texts

Updates = dict[Any, Any]
BROWSER_FORMATS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif")
"""What every browser shows; anything else is shown as a PNG copy."""


class Pictures:
    """Event handlers around pictures; each returns updates by widget.

    Args:
        folder: Where copies for the browser are kept.
    """

    def __init__(self, session: Session, texts: Texts, studio: Studio, folder: Path) -> None:
        self._session, self._texts, self._studio, self._folder = session, texts, studio, folder

    def outputs(self) -> list[Any]:
        """What the handlers may change."""
        studio, fields = self._studio, self._studio.fields
        one, two = studio.img2img, studio.inpaint
        return [
            one.picture, one.caption, one.source, two.drop, two.canvas, two.caption, two.tools, two.source,
            studio.tabs, studio.mode, studio.mask_group, fields["width"], fields["height"],
        ]  # fmt: skip

    def upload_img2img(self, language: str, path: str | None, is_own_size: bool, checkpoint: str | None) -> Updates:
        """A picture came into the img2img tab."""
        return self._upload(language, Mode.IMG2IMG, path, is_own_size, checkpoint)

    def upload_inpaint(self, language: str, path: str | None, is_own_size: bool, checkpoint: str | None) -> Updates:
        """A picture came into the inpaint tab; the canvas takes the place of the drop."""
        return self._upload(language, Mode.INPAINT, path, is_own_size, checkpoint)

    def remove_img2img(self, language: str) -> Updates:
        tab = self._studio.img2img
        return {tab.source: None, tab.caption: ""}

    def remove_inpaint(self, language: str) -> Updates:
        """Back to the empty drop."""
        tab = self._studio.inpaint
        return {
            tab.source: None,
            tab.caption: "",
            tab.drop: gr.update(value=None, visible=True),
            tab.canvas: gr.update(value=None, visible=False),
            tab.tools: gr.update(visible=False),
        }

    def clear_mask(self, language: str, source: Source | None) -> Updates:
        """The same picture with nothing painted."""
        if source is None:
            return {}
        picture = source.open()
        return {self._studio.inpaint.canvas: canvas_value(picture, Image.new("L", picture.image.size))}

    def send_img2img(self, language: str, shown: list[dict[str, Any]], selected: int) -> Updates:
        """The result that is looked at becomes the picture of the img2img tab."""
        return self._send(language, Mode.IMG2IMG, shown, selected)

    def send_inpaint(self, language: str, shown: list[dict[str, Any]], selected: int) -> Updates:
        """The result that is looked at becomes the picture of the inpaint tab; the mask stays behind."""
        updates = self._send(language, Mode.INPAINT, shown, selected)
        gr.Info(self._texts.say(language, "sent.without_mask"), duration=6, title=self._texts.say(language, "sent.title"))
        return updates

    def put(self, language: str, mode: Mode, picture: Picture, mask: Image.Image | None) -> Updates:
        """Open a tab with a picture that exists only in memory.

        Args:
            mask: L, white = repaint, of the picture's size.
        """
        path = keep_result(picture.image, self._folder / uuid.uuid4().hex, "picture.png")
        source, _ = look_at(path)
        return {**self._place(language, mode, source, picture, mask), **self.open_tab(mode)}

    def open_tab(self, mode: Mode) -> Updates:
        """Show the tab of a mode, and the controls that belong to it."""
        studio = self._studio
        return {
            studio.tabs: gr.update(selected=mode.value),
            studio.mode: mode.value,
            studio.mask_group: gr.update(visible=mode.has_mask),
        }

    def use_image_size(self, language: str, mode: str, one: Source | None, two: Source | None) -> tuple[int, int, bool]:
        """Width and height of the tab's picture."""
        source = self._source(mode, one, two)
        return *image_size(source.width, source.height), True

    def fit_model(self, language: str, mode: str, one: Source | None, two: Source | None, checkpoint: str | None) -> tuple[int, int, bool]:
        """The picture's proportions, at about the area that the model was made for."""
        source = self._source(mode, one, two)
        return *fitting_size(source.width, source.height, self._native_px(checkpoint)), True

    def suggest_size(
        self, language: str, mode: str, area: int, is_own_size: bool, one: Source | None, two: Source | None, checkpoint: str | None
    ) -> tuple[Any, Any]:
        """A size that suits tab and area, unless the person has chosen one."""
        source = two if Mode(mode).has_mask else one
        if is_own_size:
            return gr.skip(), gr.skip()
        native_px = self._native_px(checkpoint)
        if source is None or (Mode(mode).has_mask and area):
            return native_px, native_px
        return fitting_size(source.width, source.height, native_px)

    def _upload(self, language: str, mode: Mode, path: str | None, is_own_size: bool, checkpoint: str | None) -> Updates:
        if path is None:
            return {}
        source, picture = look_at(path)
        updates = self._place(language, mode, source, picture, None)
        if mode is Mode.IMG2IMG and not is_own_size:
            width, height = fitting_size(source.width, source.height, self._native_px(checkpoint))
            updates |= {self._studio.fields["width"]: width, self._studio.fields["height"]: height}
        return updates

    def _place(self, language: str, mode: Mode, source: Source, picture: Picture, mask: Image.Image | None) -> Updates:
        line = caption(self._texts, language, source)
        if mode is Mode.IMG2IMG:
            tab = self._studio.img2img
            return {tab.source: source, tab.caption: line, tab.picture: self._showable(source, picture)}
        two = self._studio.inpaint
        return {
            two.source: source,
            two.caption: line,
            two.drop: gr.update(value=None, visible=False),
            two.canvas: gr.update(value=canvas_value(picture, mask), visible=True),
            two.tools: gr.update(visible=True),
        }

    def _showable(self, source: Source, picture: Picture) -> str:
        if Path(source.path).suffix.casefold() in BROWSER_FORMATS:
            return source.path
        return keep_result(picture.image, self._folder / uuid.uuid4().hex, "picture.png")

    def _send(self, language: str, mode: Mode, shown: list[dict[str, Any]], selected: int) -> Updates:
        if not 0 <= selected < len(shown):
            raise Told("error.no_result")
        source, picture = look_at(shown[selected]["path"])
        return {**self._place(language, mode, source, picture, None), **self.open_tab(mode)}

    def _source(self, mode: str, one: Source | None, two: Source | None) -> Source:
        source = two if Mode(mode).has_mask else one
        if source is None:
            raise Told("error.no_picture")
        return source

    def _native_px(self, checkpoint: str | None) -> int:
        return self._session.preset(checkpoint).width
