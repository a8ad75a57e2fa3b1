from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from modules.pipeline.processing import Img2ImgProcessing
from modules.pipeline.start_canvas import find_start
from modules.settings.options import Options
from tests.unit.pipeline.conftest import Run


@pytest.mark.parametrize("is_only_masked", [True, False])
@pytest.mark.parametrize("resize_mode", [0, 1, 2])
def test_results_equal_the_canvas_wherever_the_mask_is_0(
    run: Run, photo: Image.Image, mask: Image.Image, is_only_masked: bool, resize_mode: int
) -> None:
    asked = {"image_mask": mask, "inpaint_full_res": is_only_masked, "resize_mode": resize_mode, "width": 64, "height": 96}
    processed, _ = run(**asked)
    request = Img2ImgProcessing(init_images=[photo], **asked)
    start = find_start(request, Options())
    result = processed.images[0]
    assert start.mask is not None and start.canvas.size == start.mask.size == result.size
    is_kept = np.asarray(start.mask) == 0
    assert is_kept.any()
    assert np.array_equal(np.asarray(start.canvas)[is_kept], np.asarray(result)[is_kept])


def test_without_a_mask_there_is_a_canvas_alone(photo: Image.Image) -> None:
    start = find_start(Img2ImgProcessing(init_images=[photo], width=64, height=64), Options())
    assert start.mask is None and start.canvas.size == (64, 64)


def test_a_transparent_picture_lies_on_the_background_of_the_request() -> None:
    clear = Image.new("RGBA", (64, 64))
    request = Img2ImgProcessing(init_images=[clear], width=64, height=64, override_settings={"img2img_background_color": "#102030"})
    assert find_start(request, Options()).canvas.getpixel((5, 5)) == (16, 32, 48)
