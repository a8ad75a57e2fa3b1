"""Changes of one layer that need tools: fonts, files, light. Each is one step that can be undone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.base.registry import load_dotted
from modules.imaging.picture import flatten
from modules.pipeline.layers.document import Layer, LayerDocument, LayerKind
from modules.runtime.layers.library import State
from modules.runtime.layers.opened import Opened, apply_edits
from modules.runtime.layers.workshop import Workshop

NEW = "new"
"""In place of a layer's id: a layer that is not there yet."""
LIGHT = ("light_from_deg", "light_height_deg")


@dataclass(frozen=True)
class Changing:
    """Carries them out; `revision` and errors as `LayerLibrary.change`."""

    workshop: Workshop

    def edit(self, document_id: str, revision: int | None, edits: Sequence[Mapping[str, Any]], user: str | None = None) -> State:
        """Edits as one step (`pipeline.layers.edits`). Shadows are drawn anew where they turn the light, and texts that they scale."""
        turns_light = any(edit.get("op") == "document" and any(name in edit for name in LIGHT) for edit in edits)

        def change(document: LayerDocument, sources: Any) -> LayerDocument:
            changed = apply_edits(document, edits, sources)
            is_turned = turns_light and any(getattr(changed, name) != getattr(document, name) for name in LIGHT)
            changed = _pipeline("shadows:relight")(changed, sources) if is_turned else changed
            sharpened: LayerDocument = _pipeline("enlarging:sharpen_texts")(changed, sources, self.workshop.fonts)
            return sharpened

        return self.workshop.library.change(document_id, revision, change, user)

    def set_text(self, document_id: str, revision: int | None, layer: str, values: Mapping[str, Any], user: str | None = None) -> State:
        """Another string, font, size, colour ...; a lifted line is typeset where it sat. `layer` "new" puts a text on top."""

        def change(document: LayerDocument, sources: Any) -> LayerDocument:
            fonts = self.workshop.fonts
            if layer == NEW:
                return _add_text(document, values, sources, fonts)
            if set(values) == {"color"}:
                return _pipeline("rewriting:recolour_text")(document, layer, values["color"], sources, fonts)
            return _pipeline("rewriting:rewrite_text")(document, layer, values, sources, fonts)

        return self.workshop.library.change(document_id, revision, change, user)

    def set_picture(self, document_id: str, revision: int | None, layer: str, asset_id: str, user: str | None = None) -> State:
        """Another picture in a layer, fitted to its old box; `layer` "new" puts it on top, no larger than the canvas."""
        pixels, name = self.workshop.open_picture(asset_id), self.workshop.store.describe(asset_id).name

        def change(document: LayerDocument, sources: Any) -> LayerDocument:
            if layer != NEW:
                return _pipeline("rewriting:replace_picture")(document, layer, pixels, sources)
            return _add_picture(document, pixels, name.rpartition(".")[0] or name or "picture", sources)

        return self.workshop.library.change(document_id, revision, change, user)

    def set_shadow(self, document_id: str, revision: int | None, layer: str, values: Mapping[str, Any], user: str | None = None) -> State:
        """Draw the shadow of a layer for the document's light, or for the one in `values` (light_from_deg, light_height_deg, softness)."""

        def change(document: LayerDocument, sources: Any) -> LayerDocument:
            return _pipeline("shadows:recompute_shadow")(document, layer, sources, **values)

        return self.workshop.library.change(document_id, revision, change, user)

    def start_repaint(
        self, document_id: str, layer: str, user: str | None = None, *, mask: str | None = None, grow_px: int = 0
    ) -> dict[str, Any]:
        """What Inpaint needs: {"picture": asset id, "mask": asset id, "box": [x, y, width, height]}; nothing is changed."""
        person = self.open_mask(mask)

        def ask(opened: Opened) -> Any:
            return _pipeline("repaint:repaint_request")(opened.document, layer, opened.sources, mask=person, grow_px=grow_px)

        wanted = self.workshop.library.look(document_id, user, ask)
        store, shown = self.workshop.store, np.floor(wanted.mask * 255 + 0.5).astype(np.uint8)
        box = [wanted.box.x, wanted.box.y, wanted.box.width, wanted.box.height]
        return {
            "picture": store.add_picture(Image.fromarray(wanted.picture)).id,
            "mask": store.add_picture(Image.fromarray(shown)).id,
            "box": box,
        }

    def take_repainted(
        self,
        document_id: str,
        revision: int | None,
        layer: str,
        picture: Image.Image,
        user: str | None = None,
        *,
        mask: str | None = None,
        grow_px: int = 0,
        keeps_alpha: bool = True,
    ) -> State:
        """Take repainted colours into the layer; no other pixel changes."""
        person, rgb = self.open_mask(mask), np.array(flatten(picture))
        rematte = None if keeps_alpha else load_dotted("modules.imaging.lifting.matting:refine_alpha")

        def change(document: LayerDocument, sources: Any) -> LayerDocument:
            return _pipeline("repaint:take_repainted")(document, layer, rgb, sources, mask=person, grow_px=grow_px, rematte=rematte)

        return self.workshop.library.change(document_id, revision, change, user)

    def open_mask(self, asset_id: str | None) -> Any:
        """(H, W) float32 in [0, 1]; None where there is none."""
        return None if asset_id is None else np.asarray(self.workshop.store.mask(asset_id), np.float32) / 255


def _add_text(document: LayerDocument, values: Mapping[str, Any], sources: Any, fonts: Any) -> LayerDocument:
    """In the canvas's middle, or with its baseline at `x`, `y`."""
    given = dict(values)
    string = given.get("string")
    if not isinstance(string, str) or not string.strip():
        raise InvalidRequest("values.string", string, "a text to set")
    at = [given.pop(name, side / 2) for name, side in zip("xy", document.extent.size, strict=True)]
    if any(isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) for value in at):
        raise InvalidRequest("values.x", at, "numbers, canvas px")
    given = {"size_px": round(document.extent.height / 12, 1), "alignment": "center", **given}
    make_id, free_name, text_name = (_pipeline(name) for name in ("building:new_layer_id", "naming:free_name", "naming:text_name"))
    name = free_name(text_name(string), [layer.name for layer in document.layers])
    layer = Layer(make_id(), name, LayerKind.TEXT, None)
    added: LayerDocument = _pipeline("rewriting:add_text")(document, layer, given, (float(at[0]), float(at[1])), sources, fonts)
    return added


def _add_picture(document: LayerDocument, pixels: Any, name: str, sources: Any) -> LayerDocument:
    height, width = pixels.shape[:2]
    share = min(1.0, document.extent.width / width, document.extent.height / height)
    placement = {
        "left": (document.extent.width - width) / 2,
        "top": (document.extent.height - height) / 2,
        "scale_x": share,
        "scale_y": share,
    }
    source = _pipeline("stored_form:to_plain")(sources.add_pixels(pixels))
    return apply_edits(document, [{"op": "add", "name": name[:100], "source": source, "placement": placement}], sources)


def _pipeline(name: str) -> Any:
    return load_dotted(f"modules.pipeline.layers.{name}")
