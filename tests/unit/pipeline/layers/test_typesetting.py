"""Setting text: where ink lies, which font lends what, several lines, densities, and fitting to a lifted line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from modules.base.errors import InvalidRequest
from modules.pipeline.layers.document import TextAttributes
from modules.pipeline.layers.fonts import INSTALLED, FontCatalog
from modules.pipeline.layers.typesetting import LINE_HEIGHT_EM, fit_to_line, is_stacked, measure_line, stack, typeset
from tests.unit.pipeline.layers.drawn_fonts import ADVANCE, EM, HEIGHT, WIDTH, draw_font

SIZE = 100.0
TEXT = TextAttributes("A", "Latin Sans", SIZE, "#102030")


def ink_box(text: TextAttributes, fonts: FontCatalog) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the ink from the anchor, px; coverage at the rim counted."""
    done = typeset(text, fonts)
    rows, columns = done.pixels[..., 3].max(axis=1) / 255, done.pixels[..., 3].max(axis=0) / 255
    left, top = np.argmax(columns > 0), np.argmax(rows > 0)
    right, bottom = len(columns) - np.argmax(columns[::-1] > 0), len(rows) - np.argmax(rows[::-1] > 0)
    x, y = done.anchor
    return (
        left + 1 - columns[left] - x,
        top + 1 - rows[top] - y,
        right - 1 + columns[right - 1] - x,
        bottom - 1 + rows[bottom - 1] - y,
    )


@pytest.mark.parametrize("size", [18.0, 33.3, 100.0, 160.0])
def test_a_character_lies_where_its_font_says(fonts: FontCatalog, size: float) -> None:
    box = ink_box(replace(TEXT, size_px=size), fonts)
    assert box == pytest.approx((0.05 * size, -HEIGHT / EM * size, (50 + WIDTH) / EM * size, 0), abs=0.1)


@pytest.mark.parametrize(("alignment", "start"), [("left", 0.0), ("center", -0.5), ("right", -1.0)])
def test_lines_are_aligned_and_tracked(fonts: FontCatalog, alignment: str, start: float) -> None:
    text = replace(TEXT, string="AB\nABCD", alignment=alignment, tracking_px=10.0)
    left, top, right, bottom = ink_box(text, fonts)
    width = 4 * ADVANCE / EM * SIZE + 30
    assert left == pytest.approx(start * width + 5, abs=0.2)
    assert right == pytest.approx(start * width + width - 5, abs=0.2)
    assert top == pytest.approx(-70, abs=0.2)
    assert bottom == pytest.approx(LINE_HEIGHT_EM * SIZE, abs=0.2)


def test_other_fonts_lend_what_one_lacks_and_it_is_said(fonts: FontCatalog) -> None:
    done = typeset(replace(TEXT, string="A新品☃"), fonts)
    assert done.text.notes == ("font-lacks: 新品 -> Han Sans SC", "font-none: ☃")
    assert (done.text.font, done.text.is_typeset, done.text.angle_deg) == ("Latin Sans", True, 0.0)
    assert (done.pixels[..., :3] == (0x10, 0x20, 0x30)).all()


def test_a_missing_font_is_stood_in_for(fonts: FontCatalog) -> None:
    assert typeset(replace(TEXT, font="Nobody"), fonts).text.notes == ("font-stands-in: Nobody -> Han Sans SC",)


def test_the_same_text_is_the_same_picture_and_more_pixels_are_the_same_shape(fonts: FontCatalog) -> None:
    text = replace(TEXT, string="SALE 50%\n新品", size_px=41.7, tracking_px=1.3, alignment="center")
    one, again, three = typeset(text, fonts), typeset(text, fonts), typeset(text, fonts, density=3)
    assert (one.pixels == again.pixels).all()
    assert three.pixels.shape[:2] == (one.pixels.shape[0] * 3, one.pixels.shape[1] * 3)
    assert three.anchor == tuple(3 * at for at in one.anchor)
    shrunk = cv2.resize(three.pixels[..., 3], None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(int) - one.pixels[..., 3]).mean() < 1.5


def test_edges_are_smooth(fonts: FontCatalog) -> None:
    alpha = typeset(replace(TEXT, size_px=33.3), fonts).pixels[..., 3]
    assert len(np.unique(alpha)) > 4


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"string": " \n "}, "string"),
        ({"string": "A\x07"}, "string"),
        ({"string": "A" * 6000}, "string"),
        ({"size_px": float("nan")}, "size_px"),
        ({"size_px": 0.0}, "size_px"),
        ({"size_px": 3999.0, "string": "A" * 4000}, "size_px"),
        ({"tracking_px": 5000.0}, "tracking_px"),
        ({"color": "red"}, "color"),
        ({"alignment": "justify"}, "alignment"),
    ],
)
def test_what_cannot_be_set_is_refused(fonts: FontCatalog, values: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{field}: got"):
        typeset(replace(TEXT, **values), fonts)  # type: ignore[arg-type]


@pytest.mark.parametrize("angle", [0.0, -12.0, 20.0])
def test_a_line_is_measured_upright(fonts: FontCatalog, angle: float) -> None:
    done = typeset(replace(TEXT, string="SALE"), fonts)
    upright = measure_line(done.pixels[..., 3], 0)
    height, width = done.pixels.shape[:2]
    side = 2 * max(height, width)
    turn = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), -angle, 1.0)
    turn[:, 2] += (side / 2 - width / 2, side / 2 - height / 2)
    turned = measure_line(cv2.warpAffine(done.pixels[..., 3], turn, (side, side)), angle)
    assert (turned.width, turned.height) == pytest.approx((upright.width, upright.height), abs=0.8)
    away = np.array(upright.middle) - (width / 2, height / 2)
    angle_rad = np.deg2rad(angle)
    expected = side / 2 + np.array([[np.cos(angle_rad), -np.sin(angle_rad)], [np.sin(angle_rad), np.cos(angle_rad)]]) @ away
    assert turned.middle == pytest.approx(tuple(expected), abs=0.8)


@pytest.mark.parametrize(("size", "tracking"), [(24.0, 0.0), (61.0, 4.0), (120.0, -3.0)])
def test_size_and_tracking_of_a_line_are_found_again(fonts: FontCatalog, size: float, tracking: float) -> None:
    known = replace(TEXT, string="SALE", size_px=size, tracking_px=tracking)
    found = fit_to_line("SALE", measure_line(typeset(known, fonts).pixels[..., 3], 0), fonts, font="Latin Sans")
    assert found.size_px == pytest.approx(size, rel=0.01)
    assert found.tracking_px == pytest.approx(tracking, abs=0.35)


def test_a_line_without_ink_cannot_be_measured() -> None:
    with pytest.raises(InvalidRequest, match="visible strokes"):
        measure_line(np.zeros((5, 5), np.uint8), 10.0)


def test_lines_that_run_down(fonts: FontCatalog) -> None:
    assert stack("新 品") == "新\n品"
    assert is_stacked("新\n品")
    assert not is_stacked("新品")
    known = replace(TEXT, string="新\n品", size_px=50.0)
    found = fit_to_line("新\n品", measure_line(typeset(known, fonts).pixels[..., 3], 0), fonts)
    assert found.size_px == pytest.approx(50, rel=0.02)


def test_where_fonts_are_alike_a_monospaced_one_comes_last(tmp_path: Path) -> None:
    (tmp_path / "fonts").mkdir()
    for family in ("Aaa Mono", "Zzz Sans"):
        (tmp_path / "fonts" / f"{family}.ttf").write_bytes(draw_font(family, "SALE"))
    alike = FontCatalog({INSTALLED: (tmp_path / "fonts",)}, tmp_path / "fonts.json")
    lifted = typeset(TextAttributes("SALE", font="Aaa Mono", size_px=60), alike).pixels[..., 3]
    assert fit_to_line("SALE", measure_line(lifted, 0), alike).font == "Zzz Sans"
    assert fit_to_line("SALE", measure_line(lifted, 0), alike, font="Aaa Mono").font == "Aaa Mono"
