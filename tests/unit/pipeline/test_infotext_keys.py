"""Which keys infotext has, and in which order, on the fake model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image

from modules.backends.fake import FakeModel

Run = Any


def line(text: str) -> str:
    return text.rsplit("\n", 1)[-1]


def keys(text: str) -> list[str]:
    return [part.split(":")[0] for part in line(text).split(", ")]


def extra(text: str) -> str:
    """What stands between the denoising strength and the version."""
    return line(text).split("Denoising strength: ", 1)[1].split(", ", 1)[1].split("Version", 1)[0].rstrip(", ")


@pytest.mark.parametrize(
    ("fields", "options", "wanted"),
    [
        ({}, {"sigma_min": 0.1, "sigma_max": 10.0, "rho": 5.0}, ""),
        ({"scheduler": "Normal"}, {"sigma_min": 0.1, "rho": 5.0}, "Schedule min sigma: 0.1"),
        ({"scheduler": "Karras"}, {"rho": 7.0, "sigma_max": 10.0}, "Schedule max sigma: 10.0"),
        ({"sampler_name": "DDIM", "scheduler": "Karras"}, {"sigma_min": 0.1}, ""),
        ({"scheduler": "Beta"}, {"beta_dist_alpha": 0.7}, "Beta schedule alpha: 0.7, Beta schedule beta: 0.6"),
        ({"sampler_name": "DPM2"}, {"always_discard_next_to_last_sigma": True}, ""),
        ({}, {"always_discard_next_to_last_sigma": True}, "Discard penultimate sigma: True"),
        ({"sampler_name": "DPM++ 2S a"}, {"s_noise": 0.9, "s_churn": 3.0}, "Sigma noise: 0.9"),
        ({"sampler_name": "Euler a"}, {"s_noise": 0.9}, ""),
        (
            {},
            {"s_noise": 0.9, "s_churn": 3.0, "s_tmin": 0.2, "s_tmax": 5.0},
            "Sigma churn: 3.0, Sigma tmin: 0.2, Sigma tmax: 5.0, Sigma noise: 0.9",
        ),
        ({"s_churn": 3.0}, {}, ""),
        ({}, {"s_churn": 3, "s_tmin": "1", "s_tmax": 5}, "Sigma churn: 3, Sigma tmin: 1.0, Sigma tmax: 5"),
        (
            {"scheduler": "Karras"},
            {"sigma_min": 1, "sigma_max": 10, "rho": 5, "img2img_extra_noise": 1, "s_min_uncond": 15},
            "Schedule min sigma: 1, Schedule max sigma: 10, Schedule rho: 5, Extra noise: 1, NGMS: 15",
        ),
        ({"sampler_name": "Euler a"}, {"eta_ancestral": 0}, "Eta: 0"),
        ({"sampler_name": "DDIM"}, {"eta_ddim": 1}, "Eta DDIM: 1"),
        ({"sampler_name": "Euler a", "eta": 0.5}, {}, "Eta: 0.5"),
        ({"sampler_name": "PLMS", "eta": 0.5}, {}, ""),
        ({}, {"s_min_uncond": 15.0}, "NGMS: 15.0"),
        ({}, {"s_min_uncond": 0.001}, ""),
        ({"steps": 1}, {"s_min_uncond": 15.0}, ""),
        ({"steps": 1}, {"s_min_uncond": 15.0, "s_min_uncond_all": True}, "NGMS: 15.0, NGMS all steps: True"),
        ({}, {"skip_early_cond": 1.0, "s_min_uncond": 15.0}, "Skip Early CFG: 1.0"),
        ({"prompt": "a (cat)"}, {"emphasis": "No norm"}, "Emphasis: No norm"),
        ({"prompt": "a [cat:dog:2]"}, {"emphasis": "No norm"}, ""),
        ({"prompt": "a [cat:dog:2]"}, {"use_old_scheduling": True}, ""),
        ({"prompt": "a [cat:dog:1.5]"}, {"use_old_scheduling": True}, "Old prompt editing timelines: True"),
        (
            {"initial_noise_multiplier": 0.9, "scheduler": "Karras", "prompt": "(cat)"},
            {
                "sd_noise_schedule": "Zero Terminal SNR", "use_downcasted_alpha_bar": True, "img2img_extra_noise": 0.1,
                "sigma_min": 0.1, "sigma_max": 10.0,
                "always_discard_next_to_last_sigma": True, "s_churn": 1.0, "skip_early_cond": 0.2, "emphasis": "Ignore",
            },
            (
                "Emphasis: Ignore, Downcast alphas_cumprod: True, Noise Schedule: Zero Terminal SNR, Noise multiplier: 0.9, "
                "Discard penultimate sigma: True, Schedule min sigma: 0.1, Schedule max sigma: 10.0, "
                "Extra noise: 0.1, Sigma churn: 1.0, Skip Early CFG: 0.2"
            ),
        ),
    ],
)  # fmt: skip
def test_keys_come_in_a1111s_order_and_only_where_they_did_something(
    run: Run, fields: dict[str, Any], options: dict[str, Any], wanted: str
) -> None:
    processed, _ = run(**fields, override_settings=options)
    assert extra(processed.infotexts[0]) == wanted


def test_padding_is_told_only_where_it_happened(run: Run) -> None:
    long_prompt = "a cat, " * 60
    for name, key in (("pad_cond_uncond", "Pad conds"), ("pad_cond_uncond_v0", "Pad conds v0")):
        assert extra(run(prompt=long_prompt, override_settings={name: True})[0].infotexts[0]) == f"{key}: True"
        assert extra(run(prompt="a cat", override_settings={name: True})[0].infotexts[0]) == ""
    both = run(prompt=long_prompt, override_settings={"pad_cond_uncond": True, "pad_cond_uncond_v0": True})[0].infotexts[0]
    assert extra(both) == "Pad conds v0: True"


def test_unequal_blurs_are_remembered_without_a_value(run: Run, mask: Image.Image) -> None:
    processed, _ = run(image_mask=mask, inpaint_full_res=False, inpainting_fill=1, mask_blur_x=8, mask_blur_y=0)
    assert "Mask blur" not in processed.infotexts[0]
    assert processed.extra_generation_params == {"Denoising strength": 0.75, "Mask blur": None}


def test_lists_and_functions_are_values_of_single_pictures(run: Run) -> None:
    told = {"Which": ["first", "second"], "Index": lambda index, **_: index * 10, "Bad": lambda: None}
    processed, _ = run(batch_size=2, extra_generation_params=told)
    assert [extra(text) for text in processed.infotexts[processed.index_of_first_image :]] == [
        "Which: first, Index: 0",
        "Which: second, Index: 10",
    ]


def test_a_separate_vae_and_half_precision_are_told(run: Run) -> None:
    model = FakeModel()
    model.vae_name, model.vae_sha256, model.dtype = "best.vae.safetensors", "0123456789abcdef", torch.bfloat16
    text = run(model)[0].infotexts[0]
    assert keys(text)[6:10] == ["Model hash", "Model", "VAE hash", "VAE"] and keys(text)[-2:] == ["Precision", "Version"]
    assert "VAE hash: 0123456789, VAE: best.vae.safetensors" in text and "Precision: bf16" in text
    hidden = {"add_vae_name_to_info": False, "add_vae_hash_to_info": False}
    model.dtype = torch.float32
    text = run(model, override_settings=hidden)[0].infotexts[0]
    assert "VAE" not in text and "Precision" not in text


def test_a_vae_that_is_not_there_is_said(run: Run) -> None:
    processed, _ = run(override_settings={"sd_vae": "gone.safetensors"})
    assert "gone.safetensors" in processed.notes[0]
