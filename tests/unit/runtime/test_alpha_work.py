"""A mask laid into its picture's transparency."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.runtime.alpha_work import lay_into_alpha
from modules.runtime.store import AssetStore, UnknownAsset

SIZE = (40, 30)


def encode(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_alpha_is_what_the_mask_leaves_and_colours_stay(tmp_path: Path) -> None:
    store, noise = AssetStore(tmp_path), np.random.default_rng(3)
    pixels = noise.integers(0, 256, (*SIZE[::-1], 4), np.uint8)
    soft = noise.integers(0, 256, SIZE[::-1], np.uint8)
    soft[:4], soft[4:8] = 0, 255
    picture = store.add(encode(Image.fromarray(pixels)), "a cat.webp")
    mask = store.add_picture(Image.fromarray(soft))
    made = lay_into_alpha(store, picture.id, mask.id)
    assert (made.name, made.has_alpha, made.width, made.height) == ("a cat.png", True, *SIZE)
    got = np.asarray(Image.open(store.path(made.id)))
    assert np.array_equal(got[..., :3], pixels[..., :3]) and np.array_equal(got[..., 3], 255 - soft)
    whole = np.asarray(Image.open(store.path(lay_into_alpha(store, picture.id, None).id)))
    assert np.array_equal(whole[..., :3], pixels[..., :3]) and whole[..., 3].min() == 255


def test_a_mask_of_another_size_and_a_picture_that_is_gone_are_refused(tmp_path: Path) -> None:
    store = AssetStore(tmp_path)
    picture, mask = store.add_picture(Image.new("RGB", SIZE)), store.add_picture(Image.new("L", (40, 31)))
    with pytest.raises(InvalidRequest, match="40x31.*40x30"):
        lay_into_alpha(store, picture.id, mask.id)
    with pytest.raises(UnknownAsset):
        lay_into_alpha(store, "0" * 64, None)
