"""X/Y/Z plot on the fake model; with checkpoints it is tried over the API."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.pipeline.infotext_parse import parse_infotext
from modules.plugins.loader import SCRIPTS_DATA
from modules.settings.options import Options
from tests.unit.scripts.conftest import Outcome, RunScript, noise

TITLE = "X/Y/Z plot"
NOTHING = ("Nothing", "", [])
MASK = Image.new("L", (64, 64))
MASK.paste(255, (8, 8, 40, 48))
MASKED = {"image_mask": MASK, "init_images": [noise(64, 64)], "width": 32, "height": 32}


BLIND_SPOTS = ("Prompt order", "Clip skip", "Emphasis mode", "RNG source")
"""Which the fake model does not see; infotexts tell them apart."""


@pytest.fixture
def plot(run_script: RunScript) -> Any:
    def run(*axes: tuple[Any, ...], legend: bool = False, lone: bool = True, more: tuple[Any, ...] = (), **given: Any) -> Outcome:
        filled = [(*axis, "", [])[:3] for axis in axes] + [NOTHING] * (3 - len(axes))
        return run_script(TITLE, [*(value for axis in filled for value in axis), legend, lone, *more], **given)

    return run


@pytest.fixture
def module(scripts: object) -> ModuleType:
    """What extensions find."""
    return next(data.module for data in SCRIPTS_DATA if data.script_class.__module__ == "xyz_grid.py")


VALUES: list[tuple[str, Any, dict[str, Any], list[dict[str, Any]]]] = [
    ("Seed", "3, 9", {}, [{"seed": 3}, {"seed": 9}]),
    ("Var. seed", "3, 9", {"subseed_strength": 0.5}, [{"subseed": 3}, {"subseed": 9}]),
    ("Var. strength", "0, 0.4", {"subseed": 4}, [{"subseed_strength": 0}, {"subseed_strength": 0.4}]),
    ("Steps", "1-5 (+2)", {}, [{"steps": 1}, {"steps": 3}, {"steps": 5}]),
    ("CFG Scale", "1, 7.5", {"negative_prompt": "x"}, [{"cfg_scale": 1}, {"cfg_scale": 7.5}]),
    ("Denoising", "0.2-1 [3]", {"steps": 5}, [{"denoising_strength": strength} for strength in (0.2, 0.6, 1.0)]),
    ("Sampler", "DPM++ 2M, euler a", {"steps": 4}, [{"sampler_name": "DPM++ 2M"}, {"sampler_name": "Euler a"}]),
    ("Schedule type", ["Karras", "Exponential"], {"steps": 4}, [{"scheduler": "Karras"}, {"scheduler": "Exponential"}]),
    ("Size", "64x64, 72x48", {}, [{"width": 64, "height": 64}, {"width": 72, "height": 48}]),
    ("Prompt S/R", "cat, dog", {"prompt": "a cat", "negative_prompt": "no cat"}, [{}, {"prompt": "a dog", "negative_prompt": "no dog"}]),
    ("Prompt order", "big, cat", {"prompt": "a big, fat cat!"}, [{}, {"prompt": "a cat, fat big!"}]),
    ("Eta", "0, 1", {"sampler_name": "Euler a", "steps": 4}, [{"eta": 0.0}, {"eta": 1.0}]),
    ("Extra noise", "0, 0.5", {}, [{}, {"override_settings": {"img2img_extra_noise": 0.5}}]),
    ("RNG source", "CPU, nv", {}, [{"override_settings": {"randn_source": source}} for source in ("CPU", "NV")]),
    ("Clip skip", "1, 2", {}, [{"override_settings": {"CLIP_stop_at_last_layers": skip}} for skip in (1, 2)]),
    (
        "Emphasis mode",
        "None, Original",
        {"prompt": "(a:1.5)"},
        [{"override_settings": {"emphasis": mode}} for mode in ("None", "Original")],
    ),
    ("Mask blur", "0, 6", MASKED, [{"mask_blur": 0}, {"mask_blur": 6}]),
    ("Masked content", ["fill", "latent noise"], MASKED, [{"inpainting_fill": 0}, {"inpainting_fill": 2}]),
    ("Inpaint area", ["Whole picture", "Only masked"], MASKED, [{"inpaint_full_res": False}, {"inpaint_full_res": True}]),
    ("Only masked padding, pixels", "0, 8", MASKED, [{"inpaint_full_res_padding": 0}, {"inpaint_full_res_padding": 8}]),
    ("Mask mode", ["Inpaint masked", "Inpaint not masked"], MASKED, [{}, {"inpainting_mask_invert": 1}]),
    ("Resize mode", ["Crop and resize", "Resize and fill"], {"width": 48}, [{"resize_mode": 1}, {"resize_mode": 2}]),
]


@pytest.mark.parametrize(("label", "values", "fields", "wanted"), VALUES, ids=[entry[0] for entry in VALUES])
def test_a_cell_equals_the_ordinary_request(
    plot: Any, run_script: RunScript, label: str, values: Any, fields: dict[str, Any], wanted: list[dict[str, Any]]
) -> None:
    made = plot((label, values) if isinstance(values, str) else (label, "", values), **fields).processed
    assert len(made.pictures) == len(wanted) and made.index_of_first_image == 1
    for picture, infotext, changed in zip(made.pictures, made.infotexts[1:], wanted, strict=True):
        alone = run_script("", [], **{**fields, **changed}).processed
        assert picture.tobytes() == alone.images[0].tobytes() and infotext == alone.infotexts[0]
    assert label in BLIND_SPOTS or len({picture.tobytes() for picture in made.pictures}) == len(wanted)


def test_the_grid_holds_every_cell_in_its_place(plot: Any) -> None:
    made = plot(("Seed", "1,2,3"), ("Steps", "2,3"), ("CFG Scale", "1,5"), more=(True,)).processed
    assert made.index_of_first_image == 3 and len(made.pictures) == 12
    whole, *sheets = made.images[:3]
    assert whole.size == (384, 128) and [sheet.size for sheet in sheets] == [(192, 128)] * 2
    for number, picture in enumerate(made.pictures):
        x, y, z = number % 3, number // 3 % 2, number // 6
        box = (x * 64, y * 64, x * 64 + 64, y * 64 + 64)
        assert (
            sheets[z].crop(box).tobytes() == picture.tobytes() == whole.crop((box[0] + 192 * z, box[1], box[2] + 192 * z, box[3])).tobytes()
        )
        assert (
            f"Steps: {2 + y}, Sampler: Euler, Schedule type: Automatic, CFG scale: {(1.0, 5.0)[z]}, Seed: {1 + x}"
            in made.infotexts[3 + number]
        )
    assert made.all_seeds == [1, 2, 3] * 4


def test_what_is_shown(plot: Any) -> None:
    axes = ("Seed", "1,2"), ("Steps", "2,3"), ("CFG Scale", "1,5")
    assert [image.size for image in plot(*axes, lone=False).processed.images] == [(256, 128)]
    assert len(plot(*axes, lone=False, more=(True,)).processed.images) == 3
    alone = plot(*axes[:2], lone=False, legend=True, more=(True, False, False, False, False, 10)).processed
    assert alone.index_of_first_image == 0 and alone.images[0].width == 48 + 138 and alone.images[0].height > 138
    assert plot(*axes, lone=False, legend=True).processed.images[0].width == 2 * (128 + 48)


def test_grids_tell_how_they_were_made(plot: Any) -> None:
    made = plot(
        ("Seed", "-1, 4"), ("Sampler", "", ["Euler", "DPM++ 2M"]), ("Prompt S/R", "cat, dog"), more=(True,), prompt="a cat"
    ).processed
    whole, first, second = (parse_infotext(text) for text in made.infotexts[:3])
    assert whole["Script"] == TITLE and whole["X Type"] == "Seed" and whole["X Values"] == "-1, 4"
    assert (
        whole["Fixed X Values"] == f"{made.all_seeds[0]}, 4" and whole["Y Values"] == "Euler,DPM++ 2M" and whole["Z Values"] == "cat, dog"
    )
    assert "Z Type" not in first and (first["Prompt"], second["Prompt"]) == ("a cat", "a dog")
    assert all("X Type" not in text and "Script" not in text for text in made.infotexts[3:])


def test_seeds(plot: Any) -> None:
    assert len(set(plot(("Steps", "1,2,3"), seed=-1).processed.all_seeds)) == 1
    assert len(set(plot(("Steps", "1,2,3"), more=(False, True), seed=-1).processed.all_seeds)) == 3
    varied = plot(("Steps", "1,2,3"), ("CFG Scale", "1,2"), more=(False, False, True, True)).processed
    assert varied.all_seeds == [5, 6, 7, 8, 9, 10]
    assert plot(("Steps", "1,2,3"), ("CFG Scale", "1,2"), more=(False, False, False, True)).processed.all_seeds == [5, 5, 5, 6, 6, 6]


def test_axes_by_number_and_text_instead_of_lists(plot: Any) -> None:
    steps = plot((4, "1,3")).processed
    assert [text.split("Steps: ")[1][0] for text in steps.infotexts[1:]] == ["1", "3"]
    written = plot((9, "Heun, Euler", ["LMS"]), more=(False, False, False, False, False, 0, True)).processed
    assert ["Sampler: Heun" in written.infotexts[1], "Sampler: Euler" in written.infotexts[2]] == [True, True]
    assert len(plot(("Sampler", "", "Heun, Euler")).processed.pictures) == 2


def test_batches_share_a_cell(plot: Any) -> None:
    made = plot(("Steps", "1,2"), batch_size=2, n_iter=2).processed
    assert len(made.pictures) == 8 and made.images[0].size == (256, 128) and made.all_seeds == [5, 6, 7, 8] * 2
    assert len(made.infotexts) == 9


def test_dear_axes_change_least_often(plot: Any, module: ModuleType) -> None:
    dear = module.AxisOption("Dear", int, module.apply_field("seed"), cost=1.0)
    module.axis_options.append(dear)
    try:
        made = plot(("Dear", "1,2"), ("Steps", "1,2"), ("CFG Scale", "1,2"))
    finally:
        module.axis_options.remove(dear)
    assert made.all("seed") == [1] * 4 + [2] * 4 and made.all("steps") == [1, 2, 1, 2] * 2


def test_extensions_add_axes(plot: Any, module: ModuleType) -> None:
    class Twice(module.AxisOption):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self.label, self.type, self.prepare, self.confirm, self.cost, self.choices, self.is_img2img = (
                "Twice",
                int,
                None,
                None,
                0,
                None,
                True,
            )
            self.format_value = module.format_value_add_label

        def apply(self, p: Any, x: int, xs: list[int]) -> None:
            p.steps = 2 * x

    listed = list(module.axis_options)
    module.axis_options.extend([Twice(), module.AxisOptionTxt2Img("Other tab", int, module.apply_field("hr_scale"))])
    module.axis_options.append(
        module.AxisOption("Tiles", str, module.apply_override("tiling", boolean=True), choices=module.boolean_choice())
    )
    try:
        assert plot(("twice", "1,2"), legend=True).all("steps") == [2, 4]
        assert len(plot((len(listed) + 1, "", ["False", "True"])).processed.pictures) == 2
        with pytest.raises(InvalidRequest, match="X type"):
            plot(("Other tab", "1"))
    finally:
        module.axis_options[:] = listed


def test_a_run_that_fails_leaves_its_cell_empty_and_a_note(plot: Any, module: ModuleType) -> None:
    def apply(p: Any, x: int, xs: list[int]) -> None:
        p.steps = 2 if x == 1 else 0

    option = module.AxisOption("Fragile", int, apply)
    module.axis_options.append(option)
    try:
        made = plot(("Fragile", "2, 1")).processed
        assert len(made.pictures) == 1 and made.images[0].size == (128, 64)
        assert made.images[0].getpixel((0, 0)) == (179, 179, 179) and "no picture for Fragile 2: steps: got 0" in made.notes[0]
        with pytest.raises(InvalidRequest, match="steps"):
            plot(("Fragile", "2, 3"))
    finally:
        module.axis_options.remove(option)


def test_an_interruption_keeps_what_was_made(plot: Any) -> None:
    made = plot(("Steps", "2,2,2"), ("CFG Scale", "1,2"), stop_after=5)
    assert len(made.runs) == 3 and made.processed.is_interrupted
    assert len(made.processed.pictures) == 3 and made.processed.images[0].size == (192, 128)
    assert plot(("Steps", "2,2"), stop_after=0).processed.images == []


def test_grids_are_saved_with_their_texts(plot: Any) -> None:
    silent = {"do_not_save_samples": True, "do_not_save_grid": False}
    made = plot(("Steps", "1,2"), ("CFG Scale", "1,2"), ("Seed", "1,2"), more=(True,), **silent)
    assert [path for path in made.processed.paths if path] == made.context.saved and len(made.context.saved) == 3
    with Image.open(made.context.saved[0]) as grid:
        assert "Z Type: Seed" in grid.info["parameters"] and "grids" in str(made.context.saved[0])


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ([("Steps", "")], "X values: got '', wanted values for Steps"),
        ([("Seed", "1"), ("Steps", "a")], "Y values: got 'a'"),
        ([("Steps", "3,0")], "steps: got 0"),
        ([("Nowhere", "1")], "X type: got 'Nowhere'"),
        ([(999, "1")], "X type: got 999"),
        ([("Sampler", "Euler, Nobody")], "sampler_name: got 'Nobody'"),
        ([("Schedule type", "", ["Karras", "Nothing"])], "scheduler.*Nothing"),
        ([("Prompt S/R", "owl, dog")], "Prompt S/R: got 'owl'"),
        ([("Prompt S/R", "cat, dog"), ("Prompt S/R", "a cat, an owl")], "Prompt S/R: got 'a cat'"),
        ([("Prompt order", "cat, owl")], "Prompt order: got 'owl'"),
        ([("Size", "64")], "Size: got '64'"),
        ([("Size", "64x9999")], "height"),
        ([("Clip skip", "1,99")], "CLIP_stop_at_last_layers"),
        ([("Face restore", "1")], "Face restore.*does not have it"),
        ([("Masked content", "", ["jam"])], "inpainting_fill: got 'jam'"),
        ([("Sampler", "", 5)], "X values: got 5, wanted a list"),
        ([("Always discard next-to-last sigma", "True, perhaps")], "always_discard_next_to_last_sigma: got 'perhaps'"),
        ([("Seed", "1-1000"), ("Steps", "1-11")], "at most 10000"),
        ([("Seed", "1-200"), ("Steps", "1-20")], "grid: got '4000 pictures of 64x64 px'"),
    ],
)
def test_what_cannot_be_made_is_said_before_the_first_picture(plot: Any, axes: list[Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        plot(*axes, prompt="a cat", stop_after=0, options=Options(img_max_size_mp=10))
