from __future__ import annotations

import numpy as np
from PIL import Image

from modules.imaging.picture import Picture
from modules.web.ui.canvas import CANVAS_PX, canvas_value, painted_mask


def stroke(size: tuple[int, int], box: tuple[int, int, int, int], alpha: int) -> Image.Image:
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    layer.paste((255, 255, 255, alpha), box)
    return layer


def test_paint_of_all_layers_is_the_mask() -> None:
    layers = [stroke((40, 30), (0, 0, 10, 10), 178), stroke((40, 30), (20, 20, 30, 30), 255)]
    mask = painted_mask({"background": None, "layers": layers, "composite": None}, (40, 30))
    assert mask is not None and mask.mode == "L"
    assert np.asarray(mask).sum() == 200 * 255


def test_what_cannot_be_seen_is_no_mask() -> None:
    assert painted_mask({"layers": [stroke((40, 30), (0, 0, 10, 10), 20)]}, (40, 30)) is None
    assert painted_mask({"layers": []}, (40, 30)) is None
    assert painted_mask(None, (40, 30)) is None


def test_the_mask_has_the_size_of_the_picture() -> None:
    mask = painted_mask({"layers": [stroke((40, 30), (0, 0, 20, 30), 178)]}, (400, 300))
    assert mask is not None and mask.size == (400, 300)
    assert abs(np.asarray(mask).mean() / 255 - 0.5) < 0.02


def test_transparency_is_painted_on_the_canvas_and_comes_back_as_mask() -> None:
    image = Image.new("RGBA", (64, 48), (200, 10, 10, 255))
    image.paste((5, 6, 7, 0), (8, 8, 24, 24))
    value = canvas_value(Picture(image))
    assert value["background"].mode == "RGB" and len(value["layers"]) == 1
    mask = painted_mask(value, image.size)
    assert mask is not None and mask.getbbox() == (8, 8, 24, 24)


def test_a_large_picture_is_shown_smaller() -> None:
    value = canvas_value(Picture(Image.new("RGB", (3000, 1500))))
    assert value["background"].size == (CANVAS_PX, CANVAS_PX // 2) and value["layers"] == []
