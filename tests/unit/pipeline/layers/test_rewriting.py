"""Rewriting, recolouring, replacing and enlarging one layer."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Extent
from modules.imaging.layering.placement import Placement
from modules.imaging.layering.placing import place
from modules.pipeline.layers.document import Layer, LayerDocument, LayerKind, TextAttributes
from modules.pipeline.layers.edits import apply
from modules.pipeline.layers.enlarging import enlarge, sharpen_texts, wanted_factor
from modules.pipeline.layers.fonts import FontCatalog
from modules.pipeline.layers.render import extent_of, render
from modules.pipeline.layers.rewriting import add_text, recolour_text, replace_picture, rewrite_text
from modules.pipeline.layers.sources import MemorySources
from modules.pipeline.layers.typesetting import measure_line, typeset

EXTENT = Extent(400, 200)
TURN = 12.0


@pytest.fixture
def sources() -> MemorySources:
    return MemorySources()


def make_document(sources: MemorySources, fonts: FontCatalog, angle: float = 0.0) -> LayerDocument:
    """A noise picture with a lifted line "SALE" on it, and a difference that belongs to the line."""
    noise = np.random.default_rng(0).integers(0, 256, (200, 400, 4), np.uint8)
    noise[..., 3] = 255
    done = typeset(TextAttributes("SALE", "Latin Sans", 60, "#ff0000"), fonts)
    box, pixels = place(done.pixels, Placement(left=90.0, top=60.0, rotation_deg=angle), EXTENT)
    difference = sources.add_difference(np.full(pixels.shape, 3, np.int16))
    placement = Placement(left=float(box.x), top=float(box.y))
    text = TextAttributes("SALE", size_px=48, color="#ff0000", angle_deg=angle)
    line = Layer("t", "text: SALE", LayerKind.TEXT, sources.add_pixels(pixels.copy()), difference, placement=placement, text=text)
    return LayerDocument("d", "poster", EXTENT, (Layer("b", "background", LayerKind.BACKGROUND, sources.add_pixels(noise)), line))


def shown_alpha(document: LayerDocument, sources: MemorySources) -> np.ndarray:
    return render(document, sources, only=["t"])[..., 3]


@pytest.mark.parametrize("angle", [0.0, -TURN, TURN])
def test_the_same_words_set_anew_lie_on_the_lifted_ones(fonts: FontCatalog, sources: MemorySources, angle: float) -> None:
    document = make_document(sources, fonts, angle)
    changed = rewrite_text(document, "t", {"font": "Latin Sans"}, sources, fonts)
    line = changed.layers[1]
    assert line.text is not None
    assert (line.text.is_typeset, line.text.angle_deg, line.placement.rotation_deg, line.difference) == (True, 0.0, angle, None)
    assert line.text.size_px == pytest.approx(60, rel=0.03)
    before, after = shown_alpha(document, sources) / 255, shown_alpha(changed, sources) / 255
    assert np.minimum(before, after).sum() / np.maximum(before, after).sum() > 0.9


@pytest.mark.parametrize("angle", [0.0, TURN])
def test_other_words_begin_where_the_old_ones_did(fonts: FontCatalog, sources: MemorySources, angle: float) -> None:
    document = make_document(sources, fonts, angle)
    changed = rewrite_text(document, "t", {"string": "NE", "color": "#00ff00"}, sources, fonts)
    old, new = measure_line(shown_alpha(document, sources), angle), measure_line(shown_alpha(changed, sources), angle)
    turn = np.deg2rad(angle)
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-along[1], along[0]])
    assert np.dot(new.middle, across) == pytest.approx(np.dot(old.middle, across), abs=1.0)
    begin_old, begin_new = (np.dot(line.middle, along) - line.width / 2 for line in (old, new))
    assert begin_new == pytest.approx(begin_old, abs=1.5)
    assert changed.layers[0] is document.layers[0]
    again = rewrite_text(changed, "t", {"string": "SALE"}, sources, fonts)
    back = measure_line(shown_alpha(again, sources), angle)
    assert back.middle == pytest.approx(old.middle, abs=1.5)


def test_nothing_changes_outside_the_old_and_the_new_line(fonts: FontCatalog, sources: MemorySources) -> None:
    document = make_document(sources, fonts, TURN)
    changed = rewrite_text(document, "t", {"string": "新品 2%"}, sources, fonts)
    touched = np.zeros(EXTENT.shape, bool)
    for one in (document, changed):
        left, top, right, bottom = extent_of(one.layers[1], one).edges
        touched[top:bottom, left:right] = True
    before, after = render(document, sources), render(changed, sources)
    assert (before == after).all(axis=2)[~touched].all()
    assert not (before == after).all()


def test_set_text_is_changed_value_by_value(fonts: FontCatalog, sources: MemorySources) -> None:
    document = rewrite_text(make_document(sources, fonts), "t", {"font": "Latin Sans"}, sources, fonts)
    document = apply(document, {"op": "set", "layer": "t", "values": {"placement": {"scale_x": 2.0, "scale_y": 2.0}}}, sources)
    changed = rewrite_text(document, "t", {"alignment": "right", "angle_deg": 30}, sources, fonts).layers[1]
    assert changed.text is not None and changed.source is not None
    assert (changed.text.string, changed.text.alignment) == ("SALE", "right")
    assert (changed.placement.rotation_deg, changed.placement.scale_x, changed.source.density) == (30.0, 2.0, 2.0)


@pytest.mark.parametrize(("name", "later"), [("text: SALE", "text: NEW"), ("text: SALE copy 2", "text: NEW"), ("headline", "headline")])
def test_a_layer_named_after_its_words_is_renamed_with_them(fonts: FontCatalog, sources: MemorySources, name: str, later: str) -> None:
    document = apply(make_document(sources, fonts), {"op": "set", "layer": "t", "values": {"name": name}}, sources)
    resized = rewrite_text(document, "t", {"font": "Latin Sans", "size_px": 30.0}, sources, fonts)
    assert resized.layers[1].name == name
    assert rewrite_text(resized, "t", {"string": "NEW"}, sources, fonts).layers[1].name == later


def test_a_line_that_runs_down_is_rewritten_so(fonts: FontCatalog, sources: MemorySources) -> None:
    document = make_document(sources, fonts)
    done = typeset(TextAttributes("新\n品", "Han Sans SC", 60, "#ff0000"), fonts)
    lifted = replace(document.layers[1], source=sources.add_pixels(done.pixels), difference=None, text=TextAttributes("新品"))
    changed = rewrite_text(replace(document, layers=(lifted,)), "t", {"string": "上市"}, sources, fonts).layers[0]
    assert changed.text is not None
    assert changed.text.string == "上\n市"
    assert changed.text.size_px == pytest.approx(60, rel=0.02)


def test_lifted_ink_is_recoloured_and_keeps_its_shape(fonts: FontCatalog, sources: MemorySources) -> None:
    document = make_document(sources, fonts, TURN)
    changed = recolour_text(document, "t", "#0080ff", sources, fonts)
    line = changed.layers[1]
    assert line.source is not None and line.text is not None
    pixels = sources.pixels(line.source)
    assert (pixels[pixels[..., 3] > 0][:, :3] == (0, 0x80, 0xFF)).all()
    assert (pixels[..., 3] == sources.pixels(document.layers[1].source)[..., 3]).all()  # type: ignore[arg-type]
    assert (line.text.color, line.text.is_typeset, line.difference) == ("#0080ff", False, None)


def test_an_outlined_line_is_set_with_its_outline(fonts: FontCatalog, sources: MemorySources) -> None:
    done = typeset(TextAttributes("SALE", "Latin Sans", 60, "#ffffff"), fonts)
    pixels = np.pad(done.pixels, ((8, 8), (8, 8), (0, 0)))
    outer = cv2.dilate(pixels[..., 3], cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    pixels[..., :3] = np.where(pixels[..., 3:] > 128, (255, 240, 0), (0, 0, 160))
    pixels[..., 3] = outer
    lifted = Layer("t", "text", LayerKind.TEXT, sources.add_pixels(pixels), placement=Placement(50, 50), text=TextAttributes("SALE"))
    document = LayerDocument("d", "x", EXTENT, (lifted,))
    line = rewrite_text(document, "t", {"string": "NEW"}, sources, fonts).layers[0]
    assert line.text is not None and line.effects.stroke is not None
    assert (line.text.color, line.effects.stroke.color) == ("#fff000", "#0000a0")
    assert line.text.size_px == pytest.approx(60, rel=0.03)
    assert abs(line.text.tracking_px) < 1
    assert line.effects.stroke.width_px == pytest.approx(3, abs=0.5)


def test_a_new_text_stands_where_it_was_asked_for(fonts: FontCatalog, sources: MemorySources) -> None:
    document = make_document(sources, fonts)
    layer = Layer("n", "new", LayerKind.TEXT, None)
    changed = add_text(document, layer, {"string": "AA", "font": "Latin Sans", "size_px": 50}, (100.0, 150.0), sources, fonts)
    rows, columns = np.nonzero(render(changed, sources, only=["n"])[..., 3] > 128)
    assert (columns.min(), rows.max()) == (pytest.approx(102, abs=1), pytest.approx(149, abs=1))


def test_a_replaced_picture_is_fitted_to_the_old_box(fonts: FontCatalog, sources: MemorySources) -> None:
    document = make_document(sources, fonts)
    old = extent_of(document.layers[1], document)
    changed = replace_picture(document, "t", np.full((500, 500, 4), 255, np.uint8), sources)
    new = extent_of(changed.layers[1], changed)
    assert abs(new.height - old.height) <= 4
    assert abs((new.x + new.width / 2) - (old.x + old.width / 2)) <= 2
    assert changed.layers[1].text is None


def test_what_cannot_be_rewritten_is_refused(fonts: FontCatalog, sources: MemorySources) -> None:
    document = make_document(sources, fonts)
    with pytest.raises(InvalidRequest, match="a layer with text"):
        rewrite_text(document, "b", {"string": "x"}, sources, fonts)
    with pytest.raises(InvalidRequest, match="text: got 'weight'"):
        rewrite_text(document, "t", {"weight": 3}, sources, fonts)
    with pytest.raises(InvalidRequest, match=r"text\.size_px"):
        rewrite_text(document, "t", {"size_px": "big"}, sources, fonts)
    with pytest.raises(InvalidRequest, match="layer: got 'zz'"):
        rewrite_text(document, "zz", {}, sources, fonts)
    locked = replace(document, layers=(document.layers[0], replace(document.layers[1], is_locked=True)))
    for change in (
        lambda: rewrite_text(locked, "t", {"string": "x"}, sources, fonts),
        lambda: recolour_text(locked, "t", "#000000", sources, fonts),
        lambda: replace_picture(locked, "t", np.zeros((2, 2, 4), np.uint8), sources),
        lambda: enlarge(locked, "t", sources, fonts, double),
    ):
        with pytest.raises(InvalidRequest, match="not locked"):
            change()


def double(image: Image.Image, factor: float) -> Image.Image:
    """An upscaler that always gives twice the size, and colours everything a little."""
    return image.resize((image.width * 2, image.height * 2), Image.Resampling.NEAREST)


def scaled(document: LayerDocument, layer: str, scale: float, sources: MemorySources) -> LayerDocument:
    return apply(document, {"op": "set", "layer": layer, "values": {"placement": {"scale_x": scale, "scale_y": scale}}}, sources)


def test_an_enlarged_text_is_set_again_and_scaling_back_shows_the_old_bytes(fonts: FontCatalog, sources: MemorySources) -> None:
    document = rewrite_text(make_document(sources, fonts), "t", {"font": "Latin Sans"}, sources, fonts)
    large = scaled(document, "t", 2.5, sources)
    assert wanted_factor(large.layers[1]) == 3
    sharp = sharpen_texts(large, sources, fonts)
    assert sharp == enlarge(large, "t", sources, fonts, double)
    line = sharp.layers[1]
    assert line.enlarged is not None and line.source is not None and line.text is not None
    assert line.enlarged.extent == Extent(3 * line.source.extent.width, 3 * line.source.extent.height)
    assert (sources.pixels(line.enlarged) == typeset(line.text, fonts, density=3).pixels).all()
    assert sharpen_texts(sharp, sources, fonts) is sharp
    assert (render(scaled(sharp, "t", 1.0, sources), sources) == render(document, sources)).all()
    assert sharpen_texts(large, sources, FontCatalog({})) is large  # the font has gone: the old pixels are better
    edge = shown_alpha(sharp, sources)
    soft = shown_alpha(large, sources)
    assert ((edge > 20) & (edge < 235)).sum() < ((soft > 20) & (soft < 235)).sum()


def test_an_enlarged_picture_goes_through_the_upscaler_and_keeps_its_outline(fonts: FontCatalog, sources: MemorySources) -> None:
    document = scaled(make_document(sources, fonts), "t", 2.5, sources)
    line = enlarge(document, "t", sources, fonts, double).layers[1]
    assert line.source is not None and line.enlarged is not None
    assert (line.enlarged.density, line.enlarged.extent.width) == (3.0, 3 * line.source.extent.width)
    pixels = sources.pixels(line.enlarged)
    assert (pixels[pixels[..., 3] > 0][:, :3] == (255, 0, 0)).all()
    share = (pixels[..., 3] / 255).mean()
    assert share == pytest.approx((sources.pixels(line.source)[..., 3] / 255).mean(), rel=0.02)


def test_what_has_its_pixels_is_not_enlarged(fonts: FontCatalog, sources: MemorySources) -> None:
    with pytest.raises(InvalidRequest, match="scaled beyond its own pixels"):
        enlarge(make_document(sources, fonts), "t", sources, fonts, double)
    with pytest.raises(InvalidRequest, match="at most 16 times"):
        enlarge(scaled(make_document(sources, fonts), "t", 40.0, sources), "t", sources, fonts, double)
