"""The request as scripts use it."""

from __future__ import annotations

import copy

from modules.pipeline.processing import Img2ImgProcessing


def test_blur_of_both_axes_at_once_and_of_each() -> None:
    assert Img2ImgProcessing(mask_blur_x=3, mask_blur_y=9).mask_blur is None
    p = Img2ImgProcessing(mask_blur_x=3, mask_blur_y=9, mask_blur=8)
    assert (p.mask_blur_x, p.mask_blur_y, p.mask_blur) == (8, 8, 8)
    p.mask_blur_x = 16
    assert p.mask_blur is None and copy.copy(p).mask_blur_x == 16
    p.mask_blur = 0
    assert (p.mask_blur_x, p.mask_blur_y) == (0, 0)
