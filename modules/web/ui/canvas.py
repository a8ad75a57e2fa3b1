"""The canvas on the page: one document (picture, mask, sketch) in the browser, seen by any number of views.

The browser paints, rasterises once and uploads; Python meets the document as ids of assets. `assets/js/canvas.js` is the other half.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import gradio as gr
from PIL import Image, ImageChops

from modules.base.errors import InvalidRequest
from modules.imaging.outpainting import Outpaint
from modules.pipeline.modes import Mode
from modules.web.ui.bridge.quiet import QuietMeta
from modules.web.ui.texts import Texts

VIEW_MODES = ("view", "paint", "mask", "paint_mask", "view_mask")
"""What a view is for: the picture alone, colours over it, its mask, colours that are the mask, picture and mask to look at."""
ALPHA_CHOICES = ("mask", "keep", "flatten")
EMPTY_DOCUMENT: dict[str, Any] = {
    "picture": None,
    "mask": None,
    "sketch": None,
    "alpha": "mask",
    "frame": None,
    "is_soft_mask": False,
    "revision": 0,
    "mode": None,
}
PAINT = (255, 255, 255)
"""Colour of a mask among an editor's layers."""

_ASSET_ID = re.compile(r"[0-9a-f]{64}")
_MOUNT = '(window.pentimentoMounts ??= []).push(["{kind}", {{ element, props, trigger, watch }}]); window.pentimento?.mountCanvases?.();'


class _Document(gr.HTML, metaclass=QuietMeta):
    """A class of its own: Gradio makes components anew upon updates, and would forget what an instance was given."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        return read_document(payload)


def CanvasDocument(elem_id: str = "img2img_document", **options: Any) -> Any:
    """The document that all views of a page show, as a component; it draws nothing itself.

    As input of an event its value is a dict like `EMPTY_DOCUMENT`: `picture` an asset's description or None, `mask` and `sketch` asset
    ids or None, `frame` how far the picture is to be extended (a request's `outpaint`) or None, `is_soft_mask` whether the mask has greys,
    `revision` a number that grows with every change, `mode` the `Mode` value of the open tab where an event's script says so, else None.
    Its `change` event comes after each commit. As output, `document_update(...)` opens something else, which a person can undo.
    """
    return _Document(
        value=None,
        html_template="",
        js_on_load=_MOUNT.format(kind="document"),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="pm-hidden",
        **options,
    )


def CanvasView(mode: str = "view", *, elem_id: str, **options: Any) -> Any:
    """A place where the document is shown, and painted on if `mode` says so.

    Args:
        mode: One of `VIEW_MODES`.
        elem_id: As A1111 has it.

    Raises:
        ValueError: There is no such mode.
    """
    if mode not in VIEW_MODES:
        raise ValueError(f"mode: got {mode!r}, wanted one of {', '.join(VIEW_MODES)}")
    return gr.HTML(
        value=None,
        html_template=f'<div class="pm-view" data-mode="{mode}"></div>',
        js_on_load=_MOUNT.format(kind="view"),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="pm-view-block",
        **options,
    )


def build_mask_drop(texts: Texts, elem_id: str, **options: Any) -> Any:
    """A place to drop, pick or paste a file that becomes the document's mask."""
    return gr.HTML(
        value=None,
        label=texts("canvas.mask_drop"),
        html_template='<div class="pm-mask-drop"></div>',
        js_on_load=_MOUNT.format(kind="mask_drop"),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="pm-mask-drop-block",
        **options,
    )


def document_update(
    picture: Mapping[str, Any] | None,
    mask: str | None = None,
    sketch: str | None = None,
    note: str | None = None,
    alpha: str = "mask",
    frame: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The value that makes the browser open something.

    Args:
        picture: An asset's description (`id, width, height, has_alpha, name, notes`); None closes the picture.
        mask, sketch: Asset ids; None = empty.
        note: Shown as a short message, in the person's language.
        alpha: What the picture's transparency means, one of `ALPHA_CHOICES`.
        frame: How far the picture's frame is drawn outwards, as a request's `outpaint`; None = not.
    """
    opened = {"picture": None if picture is None else dict(picture), "mask": mask, "sketch": sketch, "alpha": alpha, "note": note}
    return {"set": opened | ({} if frame is None else {"frame": dict(frame)})}


def read_document(payload: Any) -> dict[str, Any]:
    """Check and complete what the browser sent.

    Raises:
        InvalidRequest: It is no document, or names something that is no asset.
    """
    if payload is None:
        return dict(EMPTY_DOCUMENT)
    if not isinstance(payload, Mapping):
        raise InvalidRequest("document", payload, "the value of the canvas")
    if "set" in payload:  # opened by Python, and not yet seen by the browser
        payload = payload["set"] or {}
    document = {name: payload.get(name, fallback) for name, fallback in EMPTY_DOCUMENT.items()}
    picture = document["picture"]
    if picture is not None and not (isinstance(picture, Mapping) and isinstance(picture.get("id"), str)):
        raise InvalidRequest("document.picture", picture, "an asset's description")
    for name, asset_id in (("picture", picture and picture["id"]), ("mask", document["mask"]), ("sketch", document["sketch"])):
        if asset_id is not None and not _ASSET_ID.fullmatch(str(asset_id)):
            raise InvalidRequest(f"document.{name}", asset_id, "an asset's id (64 hexadecimal digits)")
    if document["alpha"] not in ALPHA_CHOICES:
        raise InvalidRequest("document.alpha", document["alpha"], "one of " + ", ".join(ALPHA_CHOICES))
    if document["mode"] is not None and document["mode"] not in (modes := [mode.value for mode in Mode]):
        raise InvalidRequest("document.mode", document["mode"], "one of " + ", ".join(modes))
    frame = Outpaint.parse(document["frame"])
    document["frame"] = None if frame is None else frame.as_json()
    return document


def to_editor_value(picture: Image.Image, mask: Image.Image | None = None, sketch: Image.Image | None = None) -> dict[str, Any]:
    """The same document as `gr.ImageEditor` would hand it to a script.

    Args:
        picture: RGB or RGBA.
        mask: L of its size, 255 = repaint; becomes a white layer with this alpha.
        sketch: RGBA of its size.

    Returns:
        {"background": RGBA, "layers": [RGBA, ...], "composite": RGBA}, the sketch below the mask.

    Raises:
        ValueError: The sizes differ.
    """
    layers = [] if sketch is None else [sketch.convert("RGBA")]
    if mask is not None:
        layer = Image.new("RGBA", mask.size, (*PAINT, 0))
        layer.putalpha(mask.convert("L"))
        layers.append(layer)
    background = picture.convert("RGBA")
    return {"background": background, "layers": layers, "composite": _merge([background, *layers])}


def from_editor_value(value: Mapping[str, Any] | None) -> tuple[Image.Image | None, Image.Image | None, Image.Image | None]:
    """Picture, mask and sketch in a `gr.ImageEditor`'s value.

    Returns:
        The background as it came; the layers' alpha, the larger of each, as L (255 = repaint); the layers merged, as RGBA. None for what is
        not there.

    Raises:
        ValueError: The layers' sizes differ.
    """
    value = value or {}
    layers = [layer.convert("RGBA") for layer in value.get("layers") or []]
    if not layers:
        return value.get("background"), None, None
    merged = _merge(layers)
    mask = layers[0].getchannel("A")
    for layer in layers[1:]:
        mask = ImageChops.lighter(mask, layer.getchannel("A"))
    return value.get("background"), mask, merged


def _merge(layers: list[Image.Image]) -> Image.Image:
    merged = layers[0]
    for layer in layers[1:]:
        merged = Image.alpha_composite(merged, layer)
    return merged
