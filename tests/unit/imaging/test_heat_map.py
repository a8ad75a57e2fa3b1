from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from modules.imaging.heat_map import Change, draw_heat_map, measure_changes


@pytest.fixture
def before() -> Image.Image:
    return Image.new("RGB", (90, 60), (100, 110, 120))


@pytest.fixture
def mask() -> Image.Image:
    mask = Image.new("L", (90, 60))
    mask.paste(255, (30, 20, 60, 40))
    return mask


def test_changes_are_counted_inside_and_outside(before: Image.Image, mask: Image.Image) -> None:
    after = before.copy()
    after.paste((106, 110, 120), (30, 20, 40, 40))
    changes = measure_changes(before, after, mask)
    assert changes.outside == Change(0, 90 * 60 - 600, 0, 0.0)
    assert (changes.inside.pixels, changes.inside.of_pixels, changes.inside.largest) == (200, 600, 6)
    assert changes.inside.mean == pytest.approx(6 / 3 * 200 / 600)
    after.putpixel((2, 3), (100, 110, 121))
    assert measure_changes(before, after, mask).outside.pixels == 1


def test_without_a_mask_everything_is_inside(before: Image.Image) -> None:
    changes = measure_changes(before, Image.new("RGB", before.size), None)
    assert changes.inside.pixels == changes.inside.of_pixels == 90 * 60
    assert changes.outside == Change()


def test_a_change_of_alpha_alone_counts(before: Image.Image, mask: Image.Image) -> None:
    one = before.convert("RGBA")
    two = one.copy()
    two.putalpha(254)
    assert measure_changes(one, two, mask).outside.largest == 1


def test_the_map_is_clear_where_nothing_changed_and_hotter_where_more_did(before: Image.Image, mask: Image.Image) -> None:
    after = before.copy()
    after.paste((104, 110, 120), (35, 25, 40, 35))
    after.paste((255, 0, 120), (45, 25, 50, 35))
    after.putpixel((80, 5), (100, 111, 120))
    drawn = np.asarray(draw_heat_map(before, after, mask))
    assert drawn[5, 5, 3] == 0 and drawn[30, 42, 3] == 0
    assert 0 < drawn[5, 80, 3] <= drawn[30, 37, 3] < drawn[30, 47, 3]
    assert drawn[30, 47, :3].sum() > drawn[30, 37, :3].sum()
    assert drawn[20, 30:60, 3].min() > 0  # the rim


def test_no_change_is_lost_in_a_smaller_map(before: Image.Image) -> None:
    large = before.resize((4001, 101))
    after = large.copy()
    after.putpixel((4000, 100), (101, 110, 120))
    drawn = draw_heat_map(large, after, None, max_side_px=500)
    assert max(drawn.size) <= 500
    assert np.count_nonzero(np.asarray(drawn)[..., 3]) == 1


def test_pictures_of_different_sizes_are_refused(before: Image.Image) -> None:
    with pytest.raises(ValueError, match="sizes differ"):
        measure_changes(before, before.resize((8, 8)), None)
    with pytest.raises(ValueError, match="sizes differ"):
        draw_heat_map(before, before, Image.new("L", (8, 8)))
