from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from modules.imaging.sketches import lay_sketch, split_sketch


def test_half_transparent_paint_is_mixed() -> None:
    result = lay_sketch(Image.new("RGB", (4, 4), (0, 0, 0)), Image.new("RGBA", (4, 4), (200, 100, 0, 128)))
    assert np.abs(np.asarray(result)[0, 0] - np.array([100, 50, 0])).max() <= 1


def test_paint_in_the_colour_of_the_picture_masks_nothing() -> None:
    picture = Image.new("RGB", (9, 9), (10, 20, 30))
    start, mask = split_sketch(picture, Image.new("RGBA", (9, 9), (10, 20, 30, 255)), 0, 4)
    assert mask.getbbox() is None
    assert np.array_equal(start, picture)


def test_a_layer_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="4x4"):
        lay_sketch(Image.new("RGB", (5, 5)), Image.new("RGBA", (4, 4)))
