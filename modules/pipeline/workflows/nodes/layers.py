"""Our own nodes: a picture taken apart, one layer changed, all composed again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modules.base.errors import MissingModel, UnknownName
from modules.imaging.geometry import Extent
from modules.pipeline.layers.building import build
from modules.pipeline.layers.decomposing import Interrupted
from modules.pipeline.layers.document import Layer, LayerDocument
from modules.pipeline.layers.edits import apply
from modules.pipeline.layers.render import render
from modules.pipeline.layers.sources import MemorySources
from modules.pipeline.workflows.context import GraphInterrupted, NodeRun
from modules.pipeline.workflows.nodes.files import as_pictures
from modules.pipeline.workflows.values import LayersValue

NAME = "picture"
COUNTS = ("max_subjects", "layers")
"""What the backends call the number of layers that they look for."""
HALF_TURN = 180.0
OPAQUE = 255
_TICKS = 100


@dataclass(frozen=True)
class _Watch:
    """Progress of a decomposer as the node's."""

    run: NodeRun

    def tell(self, share: float, doing: str) -> None:
        self.run.tell(round(share * _TICKS), _TICKS)

    def is_interrupted(self) -> bool:
        return self.run.graph.is_interrupted()


def decompose(run: NodeRun, image: Tensor, backend: str, max_layers: int) -> tuple[LayersValue]:
    """The first picture of the batch as layers, at most `max_layers` of things that stand out.

    Raises:
        MissingModel: The backend cannot be used here.
    """
    decomposer = run.graph.decomposer(backend)
    reason = decomposer.why_not()
    if reason:
        raise MissingModel(f"{backend} cannot be used: {reason}")
    pixels = np.asarray(as_pictures(image[:1])[0].convert("RGBA"))
    settings = {setting.name: max_layers for setting in decomposer.settings if setting.name in COUNTS}
    try:
        found = decomposer.decompose(pixels, settings, _Watch(run))
    except Interrupted:
        raise GraphInterrupted from None
    sources = MemorySources()
    document = build(found, NAME, Extent(pixels.shape[1], pixels.shape[0]), sources, {"backend": backend, "settings": settings})
    return (LayersValue(document, sources),)


def edit_layer(
    run: NodeRun, layers: LayersValue, layer: str, *,
    is_visible: bool, move_x: float, move_y: float, scale: float, rotation_deg: float,
    opacity: float, hue_deg: float, saturation: float, lightness: float,
) -> tuple[LayersValue]:  # fmt: skip
    """One layer changed; what follows it (its shadow) repeats its moves.

    Args:
        layer: A name, or a place counted from the top: "1" is the topmost.
        move_x, move_y: In px of the canvas.
        scale: Times the one it has, about its middle.
        rotation_deg: Clockwise, on top of what it is turned.
        opacity: Times what it has.
        hue_deg, saturation, lightness: On top of what it has; see `layers.document.Adjustments`.

    Raises:
        UnknownName: There is no such layer.
    """
    found = find_layer(layers.document, layer)
    at, colors = found.placement, found.adjustments
    values = {
        "is_visible": is_visible and found.is_visible,
        "opacity": opacity * found.opacity,
        "placement": {
            "left": at.left + move_x,
            "top": at.top + move_y,
            "scale_x": at.scale_x * scale,
            "scale_y": at.scale_y * scale,
            "rotation_deg": at.rotation_deg + rotation_deg,
        },
        "adjustments": {
            "hue_deg": (colors.hue_deg + hue_deg + HALF_TURN) % (2 * HALF_TURN) - HALF_TURN,
            "saturation": max(-1.0, min(1.0, colors.saturation + saturation)),
            "lightness": max(-1.0, min(1.0, colors.lightness + lightness)),
        },
    }
    edited = apply(layers.document, {"op": "set", "layer": found.id, "values": values}, layers.sources)
    return (LayersValue(edited, layers.sources),)


def compose(run: NodeRun, layers: LayersValue) -> tuple[Tensor]:
    """The picture of all visible layers: opaque as (1, H, W, 3), else with alpha as a fourth channel."""
    pixels = render(layers.document, layers.sources)
    shown = pixels if (pixels[..., 3] < OPAQUE).any() else pixels[..., :3]
    return (torch.from_numpy(shown.astype(np.float32) / OPAQUE)[None],)


def find_layer(document: LayerDocument, wanted: str) -> Layer:
    """A layer by name (without case), or by its place from the top.

    Raises:
        UnknownName: There is none.
    """
    by_name = {layer.name.casefold(): layer for layer in document.layers}
    if wanted.strip().casefold() in by_name:
        return by_name[wanted.strip().casefold()]
    if wanted.strip().isdecimal() and 1 <= int(wanted) <= len(document.layers):
        return document.layers[-int(wanted)]
    raise UnknownName("layer", wanted, [layer.name for layer in reversed(document.layers)])
