"""Whole runs against A1111's: what went into every model call, what came out, and the last latents (data/units/trace_*.npz)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.backends.catalog import Catalog
from modules.backends.fake import FakeModel
from modules.backends.families.sd1 import StableDiffusion
from modules.backends.loader import load_checkpoint
from modules.engine.callbacks import DenoiserParams, GuidedParams, SamplerCallbacks
from modules.engine.noise import ImageNoise
from modules.engine.prompts.conditioning import Emphasis, build_conditioning, encode_texts
from modules.engine.samplers.table import SAMPLERS
from modules.engine.sampling import LatentMask, SamplingPlan, sample_img2img
from tests.golden.rounding import SLACK

UNITS = Path(__file__).parent / "data" / "units"
CAT, NEGATIVE = "a photo of a cat, green eyes", "blurry, dark"

TRACES = {
    "euler": ("Euler", CAT),
    "euler_a": ("Euler a", CAT),
    "dpmpp_2m_karras": ("DPM++ 2M", CAT),
    "dpmpp_2m_sde": ("DPM++ 2M SDE", CAT),
    "lcm": ("LCM", CAT),
    "ddim": ("DDIM", CAT),
    "unipc": ("UniPC", CAT),
    "inpaint_euler_fill_1": ("Euler", CAT),
    "inpaint_fill_2": ("Euler", CAT),
    "inpaint_ddim": ("DDIM", CAT),
    "only_masked_pad_32": ("Euler", CAT),
    "m9_fill_1": ("Euler", CAT),
}
# Each call passes on about seven times the difference it is given: guidance again. UniPC extrapolates, and so doubles that.
LOOSER = {"unipc": 4.0}
# The network alone differs by up to 1e-5 from A1111's, guidance 7 multiplies that, and later steps carry it on.


@pytest.fixture(scope="module")
def catalog(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return Catalog([tiny_models], tmp_path_factory.mktemp("cache") / "checkpoints.json")


@pytest.fixture(scope="module")
def models(catalog: Catalog, vocabulary: Path) -> dict[str, StableDiffusion]:
    load = partial(load_checkpoint, device=torch.device("cpu"), dtype=torch.float32, vocabulary=vocabulary)
    return {name: load(catalog.find(name)) for name in ("tiny_sd15", "tiny_sd15_inpaint")}


def compare(what: str, got: Tensor, wanted: np.ndarray, limit: float) -> None:
    """Largest difference at most `limit`, and mean difference at most a tenth of it; more on a CPU that rounds otherwise."""
    limit *= SLACK
    difference = np.abs(got.numpy() - wanted)
    print(f"{what}: largest difference {difference.max():.1e}, limit {limit:.0e}; mean {difference.mean():.1e}, limit {limit / 10:.0e}")
    assert difference.max() <= limit and difference.mean() <= limit / 10, what


@pytest.mark.parametrize("name", TRACES)
def test_every_model_call_is_the_same(name: str, models: dict[str, StableDiffusion]) -> None:
    trace = np.load(UNITS / f"trace_{name}.npz")
    sampler, prompt = TRACES[name]
    model = models["tiny_sd15_inpaint" if "image_conditioning" in trace else "tiny_sd15"]
    seen: list[DenoiserParams] = []
    guided: list[Tensor] = []

    def keep(params: GuidedParams) -> None:
        guided.append(params.x)

    init = torch.from_numpy(trace["init_latent"])
    noise = ImageNoise((4, *init.shape[2:]), [1000])
    result = sample_img2img(
        model,
        SamplingPlan(sampler=sampler, scheduler="Automatic", steps=6, strength=0.75, cfg_scale=7.0),
        init,
        noise.first(),
        noise,
        build_conditioning([prompt], 6, model.text),
        build_conditioning([NEGATIVE], 6, model.text, is_composable=False),
        mask=LatentMask(torch.from_numpy(trace["nmask"])) if "nmask" in trace else None,
        concat=torch.from_numpy(trace["image_conditioning"]) if "image_conditioning" in trace else None,
        callbacks=SamplerCallbacks(on_denoiser=seen.append, on_guided=keep),
    )
    calls = sum(key.endswith("_denoised") for key in trace)
    assert SAMPLERS.get(sampler).name == sampler and len(seen) == calls == result.model_calls
    for index, params in enumerate(seen):
        scale = max(1.0, float(np.abs(trace[f"call{index}_x_in"]).max())) * LOOSER.get(name, 1.0)
        compare(f"level {index}", params.sigma, trace[f"call{index}_sigma_in"], 1e-3)
        compare(f"input {index}", params.x, trace[f"call{index}_x_in"], 1e-2 * scale)
        compare(f"output {index}", guided[index], trace[f"call{index}_denoised"], 1e-2 * scale)
    compare("last latent", result.latent, trace["final_latent"], 5e-2)


@pytest.mark.parametrize("name", TRACES)
def test_samplers_alone_are_the_same(name: str, models: dict[str, StableDiffusion]) -> None:
    """Every model output is replaced by the recorded one: what is left is the sampler's arithmetic: to the bit, on the records' CPU."""
    trace = np.load(UNITS / f"trace_{name}.npz")
    recorded = [torch.from_numpy(trace[f"call{index}_denoised"]) for index in range(5) if f"call{index}_denoised" in trace]
    inputs: list[Tensor] = []

    def replace(params: GuidedParams) -> None:
        params.x = recorded[len(inputs) - 1]

    model, init = FakeModel(), torch.from_numpy(trace["init_latent"])
    noise = ImageNoise((4, *init.shape[2:]), [1000])
    result = sample_img2img(
        model,
        SamplingPlan(sampler=TRACES[name][0], scheduler="Automatic", steps=6, strength=0.75),
        init,
        noise.first(),
        noise,
        build_conditioning([""], 6, model.text),
        build_conditioning([""], 6, model.text),
        mask=LatentMask(torch.from_numpy(trace["nmask"])) if "nmask" in trace else None,
        callbacks=SamplerCallbacks(on_denoiser=lambda params: inputs.append(params.x[:1]), on_guided=replace),
    )
    assert len(inputs) == len(recorded)
    for index, x in enumerate(inputs):
        compare(f"input {index}", x, trace[f"call{index}_x_in"][:1], 2e-6)
    compare("last latent", result.latent, trace["final_latent"], 2e-6)


def test_conditioning_is_the_same(models: dict[str, StableDiffusion]) -> None:
    conditioning = np.load(UNITS / "cond.npz")
    for name in conditioning:
        prompt, skip, emphasis = name.split("|")
        got = encode_texts([prompt], models["tiny_sd15"].text, int(skip.removeprefix("skip")), Emphasis(emphasis))
        compare(name, got[0], conditioning[name], 5e-6)
