"""Schedules, noise and whole runs against ComfyUI's own (data/comfyui/units/{schedules.json,noise.npz,traces.npz})."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.backends.catalog import Catalog
from modules.backends.fake import FakeModel
from modules.backends.families.sd1 import StableDiffusion
from modules.backends.loader import load_checkpoint
from modules.base.errors import InvalidRequest, UnknownName
from modules.engine.callbacks import DenoiserParams, GuidedParams, SamplerCallbacks
from modules.engine.comfyui.conditioning import make_concat
from modules.engine.comfyui.noise import BatchBrownianNoise, StepNoise, draw_noise
from modules.engine.comfyui.prompts import build_conditioning, encode_text
from modules.engine.comfyui.sampling import SAMPLERS, CondPart, LatentRun, SamplingResult, make_sigmas, sample_latent
from modules.engine.comfyui.schedules import SCHEDULERS, ComfyLevels, standard_alphas
from modules.engine.conventions.comfyui import BatchNoise
from modules.engine.model import ModelKind
from modules.engine.sampling import LatentMask, SamplingPlan, sample_img2img
from tests.golden.rounding import IS_RECORDS_CPU, SLACK

UNITS = Path(__file__).parent / "data" / "comfyui" / "units"
SEED, CAT, NEGATIVE = 1234, "a photo of a red cat, sharp focus", "blurry, low quality"
ALPHAS = standard_alphas().float()
DIFFERENTIAL = {"diffdiff": 1.0, "diffdiff_strength0.5": 0.5}


def read(path: Path) -> dict[str, Tensor]:
    return {key: torch.from_numpy(value) for key, value in np.load(path).items()}


RECORDED: dict[str, Any] = json.loads((UNITS / "schedules.json").read_text("utf-8"))
NOISE, TRACES = read(UNITS / "noise.npz"), read(UNITS / "traces.npz")
NAMES = sorted({key.split("/")[0] for key in TRACES})


def test_every_schedule_is_the_same() -> None:
    worst = 0.0
    for key, wanted in RECORDED["schedules"].items():
        scheduler, sampler, steps, denoise = key.split("|")
        got = make_sigmas(scheduler, sampler, int(steps), float(denoise), ALPHAS).tolist()
        assert len(got) == len(wanted), key
        worst = max(worst, *(abs(a - b) / max(b, 0.01) for a, b in zip(got, wanted, strict=True)))
    print(f"{len(RECORDED['schedules'])} schedules: largest relative difference {worst:.1e}, limit 1e-05")
    assert worst <= 1e-5
    assert {key.split("|")[0] for key in RECORDED["schedules"]} == set(SCHEDULERS)
    for scheduler, wanted in RECORDED["steps1"].items():
        assert make_sigmas(scheduler, "euler", 1, 1.0, ALPHAS).tolist() == pytest.approx(wanted, rel=1e-5), scheduler


def test_levels_are_the_same() -> None:
    levels = ComfyLevels(ALPHAS)
    assert (levels.sigma_min, levels.sigma_max) == pytest.approx((RECORDED["sigma_min"], RECORDED["sigma_max"]), rel=5e-7)
    for sigma, timestep in RECORDED["timestep_of_sigma"]:
        assert int(levels.timestep(torch.tensor(sigma))) == timestep
    for timestep, sigma in RECORDED["sigma_of_timestep"]:
        assert float(levels.sigma(torch.tensor(float(timestep)))) == pytest.approx(sigma, rel=1e-6)
    for share, sigma in RECORDED["percent_to_sigma"][1:]:
        assert levels.sigma_of_share(share) == pytest.approx(sigma, rel=1e-6)


def test_noise_is_the_same_to_the_bit() -> None:
    steps, x = StepNoise(torch.zeros(1, 4, 8, 8), SEED), torch.zeros(2, 4, 8, 8)
    brownian = BatchBrownianNoise(x, SEED, torch.tensor([14.6, 7.0, 0.03, 0.0]))
    got = {
        "seed1234_1x4x16x16": draw_noise((1, 4, 16, 16), SEED),
        "seed1234_3x4x8x8": draw_noise((3, 4, 8, 8), SEED),
        "seed1234_inds2_1x4x8x8": draw_noise((1, 4, 8, 8), SEED, [2]),
        "seed1234_inds002_3x4x8x8": draw_noise((3, 4, 8, 8), SEED, [0, 0, 2]),
        "seed_2p63_12345_1x4x4x4": draw_noise((1, 4, 4, 4), 2**63 + 12345),
        "seed_max_1x4x4x4": draw_noise((1, 4, 4, 4), 2**64 - 1),
        "ancestral_seed1234_call1": steps(1.0, 0.5),
        "ancestral_seed1234_call2": steps(1.0, 0.5),
        "brownian_14.6_to_7": brownian(torch.tensor(14.6), torch.tensor(7.0)),
        "brownian_7_to_1": brownian(torch.tensor(7.0), torch.tensor(1.0)),
    }
    assert {name for name in NOISE if not torch.equal(got[name], NOISE[name])} == set()


def test_what_makes_no_schedule_is_refused() -> None:
    with pytest.raises(UnknownName, match="scheduler"):
        make_sigmas("uniform", "euler", 4, 1.0, ALPHAS)
    with pytest.raises(UnknownName, match="sampler"):
        make_sigmas("normal", "Euler a", 4, 1.0, ALPHAS)
    for steps, denoise, scheduler in ((0, 1.0, "normal"), (20, 1e-9, "normal"), (1, 1.0, "kl_optimal")):
        with pytest.raises(InvalidRequest):
            make_sigmas(scheduler, "euler", steps, denoise, ALPHAS)
    assert len(make_sigmas("normal", "euler", 4, 0.0, ALPHAS)) == 0


@pytest.fixture(scope="module")
def models(tiny_models: Path, vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, StableDiffusion]:
    catalog = Catalog([tiny_models], tmp_path_factory.mktemp("cache") / "checkpoints.json")
    load = partial(load_checkpoint, device=torch.device("cpu"), dtype=torch.float32, vocabulary=vocabulary)
    return {name: load(catalog.find(name)) for name in ("tiny_sd15", "tiny_sd15_inpaint")}


def of(name: str, what: str) -> Tensor:
    """What a trace recorded; what it shares with others is kept once."""
    own = TRACES.get(f"{name}/{what}")
    if own is None:
        own = TRACES["diffdiff/denoise_mask" if name in DIFFERENTIAL and what == "denoise_mask" else f"9ch/{what}"]
    return own


def sampler_of(name: str) -> str:
    return name if name in SAMPLERS else "euler"


def strength_of(name: str) -> float:
    return 0.6 if name.endswith("d0.6") else 1.0


def mask_of(name: str) -> Tensor | None:
    return None if name.startswith(("nomask", "empty")) else of(name, "denoise_mask")


def predictions(name: str) -> list[Tensor]:
    return [TRACES[f"{name}/denoised{call}"] for call in range(len(TRACES[f"{name}/sigmas"]))]


def run(name: str, model: Any, **callbacks: Any) -> SamplingResult:
    latent = of(name, "latent_image_scaled")
    sigmas = make_sigmas("normal", sampler_of(name), 6 if name == "diffdiff" else 4, strength_of(name), model.alphas_cumprod)
    settings = LatentRun(sampler_of(name), sigmas, 1.0 if name == "cfg1" else 7.0, SEED, DIFFERENTIAL.get(name))
    concat = TRACES["9ch/concat_latent"] if name == "9ch" else None
    positive, negative = (CondPart(encode_text(model.text, text, clip_skip=1).vectors, concat_latent=concat) for text in (CAT, NEGATIVE))
    noise = draw_noise(tuple(latent.shape), SEED)
    watched = SamplerCallbacks(**callbacks)
    return sample_latent(model, settings, latent, noise, [positive], [negative], noise_mask=mask_of(name), callbacks=watched)


def relative(got: Tensor, wanted: Tensor) -> float:
    return float((got - wanted).abs().max() / wanted.abs().max())


@pytest.mark.parametrize("name", NAMES)
def test_samplers_and_masks_alone_are_the_same(name: str) -> None:
    """Every guided prediction is replaced by the recorded one: what is left is noise, sampler and mask arithmetic."""
    seen: list[DenoiserParams] = []
    recorded = predictions(name)

    def replace(params: GuidedParams) -> None:
        params.x = recorded[len(seen) - 1]

    result = run(name, FakeModel(), on_denoiser=seen.append, on_guided=replace)
    assert [float(params.sigma[0]) for params in seen] == pytest.approx(
        TRACES[f"{name}/sigmas"].tolist(), rel=1e-6 if IS_RECORDS_CPU else 1e-4
    )
    x, sigma, mask = TRACES[f"{name}/x"], TRACES[f"{name}/sigmas"][-1], mask_of(name)
    if mask is not None and name != "diffdiff":
        if name in DIFFERENTIAL:  # the last threshold is 0, which sets everything free
            mask = 0.5 + 0.5 * mask
        x = x * mask + (of(name, "latent_image_scaled") + sigma * of(name, "inpaint_noise")) * (1 - mask)
    error, last = relative(seen[-1].x[:1], x), relative(result.latent / 0.18215, TRACES.get(f"{name}/out", recorded[-1] / 0.18215))
    print(f"{name}: largest relative difference of the last input {error:.1e}, of the result {last:.1e}, limit {SLACK * 1e-5:.0e}")
    assert max(error, last) <= SLACK * 1e-5


WHOLE = (
    "9ch",
    "cfg1",
    "ddim",
    "diffdiff",
    "diffdiff_strength0.5",
    "dpm_2",
    "dpmpp_sde",
    "empty_latent",
    "euler_d0.6",
    "nomask_d0.6",
    "uni_pc",
)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_runs_are_the_same(name: str, models: dict[str, StableDiffusion]) -> None:
    """With the model in the loop: its rounding is multiplied by guidance 7 at sigma 14.6, and by the middle steps of dpmpp_sde again."""
    seen: list[DenoiserParams] = []
    guided: list[Tensor] = []
    model = models["tiny_sd15_inpaint" if name == "9ch" else "tiny_sd15"]
    result = run(name, model, on_denoiser=seen.append, on_guided=lambda params: guided.append(params.x))
    limit = SLACK * (1e-3 if name == "dpmpp_sde" else 1e-4)
    errors = [relative(got, wanted) for got, wanted in zip(guided, predictions(name), strict=True)]
    print(f"{name}: relative differences {', '.join(f'{error:.1e}' for error in errors)}; limit {limit:.0e}")
    assert max(errors) <= limit
    assert result.model_calls == len(guided) and all(bool(len(params.text_uncond)) is (name != "cfg1") for params in seen)


def test_channels_of_inpainting_models_are_the_same() -> None:
    part = CondPart(torch.zeros(1, 77, 8), concat_latent=TRACES["9ch/concat_latent"], concat_mask=of("9ch", "denoise_mask"))
    channels = make_concat(ModelKind.INPAINT, part, of("9ch", "latent_image_scaled"), None, 0.18215)
    assert channels is not None and torch.equal(channels, TRACES["9ch/concat"])


@pytest.mark.parametrize("name", ["ddim", "dpmpp_2m_sde", "cfg1"])
def test_forms_give_what_workflows_give(name: str, models: dict[str, StableDiffusion]) -> None:
    """The convention that forms follow is the same arithmetic, to the bit."""
    model, latent, mask = models["tiny_sd15"], of(name, "latent_image_scaled"), mask_of(name)
    noise = BatchNoise((4, *latent.shape[2:]), [SEED])
    result = sample_img2img(
        model,
        SamplingPlan(sampler_of(name), "normal", 4, strength_of(name), 1.0 if name == "cfg1" else 7.0, eta=0.3, compat="comfyui"),
        latent,
        noise.first(),
        noise,
        build_conditioning([CAT], 4, model.text),
        build_conditioning([NEGATIVE], 4, model.text),
        mask=None if mask is None else LatentMask(mask[0]),
    )
    assert torch.equal(result.latent, run(name, model).latent)
