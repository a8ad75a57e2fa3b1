"""A picture's text, read back, makes the same picture: over many random settings, on the fake model."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from modules.engine.samplers.table import SAMPLERS
from modules.engine.schedules import SCHEDULERS
from modules.pipeline.infotext_parse import parse_infotext, quote, unquote
from modules.pipeline.infotext_settings import read_settings
from modules.settings.options import Options
from tests.unit.pipeline.conftest import Run

PROMPTS = (
    "a cat", 'say "hello", twice', "first line\nsecond: line, with (weight:1.2)", "猫, ü, 🐈", '{"json": ["like", 1]}',
    "Steps: 5, but no more", "a [cat:dog:0.5] AND a sofa :0.4", "[a|b]", "it's \\(literal\\)", "", "x: y", "Size: 1x1", 'lone " quote',
    "<not:a:network", "tab\there",
)  # fmt: skip
CHOICES: dict[str, tuple[Any, ...]] = {
    "steps": (2, 3, 5), "subseed_strength": (0.0, 0.0, 0.3), "subseed": (7,),
    "seed_resize_from_w": (-1, 64), "seed_resize_from_h": (-1, 64),
    "sampler_name": tuple(name for name, _ in SAMPLERS.items() if name not in ("UniPC", "DPM adaptive")),
    "scheduler": (None, None, *(label for label, _ in SCHEDULERS.items())), "eta": (None, 0.5), "seed": (0, 5, 2**32 + 3),
}  # fmt: skip
TYPES = {"sampler_name": str, "scheduler": str, "subseed_strength": float}
OPTIONS: dict[str, tuple[Any, ...]] = {
    "CLIP_stop_at_last_layers": (2,), "randn_source": ("CPU", "NV"), "emphasis": ("No norm", "Ignore", "None"), "sigma_min": (0.1,),
    "sigma_max": (9.5,), "rho": (5.0,), "eta_noise_seed_delta": (31337,), "always_discard_next_to_last_sigma": (True,), "s_churn": (2.0,),
    "s_tmin": (0.5,), "s_tmax": (9.0,), "s_noise": (0.9,), "s_min_uncond": (5.0,), "s_min_uncond_all": (True,), "skip_early_cond": (0.3,),
    "pad_cond_uncond": (True,), "pad_cond_uncond_v0": (True,), "use_old_scheduling": (True,), "use_downcasted_alpha_bar": (True,),
    "sd_noise_schedule": ("Zero Terminal SNR",), "beta_dist_alpha": (0.8,), "img2img_extra_noise": (0.05,), "tiling": (True,),
    "initial_noise_multiplier": (0.9,), "eta_ancestral": (0.7,), "eta_ddim": (0.4,),
}  # fmt: skip


def draw(source: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    fields = {name: source.choice(values) for name, values in CHOICES.items()}
    names = source.sample(sorted(OPTIONS), source.randrange(6))
    return fields, {name: source.choice(OPTIONS[name]) for name in names}


@pytest.mark.parametrize("seed", range(60))
def test_read_back_it_makes_the_same_picture(run: Run, seed: int) -> None:
    source = random.Random(seed)
    fields, overrides = draw(source)
    prompts = {"prompt": source.choice(PROMPTS), "negative_prompt": source.choice(PROMPTS)}
    first, _ = run(**prompts, **fields, override_settings=overrides)
    text = first.infotexts[0]
    stated = read_settings(text, Options())
    assert (stated.values["Prompt"], stated.values["Negative prompt"]) == (prompts["prompt"].strip(), prompts["negative_prompt"].strip())
    read = {name: TYPES.get(name, int)(value) for name, value in stated.fields.items()}
    again, _ = run(**prompts, **read, override_settings=stated.overrides)
    assert again.infotexts[0] == text
    assert np.array_equal(first.images[0], again.images[0])


@pytest.mark.parametrize("seed", range(200))
def test_any_value_survives_quoting(seed: int) -> None:
    source = random.Random(seed)
    value = "".join(source.choice('ab ,:\n"\\{}[]()éü猫\t=;') for _ in range(source.randrange(1, 30))).strip()
    if not value or (value[0] == value[-1] == '"'):
        return
    assert unquote(quote(value)) == value
    parsed = parse_infotext(f"a cat\nSteps: 5, Sampler: Euler, Odd thing: {quote(value)}, Seed: 1, Version: v1.10.1")
    is_size = parsed.get("Odd thing") is None
    assert is_size or parsed["Odd thing"] == value
    assert parsed["Seed"] == "1" and parsed["Version"] == "v1.10.1"


@pytest.mark.parametrize(
    ("version", "sampler", "prompt", "wanted"),
    [
        ("v1.10.1", "DDIM", "[a:b:1]", {}),
        ("v1.5.2", "DDIM", "[a:b:1]", {"use_old_scheduling": True, "pad_cond_uncond_v0": True, "use_downcasted_alpha_bar": True}),
        ("v1.5.2", "Euler", "a", {"use_downcasted_alpha_bar": True}),
        ("v1.6.0", "PLMS", "[a:b:1]", {"use_downcasted_alpha_bar": True}),
        ("v1.7.0-224-g0123abc", "Euler", "a", {"use_downcasted_alpha_bar": True}),
        ("v1.7.0-225-g0123abc", "Euler", "a", {}),
        ("v1.8.0-RC", "Euler", "a", {}),
        ("f0.0.17v1.8.0rc", "Euler", "[a:b:1]", {}),
        ("pentimento-0.1.0", "DDIM", "[a:b:1]", {}),
        ("", "DDIM", "[a:b:1]", {}),
    ],
)
def test_old_versions_bring_back_their_rules(version: str, sampler: str, prompt: str, wanted: dict[str, Any]) -> None:
    text = f"{prompt}\nSteps: 5, Sampler: {sampler}, CFG scale: 7, Seed: 1" + (f", Version: {version}" if version else "")
    assert read_settings(text, Options()).overrides == wanted
    assert read_settings(text, Options(auto_backcompat=False)).overrides == {}


def test_what_the_text_does_not_mention_had_its_default() -> None:
    options = Options(eta_noise_seed_delta=31337, CLIP_stop_at_last_layers=2, emphasis="None", tiling=True, sd_vae="x", rho=3.0)
    stated = read_settings("a (cat)\nSteps: 5, Sampler: Euler, CFG scale: 7, Seed: 1", options)
    assert stated.overrides == {
        "eta_noise_seed_delta": 0, "CLIP_stop_at_last_layers": 1, "emphasis": "Original", "tiling": False, "rho": 0.0,
    }  # fmt: skip
    assert stated.fields["scheduler"] == "Automatic"
    assert read_settings("a prompt alone", options).overrides == {} and not read_settings("a prompt alone", options).has_settings


def test_what_cannot_be_honoured_is_passed_on_to_be_said() -> None:
    text = "a\nSteps: 5, Sampler: Euler, CFG scale: 7, Seed: 1, Token merging ratio: 0.5, VAE Decoder: TAESD, VAE Encoder: Full"
    assert read_settings(text, Options()).overrides == {"token_merging_ratio": "0.5", "sd_vae_decode_method": "TAESD"}
