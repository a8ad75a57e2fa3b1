"""A picture taken apart, as plain values. Rendering is a pure function of them and of the sources that they name."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from modules.imaging.geometry import Extent
from modules.imaging.layering.blend_mode import BlendMode, Light
from modules.imaging.layering.placement import Placement

FORMAT_VERSION = 1


class LayerKind(Enum):
    """What a layer shows."""

    SUBJECT = "subject"
    BACKGROUND = "background"
    TEXT = "text"
    SHADOW = "shadow"
    HIGHLIGHT = "highlight"
    TEXTURE = "texture"
    RESIDUAL = "residual"
    OTHER = "other"


@dataclass(frozen=True)
class Source:
    """Pixels that never change, by the content's name.

    Attributes:
        id: sha256 of the stored PNG, in hex.
        extent: Of the pixels.
        density: Source pixels to one canvas pixel at scale 1: an enlarged copy of a layer has more of them.
    """

    id: str
    extent: Extent
    density: float = 1.0


@dataclass(frozen=True)
class Adjustments:
    """Changes of colour, applied in this order to the source's straight colour.

    Attributes:
        hue_deg: -180 to 180.
        saturation, lightness: -1 to 1; 0 changes nothing.
        gradient_map: (position 0 to 1, "#rrggbb") of at least two stops, by the source's luma; () = none.
        tint: "#rrggbb", mixed in by `tint_strength` 0 to 1; "" = none.
    """

    hue_deg: float = 0.0
    saturation: float = 0.0
    lightness: float = 0.0
    gradient_map: tuple[tuple[float, str], ...] = ()
    tint: str = ""
    tint_strength: float = 1.0


@dataclass(frozen=True)
class DropShadow:
    """A blurred copy of the layer's shape beneath it; lengths in canvas px."""

    dx: float = 8.0
    dy: float = 8.0
    blur_px: float = 8.0
    color: str = "#000000"
    opacity: float = 0.5


@dataclass(frozen=True)
class Stroke:
    """An outline outside the layer's shape."""

    width_px: float = 2.0
    color: str = "#000000"
    opacity: float = 1.0


@dataclass(frozen=True)
class Effects:
    """Effects of a layer; they follow its placement, and reach beyond its box."""

    drop_shadow: DropShadow | None = None
    stroke: Stroke | None = None
    blur_px: float = 0.0


@dataclass(frozen=True)
class TextAttributes:
    """What a text layer says and how.

    Attributes:
        string: Lines parted by "\\n".
        font: Family name, as `pipeline.layers.fonts` lists them; "" = not known.
        size_px: Height of an em, canvas px.
        color: "#rrggbb".
        alignment: "left", "center" or "right".
        tracking_px: Extra room after each character.
        angle_deg: Clockwise; of the baseline within the source. The placement's rotation comes on top; 0 once the text is typeset.
        is_typeset: Whether the source was set from these attributes; False = pixels lifted off a picture.
        notes: What a person should know, such as a font that stands in for another.
    """

    string: str
    font: str = ""
    size_px: float = 32.0
    color: str = "#000000"
    alignment: str = "left"
    tracking_px: float = 0.0
    angle_deg: float = 0.0
    is_typeset: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        id: Unique within the document; never reused.
        name: What a person calls it.
        source: RGBA pixels at full resolution; None = the layer has only a difference.
        difference: Signed (H, W, 4) int16 of the source's extent (of its own extent where there is no source), added after the layer was
            blended: texture, and what makes recomposition exact. It is placed, hidden, faded and deleted with the layer.
        enlarged: The same picture with more pixels, shown where the layer is scaled beyond `source`.
        confidence: 0 to 1: how sure the decomposer was; None = made by a person.
        follows: Id of the layer whose moves this one repeats (a shadow its caster), or "".
        members: The layers that this one was merged from, bottom first, to part them again.
        merged_at: Where a merged layer lay when it was merged: members repeat its moves since then when they are parted.
        text: For text layers.
    """

    id: str
    name: str
    kind: LayerKind
    source: Source | None
    difference: Source | None = None
    enlarged: Source | None = None
    placement: Placement = field(default_factory=Placement)
    opacity: float = 1.0
    blend: BlendMode = BlendMode.NORMAL
    adjustments: Adjustments = Adjustments()
    effects: Effects = Effects()
    is_visible: bool = True
    is_locked: bool = False
    follows: str = ""
    text: TextAttributes | None = None
    confidence: float | None = None
    members: tuple[Layer, ...] = ()
    merged_at: Placement | None = None


@dataclass(frozen=True)
class LayerDocument:
    """A picture as layers, bottom first.

    Attributes:
        id: Unguessable, stays for the document's life.
        extent: Of the canvas.
        light: In which light layers are mixed; differences are exact in the light that the picture was taken apart in.
        light_from_deg: Where the light comes from, clockwise from the top, and `light_height_deg` above the canvas's plane: for shadows.
        is_canvas_locked: All layers keep one coordinate system: none is moved, scaled or turned alone, replaced pictures must be of the
            canvas's size or are fitted to the old box, and exports give full-size layers.
        made_by: How it was taken apart: {"backend": ..., settings, "notes": [...]}; JSON values only.
    """

    id: str
    name: str
    extent: Extent
    layers: tuple[Layer, ...] = ()
    light: Light = Light.SRGB
    light_from_deg: float = 315.0
    light_height_deg: float = 45.0
    is_canvas_locked: bool = False
    made_by: dict[str, Any] = field(default_factory=dict, hash=False)
