"""What a picture's text does to the form."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.picture import Picture
from modules.pipeline.infotext_settings import read_settings
from modules.pipeline.modes import Mode
from modules.runtime.recipe import Recipe, build_request
from modules.settings.options import Options
from modules.web.ui.form import read_entries, recipe_from, widgets_of
from modules.web.ui.restore import list_entries, read_widgets, show_entries

from .test_form import DOCUMENT, VALUES

MASKED = (
    "a (cat)\nNegative prompt: dog\nSteps: 30, Sampler: DPM++ 2M Karras, CFG scale: 4.5, Seed: 77, Size: 320x256, "
    "Variation seed: 5, Variation seed strength: 0.2, Seed resize from: 64x96, Denoising strength: 0.35, Clip skip: 2, RNG: NV, "
    "Mask mode: Inpaint not masked, Mask blur: 8, Inpaint area: Only masked, Masked area padding: 16, "
    "Masked content: latent noise, Emphasis: No norm, Version: v1.10.1"
)


def test_widgets() -> None:
    assert read_widgets(read_settings(MASKED, Options())) == {
        "prompt": "a (cat)", "negative_prompt": "dog", "steps": 30, "cfg_scale": 4.5, "denoising_strength": 0.35, "seed": 77, "width": 320,
        "height": 256, "sampler_name": "DPM++ 2M", "scheduler": "Karras", "mask_blur": 8, "inpainting_mask_invert": 1, "inpainting_fill": 2,
        "inpaint_full_res": 1, "inpaint_full_res_padding": 16, "crop_region": None, "compat": "a1111",
        "grow_mask_by": 0,
    }  # fmt: skip
    own = MASKED.replace("Version", 'Crop region: "8,16,200,240", Version')
    assert read_widgets(read_settings(own, Options()))["crop_region"] == [8, 16, 200, 240]


def test_an_infotext_of_comfyuis_rules_brings_its_names() -> None:
    text = "a\nSteps: 8, Sampler: dpmpp_2m, Schedule type: karras, CFG scale: 7, Seed: 1, Size: 64x64, Compat: comfyui"
    stated = read_settings(text, Options())
    values = read_widgets(stated)
    assert (values["compat"], values["sampler_name"], values["scheduler"]) == ("comfyui", "dpmpp_2m", "karras")
    assert not any(entry.startswith("Compat") for entry in list_entries(stated))
    assert "grow_mask_by" not in values, "without a mask its controls stay as they are"


def test_how_far_a_mask_was_grown_is_read_back() -> None:
    text = "a\nSteps: 8, Sampler: euler, CFG scale: 7, Seed: 1, Size: 64x64, Masked content: neutral, Mask growth: 9, Compat: comfyui"
    stated = read_settings(text, Options())
    values = read_widgets(stated)
    assert (values["grow_mask_by"], values["mask_blur"], values["inpaint_full_res"], values["compat"]) == (9, 0, 0, "comfyui")
    assert list_entries(stated) == []


def test_without_a_mask_the_masks_controls_stay_and_nonsense_is_left_out() -> None:
    text = "a\nSteps: many, Sampler: No Such, CFG scale: 7, Seed: 1, Size: 64x64"
    assert read_widgets(read_settings(text, Options())) == {
        "prompt": "a", "negative_prompt": "", "cfg_scale": 7.0, "seed": 1, "width": 64, "height": 64, "compat": "a1111",
    }  # fmt: skip


def test_what_has_no_widget_travels_in_the_list() -> None:
    entries = list_entries(read_settings(MASKED, Options()))
    assert entries == [
        "Variation seed: 5", "Variation seed strength: 0.2", "Seed resize from-1: 64", "Seed resize from-2: 96", "Clip skip: 2", "RNG: NV",
        "Emphasis: No norm",
    ]  # fmt: skip
    fields, overrides = read_entries([*entries, "Precision: fp32", "no such key: 1", "nonsense"])
    assert fields == {"subseed": 5, "subseed_strength": 0.2, "seed_resize_from_w": 64, "seed_resize_from_h": 96}
    assert overrides == {"CLIP_stop_at_last_layers": "2", "randn_source": "NV", "emphasis": "No norm", "pentimento_precision": "fp32"}
    assert Options().coerced(overrides).CLIP_stop_at_last_layers == 2


def test_the_list_reaches_the_request_and_comes_back_with_it() -> None:
    values: dict[str, Any] = VALUES | {"override_settings": ["Variation seed: 5", "Clip skip: 2", "Precision: fp32"]}
    recipe = recipe_from(values, Mode.IMG2IMG, DOCUMENT)
    store = SimpleNamespace(open=lambda asset_id: Picture(Image.new("RGB", (8, 8))))
    request = build_request(recipe, store)  # type: ignore[arg-type]
    assert request.subseed == 5 and request.override_settings["pentimento_precision"] == "fp32"
    assert widgets_of(recipe)["override_settings"] == ["Variation seed: 5", "Clip skip: 2", "Precision: fp32"]
    plain = {"override_settings": {"overlay_inpaint": False, "sd_lora": "None", "compat": "comfyui", "sd_model_checkpoint": "x"}}
    entries = widgets_of(Recipe(Mode.IMG2IMG, plain))["override_settings"]
    assert entries == ["sd_lora: None", "overlay_inpaint: False"]
    _, overrides = read_entries(entries)
    assert Options().coerced(overrides).overlay_inpaint is False
    with pytest.raises(InvalidRequest, match="Variation seed"):
        read_entries(["Variation seed: five"])


def test_an_empty_list_is_not_shown() -> None:
    assert show_entries([])["visible"] is False and show_entries(["Clip skip: 2"])["value"] == ["Clip skip: 2"]
