"""One layer out to be repainted and back: nothing else changes, to the bit."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode
from modules.imaging.layering.placement import Placement
from modules.pipeline.layers.document import Adjustments, Layer, LayerDocument, LayerKind
from modules.pipeline.layers.render import render
from modules.pipeline.layers.repaint import repaint_request, take_repainted
from modules.pipeline.layers.sources import MemorySources

EXTENT = Extent(160, 120)
RNG = np.random.default_rng(5)


@pytest.fixture
def sources() -> MemorySources:
    return MemorySources()


def noise(height: int, width: int) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 4)).astype(np.uint8)


def disc(size: int) -> np.ndarray:
    """(size, size) uint8: a round shape with a soft edge."""
    shape = np.zeros((size, size), np.uint8)
    cv2.circle(shape, (size // 2, size // 2), size // 2 - 6, 255, -1)
    return cv2.GaussianBlur(shape, (0, 0), 1.5)


def make_document(sources: MemorySources, placement: Placement = Placement(left=50.0, top=30.0)) -> LayerDocument:  # noqa: B008
    ground, subject, cover = noise(120, 160), noise(60, 60), noise(20, 160)
    ground[..., 3], subject[..., 3], cover[..., 3] = 255, disc(60), 128
    values = RNG.integers(-3, 4, (60, 60, 4)).astype(np.int16)
    values[..., 3] = 0
    difference = sources.add_difference(values)
    return LayerDocument(
        "d",
        "x",
        EXTENT,
        (
            Layer("b", "background", LayerKind.BACKGROUND, sources.add_pixels(ground)),
            Layer("s", "subject", LayerKind.SUBJECT, sources.add_pixels(subject), difference, placement=placement),
            Layer("t", "text", LayerKind.TEXT, sources.add_pixels(cover), placement=Placement(top=40.0)),
        ),
    )


def painted(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What an inpainting model might give: green where the mask is."""
    share = mask[..., None]
    return np.floor(picture * (1 - share) + np.array([10, 200, 60]) * share + 0.5).astype(np.uint8)


def test_what_goes_out_is_the_layer_on_what_lies_below(sources: MemorySources) -> None:
    document = make_document(sources)
    asked = repaint_request(document, "s", sources)
    assert (asked.picture == render(document, sources, only=["b", "s"])[..., :3]).all()
    assert asked.mask.shape == EXTENT.shape
    assert asked.mask[60, 80] == 1
    assert asked.box.lies_within(EXTENT)
    grown = repaint_request(document, "s", sources, grow_px=5)
    assert grown.box.width > asked.box.width
    assert (grown.mask >= asked.mask).all()


@pytest.mark.parametrize(
    "placement",
    [
        Placement(left=50.0, top=30.0),
        Placement(left=-20.0, top=80.0),
        Placement(left=50.0, top=30.0, rotation_deg=90.0, is_flipped_x=True),
        Placement(left=50.5, top=30.0, scale_x=1.3, scale_y=0.8, rotation_deg=20.0),
    ],
)
def test_what_comes_back_shows_and_nothing_else_changes(sources: MemorySources, placement: Placement) -> None:
    document = make_document(sources, placement)
    asked = repaint_request(document, "s", sources)
    changed = take_repainted(document, "s", painted(asked.picture, asked.mask), sources)
    assert (changed.layers[0], changed.layers[2]) == (document.layers[0], document.layers[2])
    before, after = render(document, sources), render(changed, sources)
    assert (before == after).all(axis=2)[asked.mask == 0].all()
    below = render(changed, sources, only=["b", "s"])[..., :3].astype(int)
    solid = asked.mask == 1
    assert (below[solid] == (10, 200, 60)).all()
    alone = render(document, sources, only=["s"])[..., 3], render(changed, sources, only=["s"])[..., 3]
    difference_of_alpha = np.abs(alone[0].astype(int) - alone[1])
    assert difference_of_alpha.max() <= 5  # the old difference is gone there
    soft = (asked.mask > 0.3) & (asked.mask < 1)
    wanted = painted(asked.picture, asked.mask)[soft].astype(int)
    assert np.abs(below[soft] - wanted).mean() < 12


def test_what_lies_beyond_the_canvas_is_kept(sources: MemorySources) -> None:
    document = make_document(sources, Placement(left=-20.0, top=80.0))
    asked = repaint_request(document, "s", sources)
    changed = take_repainted(document, "s", painted(asked.picture, asked.mask), sources).layers[1]
    old = document.layers[1]
    assert changed.source is not None and old.source is not None
    assert (changed.source.extent, changed.placement) == (old.source.extent, old.placement)
    beyond = sources.pixels(changed.source)[:, :20]
    assert (beyond == sources.pixels(old.source)[:, :20]).all()


def test_within_a_persons_own_mask_only(sources: MemorySources) -> None:
    document = make_document(sources)
    mask = np.zeros(EXTENT.shape, np.float32)
    mask[:, :80] = 1
    asked = repaint_request(document, "s", sources, mask=mask)
    changed = take_repainted(document, "s", painted(asked.picture, asked.mask), sources, mask=mask)
    before, after = render(document, sources), render(changed, sources)
    assert (before == after).all(axis=2)[:, 80:].all()
    assert not (before == after).all()
    assert changed.layers[1].difference is not None


def test_a_new_shape_is_taken_where_it_is_found_again(sources: MemorySources) -> None:
    document = make_document(sources)
    seen: list[tuple[int, ...]] = []

    def rematte(picture: np.ndarray, coarse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(coarse.shape)
        alpha = np.zeros(coarse.shape, np.float32)
        alpha[40:100, 70:100] = 1
        return alpha, picture

    asked = repaint_request(document, "s", sources, grow_px=12)
    result = np.full((*EXTENT.shape, 3), 77, np.uint8)
    changed = take_repainted(document, "s", result, sources, grow_px=12, rematte=rematte)
    alone = render(changed, sources, only=["s"])
    assert seen == [EXTENT.shape]
    inside = asked.mask > 0
    wanted = np.zeros(EXTENT.shape, np.uint8)
    wanted[40:100, 70:100] = 255
    assert (alone[..., 3][inside] == wanted[inside]).all()
    assert (render(changed, sources) == render(document, sources)).all(axis=2)[~inside].all()


def test_adjusted_faded_layers_keep_what_they_are(sources: MemorySources) -> None:
    document = make_document(sources)
    faded = replace(document.layers[1], opacity=0.5, adjustments=Adjustments(hue_deg=40.0))
    document = replace(document, layers=(document.layers[0], faded, document.layers[2]))
    asked = repaint_request(document, "s", sources)
    same = take_repainted(document, "s", asked.picture, sources)
    assert same.layers[1].opacity == 0.5
    solid = asked.mask == 1
    before, after = render(document, sources).astype(int), render(same, sources).astype(int)
    assert np.abs(before - after)[solid].max() <= 3
    assert (before == after).all(axis=2)[asked.mask == 0].all()


def test_what_cannot_be_repainted_is_refused(sources: MemorySources) -> None:
    document = make_document(sources)
    with pytest.raises(InvalidRequest, match="mixed normally"):
        shadow = replace(document.layers[1], blend=BlendMode.MULTIPLY)
        repaint_request(replace(document, layers=(document.layers[0], shadow)), "s", sources)
    with pytest.raises(InvalidRequest, match="mask: got '10x10', wanted 160x120"):
        repaint_request(document, "s", sources, mask=np.ones((10, 10), np.float32))
    with pytest.raises(InvalidRequest, match="meets the visible part"):
        repaint_request(document, "s", sources, mask=np.zeros(EXTENT.shape, np.float32))
    with pytest.raises(InvalidRequest, match="picture: got '10x12'"):
        take_repainted(document, "s", np.zeros((12, 10, 3), np.uint8), sources)
    with pytest.raises(InvalidRequest, match="only holds a difference"):
        texture = replace(document.layers[1], source=None)
        repaint_request(replace(document, layers=(document.layers[0], texture)), "s", sources)
    away = replace(document.layers[1], placement=Placement(left=500.0))
    with pytest.raises(InvalidRequest, match="meets the visible part"):
        repaint_request(replace(document, layers=(document.layers[0], away)), "s", sources)


def test_boxes_count_whole_pixels(sources: MemorySources) -> None:
    mask = np.zeros(EXTENT.shape, np.float32)
    mask[60:70, 75:95] = 1
    assert repaint_request(make_document(sources), "s", sources, mask=mask).box == Box(75, 60, 20, 10)
