from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.imaging.masks import blur_mask
from modules.pipeline.modes import Mode
from modules.runtime.comparison import Comparer
from modules.runtime.recipe import Recipe
from modules.runtime.store import AssetStore, UnknownAsset
from modules.settings.options import Options


@pytest.fixture
def store(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path)


@pytest.fixture
def comparer(store: AssetStore) -> Comparer:
    return Comparer(store, Options)


@pytest.fixture
def photo() -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (96, 128, 3), dtype=np.uint8))


@pytest.fixture
def mask(photo: Image.Image) -> Image.Image:
    mask = Image.new("L", photo.size)
    mask.paste(255, (40, 30, 90, 70))
    return mask


def recipe_for(store: AssetStore, photo: Image.Image, mask: Image.Image | None, **fields: Any) -> Recipe:
    ids = store.add_picture(photo).id, None if mask is None else store.add_picture(mask).id
    return Recipe(Mode.IMG2IMG if mask is None else Mode.INPAINT, {"width": 64, "height": 64, **fields}, *ids)


def test_a_result_is_compared_with_the_picture_that_was_opened(
    store: AssetStore, comparer: Comparer, photo: Image.Image, mask: Image.Image
) -> None:
    recipe, blurred = recipe_for(store, photo, mask, inpaint_full_res=True), blur_mask(mask, 4, 4)
    result = store.add_picture(Image.composite(Image.new("RGB", photo.size, "teal"), photo, blurred)).id
    found = comparer.compare(recipe, result)
    assert found is not None and (found.start, found.result, found.width, found.height) == (recipe.picture, result, 128, 96)
    assert np.array_equal(np.asarray(store.mask(found.mask or "")), np.asarray(blurred))
    assert found.changes.outside.pixels == 0 and found.changes.inside.pixels > 2000
    assert found.seam is not None and found.seam > 0
    assert comparer.compare(recipe, result) is found


def test_a_canvas_of_another_size_is_kept_too(store: AssetStore, comparer: Comparer, photo: Image.Image, mask: Image.Image) -> None:
    recipe = recipe_for(store, photo, mask, inpaint_full_res=False)
    found = comparer.compare(recipe, store.add_picture(photo.resize((64, 64))).id)
    assert found is not None and found.start != recipe.picture and store.open(found.start).image.size == (64, 64)


def test_a_pixel_outside_is_told(store: AssetStore, comparer: Comparer, photo: Image.Image, mask: Image.Image) -> None:
    result = photo.copy()
    result.putpixel((0, 0), (1, 2, 3))
    found = comparer.compare(recipe_for(store, photo, mask), store.add_picture(result).id)
    assert found is not None and found.changes.outside.pixels == 1


def test_without_a_mask_there_is_no_outside_and_no_seam(store: AssetStore, comparer: Comparer, photo: Image.Image) -> None:
    found = comparer.compare(recipe_for(store, photo, None), store.add_picture(photo.resize((64, 64))).id)
    assert found is not None and (found.mask, found.seam, found.changes.outside.of_pixels) == (None, None, 0)


def test_results_of_another_size_are_not_compared(store: AssetStore, comparer: Comparer, photo: Image.Image, mask: Image.Image) -> None:
    assert comparer.compare(recipe_for(store, photo, mask), store.add_picture(photo.resize((256, 96))).id) is None


def test_a_heat_map_lies_over_the_result(store: AssetStore, comparer: Comparer, photo: Image.Image, mask: Image.Image) -> None:
    result = Image.composite(Image.new("RGB", photo.size, "teal"), photo, mask)
    start, after, where = (store.add_picture(image).id for image in (photo, result, mask))
    drawn = Image.open(io.BytesIO(comparer.heat_map(start, after, where)))
    assert drawn.size == photo.size and drawn.mode == "RGBA"
    assert drawn.getpixel((5, 5))[3] == 0 and drawn.getpixel((60, 50))[3] > 0
    with pytest.raises(ValueError, match="sizes differ"):
        comparer.heat_map(start, store.add_picture(photo.resize((8, 8))).id, None)
    with pytest.raises(UnknownAsset):
        comparer.heat_map(start, "0" * 64, None)
