from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.picture import Picture
from modules.pipeline.modes import Mode
from modules.plugins.controls import Control
from modules.plugins.runner import ScriptRunner
from modules.runtime.recipe import Recipe, build_request, recipe_of
from modules.settings.options import Options


class MemoryStore:
    def __init__(self, **images: Image.Image) -> None:
        self.images = dict(images)

    def open(self, asset_id: str) -> Picture:
        return Picture(self.images[asset_id])

    def mask(self, asset_id: str) -> Image.Image:
        return self.images[asset_id].convert("L")

    def add_picture(self, image: Image.Image, infotext: str | None = None) -> SimpleNamespace:
        name = f"asset{len(self.images)}"
        self.images[name] = image
        return SimpleNamespace(id=name)


class Named:
    def __init__(self, title: str, *values: object) -> None:
        self.name, self.control_values = title, [Control(value=value) for value in values]
        self.args_from = self.args_to = 0

    def title(self) -> str:
        return self.name


@pytest.fixture
def picture() -> Image.Image:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[..., 0] = np.arange(60) * 4
    return Image.fromarray(pixels)


@pytest.fixture
def sketch() -> Image.Image:
    paint = Image.new("RGBA", (60, 40))
    paint.paste((0, 0, 255, 255), (20, 10, 40, 30))
    return paint


def test_a_recipe_survives_json() -> None:
    recipe = Recipe(
        Mode.INPAINT_SKETCH, {"prompt": "a cat", "crop_region": [1, 2, 3, 4], "outpaint": {"left": 8}}, "p", "m", "s", "keep", 20.0,
        "Loopback", (4, 0.5, "None"), {"Soft inpainting": (True, 1.0)},
    )  # fmt: skip
    assert Recipe.from_json(json.loads(json.dumps(recipe.as_json()))) == recipe


def test_unknown_keys_of_other_versions_are_left_out_and_nonsense_is_refused() -> None:
    recipe = Recipe.from_json({"mode": "inpaint", "fields": {"steps": 3, "from_the_future": 1}, "also": "this"})
    assert recipe == Recipe(Mode.INPAINT, {"steps": 3})
    for nonsense in ({"mode": "dance"}, {"fields": 4}, []):
        with pytest.raises(InvalidRequest, match="recipe"):
            Recipe.from_json(nonsense)  # type: ignore[arg-type]


def test_a_whole_picture_is_repainted_without_mask_and_sketch(picture: Image.Image, sketch: Image.Image) -> None:
    store = MemoryStore(p=picture, m=Image.new("L", (60, 40), 255), s=sketch)
    request = build_request(Recipe(Mode.IMG2IMG, {"steps": 7}, "p", "m", "s"), store)
    assert request.steps == 7 and request.image_mask is None
    assert np.array_equal(request.init_images[0], picture)


def test_a_sketch_is_laid_over_the_picture(picture: Image.Image, sketch: Image.Image) -> None:
    store = MemoryStore(p=picture, s=sketch)
    start = build_request(Recipe(Mode.SKETCH, {}, "p", None, "s"), store).init_images[0]
    expected = picture.copy()
    expected.paste((0, 0, 255), (20, 10, 40, 30))
    assert np.array_equal(start, expected)
    bare = build_request(Recipe(Mode.SKETCH, {}, "p"), store).init_images[0]
    assert np.array_equal(bare, picture)


def test_an_inpaint_sketch_masks_what_was_painted_and_runs_its_edge_into_the_picture(picture: Image.Image, sketch: Image.Image) -> None:
    store = MemoryStore(p=picture, s=sketch)
    recipe = Recipe(Mode.INPAINT_SKETCH, {"mask_blur": 3}, "p", None, "s", mask_alpha=40)
    request = build_request(recipe, store)
    mask = np.asarray(request.image_mask)
    assert set(np.unique(mask)) == {0, 153} and (mask[10:30, 20:40] == 153).all()
    assert np.count_nonzero(mask) == 400
    start = np.asarray(request.init_images[0]).astype(int)
    assert np.array_equal(start[0, 0], np.asarray(picture)[0, 0])
    assert 0 < start[20, 19, 2] < start[20, 30, 2] < 255, "60 % of blue within, less at the edge"


def test_an_uploaded_mask_stays_grey(picture: Image.Image) -> None:
    grey = Image.new("L", (60, 40), 77)
    request = build_request(Recipe(Mode.INPAINT_UPLOAD, {}, "p", "m"), MemoryStore(p=picture, m=grey))
    assert request.image_mask.getextrema() == (77, 77)


def test_a_frame_drawn_outwards_needs_no_mask_and_comes_back_from_the_request(picture: Image.Image) -> None:
    store = MemoryStore(p=picture)
    request = build_request(Recipe(Mode.INPAINT, {"outpaint": {"left": 8}}, "p"), store)
    assert request.image_mask is None and request.outpaint == {"left": 8}
    back = recipe_of(request, store)
    assert back.mode is Mode.INPAINT and back.fields["outpaint"] == {"left": 8} and back.mask is None


@pytest.mark.parametrize(
    ("recipe", "field"),
    [
        (Recipe(Mode.IMG2IMG), "picture"),
        (Recipe(Mode.INPAINT, {}, "p"), "mask"),
        (Recipe(Mode.INPAINT, {}, "p", "small"), "mask"),
        (Recipe(Mode.INPAINT_SKETCH, {}, "p"), "sketch"),
        (Recipe(Mode.SKETCH, {}, "p", None, "small"), "sketch"),
        (Recipe(Mode.IMG2IMG, {"scripts": 1}, "p"), "fields"),
        (Recipe(Mode.IMG2IMG, {}, "p", alpha="perhaps"), "alpha"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_named(picture: Image.Image, recipe: Recipe, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        build_request(recipe, MemoryStore(p=picture, small=Image.new("RGBA", (4, 4))))
    assert caught.value.field == field


@pytest.mark.parametrize(("alpha", "colour", "kept"), [("mask", 200, False), ("keep", 200, True), ("flatten", None, False)])
def test_transparency_is_a_mask_or_kept_or_flattened(alpha: str, colour: int | None, kept: bool) -> None:
    clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    request = build_request(Recipe(Mode.IMG2IMG, {}, "p", alpha=alpha), MemoryStore(p=clear))
    start = request.init_images[0]
    assert (start.mode, start.getpixel((0, 0))) == (("RGBA", (200, 0, 0, 0)) if colour is None else ("RGB", (colour, 0, 0)))
    assert (request.kept_alpha is not None) == kept


@pytest.mark.parametrize("mode", [Mode.SKETCH, Mode.INPAINT_SKETCH])
@pytest.mark.parametrize("changes", [{}, {"img2img_background_color": "#00ff00"}])
def test_paint_over_a_flattened_picture_lies_on_the_background_colour(mode: Mode, changes: dict[str, str], sketch: Image.Image) -> None:
    store = MemoryStore(p=Image.new("RGBA", (60, 40), (200, 0, 0, 0)), s=sketch)
    recipe = Recipe(mode, {"override_settings": changes}, "p", None, "s", alpha="flatten")
    request = build_request(recipe, store, options=Options(img2img_background_color="#ffff00"))
    start = request.init_images[0]
    assert (start.mode, start.getpixel((0, 0))) == ("RGB", (0, 255, 0) if changes else (255, 255, 0))
    assert start.getpixel((30, 20)) == (0, 0, 255)
    assert build_request(recipe, store).init_images[0].getpixel((0, 0)) == ((0, 255, 0) if changes else (255, 255, 255))


def test_the_recipe_of_a_request_makes_the_same_request_again(picture: Image.Image) -> None:
    runner = ScriptRunner([Named("Loopback", 4, "None")], [Named("Soft", False, 1.0), Named("Quiet", 3)])  # type: ignore[list-item]
    store = MemoryStore(p=picture, m=Image.new("L", (60, 40), 255))
    fields = {"prompt": "x", "steps": 9, "mask_blur": 7, "override_settings": {"CLIP_stop_at_last_layers": 2}}
    first = Recipe(Mode.INPAINT_UPLOAD, fields, "p", "m", script="Loopback", script_args=(8, "Linear"), alwayson={"Soft": (True, 0.5)})
    request = build_request(first, store, runner)
    again = build_request(recipe_of(request, store, runner), store, runner)
    assert list(again.script_args) == list(request.script_args) == [1, True, 0.5, 3, 8, "Linear"]
    for name in ("prompt", "steps", "mask_blur_x", "mask_blur_y", "override_settings"):
        assert getattr(again, name) == getattr(request, name)
    assert np.array_equal(again.init_images[0], request.init_images[0])
    assert np.array_equal(again.image_mask.convert("L"), request.image_mask.convert("L"))


def test_a_recipe_says_when_a_script_value_could_not_be_kept(picture: Image.Image) -> None:
    runner = ScriptRunner([Named("Painter", None)])  # type: ignore[list-item]
    request = build_request(Recipe(Mode.IMG2IMG, {}, "p"), MemoryStore(p=picture))
    request.script_args = [1, picture]
    recipe = recipe_of(request, MemoryStore(p=picture), runner)
    assert (recipe.script, recipe.script_args, recipe.is_whole) == ("Painter", (), False)
