"""More pixels for a layer that is shown larger than it is: text is set again, pictures go through an upscaler."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.pipeline.layers.document import Layer, LayerDocument
from modules.pipeline.layers.fonts import FontCatalog
from modules.pipeline.layers.rewriting import find_layer, with_layer
from modules.pipeline.layers.sources import Sources
from modules.pipeline.layers.typesetting import typeset

Pixels = NDArray[np.uint8]
Upscaler = Callable[[Image.Image, float], Image.Image]
"""(RGB image, factor) -> the image enlarged by about that factor; the exact size is made afterwards."""

MAX_FACTOR = 16
MAX_SIDE_PX = 16384


def wanted_factor(layer: Layer) -> int:
    """Pixels that a layer's source lacks where it is shown: 1 = it has enough, 3 = three times as many a side."""
    assert layer.source is not None
    shown = max(layer.placement.scale_x, layer.placement.scale_y) / layer.source.density
    return max(1, math.ceil(shown - 1e-6))


def enlarge(document: LayerDocument, layer_id: str, sources: Sources, fonts: FontCatalog, upscaler: Upscaler) -> LayerDocument:
    """Give a layer the pixels for the scale at which it is shown. Its source stays, so that scaling back shows it again.

    Raises:
        InvalidRequest: No such layer, locked, without pixels, not scaled beyond its pixels, or too large.
    """
    layer = find_layer(document, layer_id)
    if layer.source is None:
        raise InvalidRequest("layer", layer.name, "a layer with pixels (this one only holds a difference)")
    factor = wanted_factor(layer)
    if factor == 1:
        raise InvalidRequest("layer", layer.name, "a layer that is scaled beyond its own pixels")
    if factor > MAX_FACTOR or max(layer.source.extent.size) * factor > MAX_SIDE_PX:
        raise InvalidRequest("scale", factor, f"at most {MAX_FACTOR} times the source's pixels, and {MAX_SIDE_PX} px a side")
    density = layer.source.density * factor
    if (sharpened := sharpen_texts(replace(document, layers=(layer,)), sources, fonts).layers[0]) != layer:
        return with_layer(document, sharpened)
    pixels = _upscaled(sources.pixels(layer.source), factor, upscaler)
    return with_layer(document, replace(layer, enlarged=sources.add_pixels(pixels, density)))


def sharpen_texts(document: LayerDocument, sources: Sources, fonts: FontCatalog) -> LayerDocument:
    """Set again, with the pixels that they lack, all texts that are scaled beyond their own; the same document where there are none."""
    for layer in document.layers:
        if layer.source is None or layer.text is None or not layer.text.is_typeset:
            continue
        factor = wanted_factor(layer)
        density = layer.source.density * factor
        has_enough = factor == 1 or (layer.enlarged is not None and layer.enlarged.density >= density)
        if has_enough or factor > MAX_FACTOR or max(layer.source.extent.size) * factor > MAX_SIDE_PX or density != int(density):
            continue
        pixels = _set_again(layer, factor, int(density), fonts)
        if pixels is not None:
            document = with_layer(document, replace(layer, enlarged=sources.add_pixels(pixels, density)))
    return document


def _set_again(layer: Layer, factor: int, density: int, fonts: FontCatalog) -> Pixels | None:
    """The layer's text at another density; None where it would come out another way, because a font has gone."""
    assert layer.source is not None and layer.text is not None
    try:
        done = typeset(layer.text, fonts, density=density)
    except InvalidRequest:
        return None
    is_same = done.pixels.shape[:2] == (layer.source.extent.height * factor, layer.source.extent.width * factor)
    return done.pixels if is_same and done.text.font == layer.text.font else None


def _upscaled(pixels: Pixels, factor: int, upscaler: Upscaler) -> Pixels:
    """Colour through the upscaler, alpha by its own; exactly `factor` times as wide and high."""
    height, width = pixels.shape[0] * factor, pixels.shape[1] * factor
    color = _exact(upscaler(Image.fromarray(_spread(pixels)), factor), (width, height))
    alpha = pixels[..., 3]
    if alpha.min() == alpha.max():
        finer = np.full((height, width), alpha.flat[0], np.uint8)
    else:
        grey = _exact(upscaler(Image.fromarray(np.repeat(alpha[..., None], 3, axis=2)), factor), (width, height))
        # An upscaler may leave a haze on what was empty: it stays inside what the alpha itself reaches.
        reach = cv2.resize(cv2.dilate(alpha, np.ones((3, 3), np.uint8)), (width, height), interpolation=cv2.INTER_LINEAR)
        finer = np.minimum(np.floor(grey.mean(axis=2) + 0.5).astype(np.uint8), reach)
    result = np.dstack([color, finer])
    result[finer == 0] = 0
    return result


def _exact(image: Image.Image, size: tuple[int, int]) -> Pixels:
    image = image.convert("RGB")
    return np.asarray(image if image.size == size else image.resize(size, Image.Resampling.LANCZOS))


def _spread(pixels: Pixels) -> Pixels:
    """Colours also where alpha is 0, from the nearest visible pixel: nothing dark bleeds in at the edge."""
    empty = (pixels[..., 3] == 0).astype(np.uint8)
    if not empty.any() or empty.all():
        return np.ascontiguousarray(pixels[..., :3])
    _, labels = cv2.distanceTransformWithLabels(empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    colors = np.zeros((labels.max() + 1, 3), np.uint8)
    seen = empty == 0
    colors[labels[seen]] = pixels[..., :3][seen]
    return colors[labels]
