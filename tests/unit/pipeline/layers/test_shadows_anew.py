"""Shadows drawn anew: where they fall, how they look, what they take the place of."""

from __future__ import annotations

import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode
from modules.imaging.layering.placement import Placement
from modules.pipeline.layers import shadows
from modules.pipeline.layers.document import Layer, LayerDocument, LayerKind
from modules.pipeline.layers.edits import apply
from modules.pipeline.layers.render import extent_of, render
from modules.pipeline.layers.shadows import ShadowStyle, recompute_shadow, relight
from modules.pipeline.layers.sources import MemorySources

EXTENT = Extent(300, 240)
CASTER = Box(130, 60, 40, 80)


@pytest.fixture
def sources() -> MemorySources:
    return MemorySources()


def make_document(sources: MemorySources, kind: LayerKind = LayerKind.SUBJECT) -> LayerDocument:
    white = sources.add_pixels(np.full((*EXTENT.shape, 4), 255, np.uint8))
    red = np.full((CASTER.height, CASTER.width, 4), 255, np.uint8)
    red[..., 1:3] = 0
    caster = Layer("c", "cup", kind, sources.add_pixels(red), placement=Placement(left=float(CASTER.x), top=float(CASTER.y)))
    return LayerDocument("d", "x", EXTENT, (Layer("b", "background", LayerKind.BACKGROUND, white), caster))


def darkness(document: LayerDocument, sources: MemorySources) -> np.ndarray:
    """(H, W): what the shadow takes of the light, 0 to 1, without the caster."""
    shown = [layer.id for layer in document.layers if layer.id != "c"]
    return 1 - render(document, sources, only=shown)[..., :3].mean(axis=2) / 255


def middle(shade: np.ndarray) -> tuple[float, float]:
    rows, columns = np.indices(shade.shape)
    return float((columns * shade).sum() / shade.sum()), float((rows * shade).sum() / shade.sum())


@pytest.mark.parametrize("style", list(ShadowStyle))
@pytest.mark.parametrize("light", [0.0, 60.0, 180.0, 225.0, 315.0])
def test_shadows_fall_away_from_the_light(sources: MemorySources, style: ShadowStyle, light: float) -> None:
    document = recompute_shadow(make_document(sources), "c", sources, light_from_deg=light, light_height_deg=40.0, style=style)
    shade = darkness(document, sources)
    x, y = middle(shade)
    stands_x, stands_y = CASTER.x + 20, CASTER.y + (80 if style is ShadowStyle.GROUND else 40)
    toward = np.sin(np.deg2rad(light)), -np.cos(np.deg2rad(light))
    if abs(toward[0]) > 0.1:
        assert (x - stands_x) * toward[0] < -0.5
    if abs(toward[1]) > 0.1:
        assert (y - stands_y) * toward[1] < -0.2
    assert document.light_from_deg == light
    assert 0.2 < shade.max() < 0.7


def test_a_subject_that_the_canvas_cuts_off_throws_its_shadow_on_what_is_behind(sources: MemorySources) -> None:
    document = make_document(sources)
    values = {"placement": {"top": float(EXTENT.height - CASTER.height)}}
    cut_off = apply(document, {"op": "set", "layer": "c", "values": values}, sources)
    shade = darkness(recompute_shadow(cut_off, "c", sources, light_from_deg=315.0), sources)
    assert shade[: EXTENT.height - 10, CASTER.x + CASTER.width + 1 :].max() > 0.2, "beside it, where one sees it"


def test_a_low_light_throws_longer_shadows(sources: MemorySources) -> None:
    reach = []
    for height in (70.0, 45.0, 25.0):
        document = recompute_shadow(make_document(sources), "c", sources, light_from_deg=330.0, light_height_deg=height)
        reach.append(middle(darkness(document, sources))[0])
    assert reach[0] + 3 < reach[1] < reach[2] - 3


def test_a_shadow_is_soft_and_softer_far_from_what_throws_it(sources: MemorySources) -> None:
    document = recompute_shadow(make_document(sources), "c", sources, light_from_deg=0.0, light_height_deg=40.0)
    shade = darkness(document, sources)
    near, far = shade[CASTER.y + CASTER.height + 3], shade[CASTER.y + CASTER.height + 40]
    slopes = [np.abs(np.diff(row)).max() / row.max() for row in (near, far)]
    assert slopes[1] < slopes[0] / 2
    assert far.max() < near.max()


def test_the_shadow_is_a_layer_below_its_caster_that_goes_along(sources: MemorySources) -> None:
    document = recompute_shadow(make_document(sources), "c", sources)
    shadow = document.layers[1]
    assert [layer.name for layer in document.layers] == ["background", "shadow of cup", "cup"]
    assert (shadow.kind, shadow.blend, shadow.follows) == (LayerKind.SHADOW, BlendMode.MULTIPLY, "c")
    moved = apply(document, {"op": "set", "layer": "c", "values": {"placement": {"left": 100.0}}}, sources)
    assert moved.layers[1].placement.left == shadow.placement.left - 30
    again = recompute_shadow(moved, "c", sources)
    assert (again.layers[1].source, again.layers[1].placement) == (shadow.source, moved.layers[1].placement)
    assert recompute_shadow(moved, shadow.id, sources) == again


def test_an_old_shadow_gives_its_darkness_and_goes_with_its_difference(sources: MemorySources) -> None:
    plain = make_document(sources)
    old = np.zeros((30, 60, 4), np.uint8)
    old[...] = (40, 80, 120, 255)
    difference = sources.add_difference(np.full(old.shape, 2, np.int16))
    place, follows = Placement(left=100.0, top=150.0), "c"
    first = Layer("s1", "shade", LayerKind.SHADOW, sources.add_pixels(old), difference, placement=place, follows=follows, confidence=0.7)
    second = replace(first, id="s2", name="more shade")
    document = replace(plain, layers=(plain.layers[0], first, second, plain.layers[1]))
    changed = recompute_shadow(document, "c", sources, softness=0.0, light_from_deg=0.0)
    assert [layer.name for layer in changed.layers] == ["background", "shade", "cup"]
    assert changed.layers[1].difference is None
    darkest = render(changed, sources, only=["b", "s1"])[..., :3].reshape(-1, 3).min(axis=0).astype(int)
    assert list(darkest) == pytest.approx([40, 80, 120], abs=8)


def test_nothing_changes_outside_the_old_and_the_new_shadow(sources: MemorySources) -> None:
    document = recompute_shadow(make_document(sources), "c", sources)
    changed = relight(document, sources, light_from_deg=100.0)
    touched = np.zeros(EXTENT.shape, bool)
    for one in (document, changed):
        left, top, right, bottom = extent_of(one.layers[1], one).edges
        touched[top:bottom, left:right] = True
    before, after = render(document, sources), render(changed, sources)
    assert (before == after).all(axis=2)[~touched].all()
    assert not (before == after).all()
    assert not touched.all()


def test_turned_and_scaled_casters_and_locked_canvases(sources: MemorySources) -> None:
    document = make_document(sources, LayerKind.TEXT)
    turned = replace(document.layers[1], placement=Placement(130.0, 60.0, 1.5, 0.5, 90.0))
    floating = recompute_shadow(replace(document, layers=(document.layers[0], turned)), "c", sources, light_from_deg=0.0)
    shade = darkness(floating, sources)
    rows, columns = np.nonzero(shade > shade.max() / 2)
    assert np.ptp(columns) == pytest.approx(40, abs=4)  # 80 * 0.5, turned
    assert np.ptp(rows) == pytest.approx(60, abs=4)
    locked = recompute_shadow(replace(document, is_canvas_locked=True), "c", sources)
    whole = locked.layers[1]
    assert whole.source is not None
    assert (whole.source.extent, whole.placement) == (EXTENT, Placement())


@pytest.mark.parametrize("sigma", [12.0, 21.0, 47.5])
def test_wide_blurs_are_made_small_and_look_the_same(sigma: float) -> None:
    shape = np.zeros((400, 501), np.float32)
    shape[120:260, 200:330] = 1
    wanted = cv2.GaussianBlur(shape, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    assert np.abs(shadows._soften(shape, sigma) - wanted).max() < 0.02


def test_a_shadow_of_a_tall_caster_takes_no_minutes(sources: MemorySources) -> None:
    document = make_document(sources)
    tall = replace(document.layers[1], placement=Placement(left=300.0, top=200.0, scale_x=10.0, scale_y=12.0))
    document = replace(document, extent=Extent(700, 600), layers=(document.layers[0], tall))
    begun_s = time.process_time()
    recompute_shadow(document, "c", sources, light_height_deg=5.0, softness=5.0)
    assert time.process_time() - begun_s < 15  # it was 20 s where this now takes one


def test_what_throws_no_shadow_is_refused(sources: MemorySources) -> None:
    document = make_document(sources)
    empty = replace(document.layers[1], source=sources.add_pixels(np.zeros((4, 4, 4), np.uint8)))
    with pytest.raises(InvalidRequest, match="something is visible"):
        recompute_shadow(replace(document, layers=(empty,)), "c", sources)
    with pytest.raises(InvalidRequest, match="light_height_deg"):
        recompute_shadow(document, "c", sources, light_height_deg=100.0)
    with pytest.raises(InvalidRequest, match="softness"):
        recompute_shadow(document, "c", sources, softness=9.0)
    shaded = recompute_shadow(document, "c", sources)
    held = replace(shaded, layers=tuple(replace(layer, is_locked=layer.kind is LayerKind.SHADOW) for layer in shaded.layers))
    with pytest.raises(InvalidRequest, match="not locked"):
        recompute_shadow(held, "c", sources)
    assert relight(held, sources, light_from_deg=10.0).layers == held.layers
