from __future__ import annotations

from typing import Any

import pytest

from modules.base.errors import InvalidRequest
from modules.pipeline.modes import Mode
from modules.runtime.recipe import Recipe
from modules.web.ui.form import MASK_FIELDS, recipe_from, widgets_of
from modules.web.ui.messages import Told

VALUES: dict[str, Any] = {
    "prompt": "a cat", "negative_prompt": None, "sampler_name": "Euler a", "scheduler": "Karras", "steps": 20, "cfg_scale": 7,
    "denoising_strength": 0.5, "width": 256, "height": 320, "n_iter": 1, "batch_size": 2, "mask_blur": 4, "inpaint_full_res_padding": 32,
    "grow_mask_by": 0,
    "inpainting_mask_invert": 0, "inpaint_full_res": 1, "inpainting_fill": "patchmatch", "resize_mode": 1, "seed": -1,
    "checkpoint": "built-in.safetensors [0123456789]", "override_settings": [], "mask_alpha": 0,
}  # fmt: skip
PICTURE, MASK, SKETCH = "a" * 64, "b" * 64, "c" * 64
DOCUMENT: dict[str, Any] = {"picture": {"id": PICTURE, "width": 8, "height": 6}, "mask": MASK, "sketch": SKETCH, "alpha": "keep"}


def test_the_form_becomes_a_recipe() -> None:
    recipe = recipe_from(VALUES, Mode.INPAINT, DOCUMENT)
    fields = recipe.fields
    assert (fields["prompt"], fields["negative_prompt"], fields["steps"], fields["height"]) == ("a cat", "", 20, 320)
    assert fields["inpainting_fill"] == "patchmatch" and fields["inpaint_full_res"] is True
    assert fields["override_settings"] == {"sd_model_checkpoint": "built-in.safetensors [0123456789]"}
    assert (recipe.picture, recipe.mask, recipe.sketch, recipe.alpha) == (PICTURE, MASK, None, "keep")


def test_whose_rules_hold_goes_along_and_comes_back() -> None:
    recipe = recipe_from(VALUES | {"compat": "comfyui", "sampler_name": "euler"}, Mode.IMG2IMG, DOCUMENT)
    assert recipe.fields["override_settings"]["compat"] == "comfyui"
    back = widgets_of(recipe)
    assert (back["compat"], back["override_settings"]) == ("comfyui", [])
    with pytest.raises(InvalidRequest, match="compat"):
        recipe_from(VALUES | {"compat": "somebody's"}, Mode.IMG2IMG, DOCUMENT)


@pytest.mark.parametrize(
    ("mode", "mask", "sketch"),
    [
        (Mode.IMG2IMG, None, None),
        (Mode.SKETCH, None, SKETCH),
        (Mode.INPAINT, MASK, None),
        (Mode.INPAINT_SKETCH, None, SKETCH),
        (Mode.INPAINT_UPLOAD, MASK, None),
    ],
)
def test_a_mode_takes_along_what_belongs_to_it(mode: Mode, mask: str | None, sketch: str | None) -> None:
    recipe = recipe_from(VALUES, mode, DOCUMENT)
    assert (recipe.mask, recipe.sketch) == (mask, sketch)
    assert ("mask_blur" in recipe.fields) == mode.has_mask


def test_a_frame_that_is_drawn_outwards_needs_no_mask_and_counts_where_it_can_be_drawn() -> None:
    frame = {"left": 8, "right": 0, "up": 0, "down": 16, "overlap": 32}
    document = DOCUMENT | {"mask": None, "frame": frame}
    assert recipe_from(VALUES, Mode.INPAINT, document).fields["outpaint"] == frame
    assert "outpaint" not in recipe_from(VALUES, Mode.IMG2IMG, document).fields
    with pytest.raises(Told, match="no_mask"):
        recipe_from(VALUES, Mode.INPAINT_UPLOAD, document)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_recipe_gives_its_form_back(mode: Mode) -> None:
    values = VALUES | {"styles": ["warm"], "crop_region": [1, 2, 7, 6], "mask_alpha": 30, "override_settings": ["Clip skip: 2"]}
    recipe = recipe_from(values, mode, DOCUMENT)
    back = widgets_of(Recipe.from_json(recipe.as_json()))
    wanted = values | {"negative_prompt": ""}
    if not (mode.has_mask or mode is Mode.BATCH):
        names = (*MASK_FIELDS, "inpainting_fill", "crop_region")
        wanted = {name: value for name, value in wanted.items() if name not in names}
    assert back == wanted


@pytest.mark.parametrize(
    ("mode", "missing", "told"),
    [
        (Mode.IMG2IMG, "picture", "no_picture"),
        (Mode.INPAINT, "mask", "no_mask"),
        (Mode.INPAINT_UPLOAD, "mask", "no_mask"),
        (Mode.INPAINT_SKETCH, "sketch", "no_sketch"),
    ],
)
def test_what_is_missing_is_told(mode: Mode, missing: str, told: str) -> None:
    with pytest.raises(Told, match=told):
        recipe_from(VALUES, mode, DOCUMENT | {missing: None})


def test_a_sketch_may_be_empty_and_a_batch_brings_its_own_pictures() -> None:
    assert recipe_from(VALUES, Mode.SKETCH, DOCUMENT | {"sketch": None}).sketch is None
    assert recipe_from(VALUES, Mode.BATCH, DOCUMENT | {"picture": None}).picture is None


def test_script_values_that_are_no_json_are_left_out_and_that_is_noted() -> None:
    recipe = recipe_from(VALUES, Mode.IMG2IMG, DOCUMENT, ("Painter", [object()], {"Soft": [True]}))
    assert (recipe.script, recipe.script_args, recipe.alwayson, recipe.is_whole) == ("Painter", (), {"Soft": (True,)}, False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("steps", 10_000),
        ("width", 100_000),
        ("height", 0),
        ("denoising_strength", float("nan")),
        ("seed", None),
        ("steps", True),
        ("mask_alpha", 101),
    ],
)
def test_numbers_out_of_range_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InvalidRequest, match=field):
        recipe_from({**VALUES, field: value}, Mode.INPAINT, DOCUMENT)
