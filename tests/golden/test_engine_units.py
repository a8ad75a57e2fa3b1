"""Noise, schedules and prompts, step by step, against what A1111 v1.10.1 computed (data/units)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.backends.fake import FakeTextEncoder
from modules.backends.tokenizer import ClipTokenizer
from modules.engine.brownian import BrownianNoise
from modules.engine.levels import ConsistencyLevels, NoiseLevels
from modules.engine.noise import ImageNoise, NoiseSource
from modules.engine.prompts.attention import parse_attention
from modules.engine.prompts.chunks import Embedding, chunk_fragments
from modules.engine.prompts.schedule import schedule_prompt, split_and
from modules.engine.samplers.table import SAMPLERS
from modules.engine.schedules import SCHEDULERS, SigmaOptions, make_sigmas, plan_steps, timestep_schedule
from tests.golden.rounding import IS_RECORDS_CPU

UNITS = Path(__file__).parent / "data" / "units"
API = Path(__file__).parent / "data" / "api"
NOISE = np.load(UNITS / "noise.npz")
LEVELS = np.load(UNITS / "sigma_to_t.npz")
ALPHAS = torch.from_numpy(LEVELS["alphas_cumprod"])
SHAPE = (4, 16, 16)


def read(name: str) -> Any:
    return json.loads((UNITS / name).read_text(encoding="utf-8"))


def same(name: str, got: Tensor) -> None:
    assert np.array_equal(NOISE[name], got.numpy()), name


@pytest.mark.parametrize("source", NoiseSource)
def test_noise_is_bit_exact(source: NoiseSource) -> None:
    for seed in (0, 1000, 4294967293):
        noise = ImageNoise(SHAPE, [seed], source=source)
        for suffix in ("first", "next1", "next2"):
            same(f"{source.value}_seed{seed}_{suffix}", noise.next())
    sub = ImageNoise(SHAPE, [1000, 1000], subseeds=[77, 78], subseed_strength=0.4, source=source)
    same(f"{source.value}_sub77_0.4", sub.first())
    same(f"{source.value}_resize_h12_w24", ImageNoise(SHAPE, [1000], resize_from=(12, 24), source=source).first())
    shifted = ImageNoise(SHAPE, [1000], ensd=31337, source=source)
    same(f"{source.value}_ensd31337_first", shifted.first())
    same(f"{source.value}_ensd31337_next1", shifted.next())


@pytest.mark.parametrize("source", NoiseSource)
def test_brownian_noise_is_bit_exact(source: NoiseSource) -> None:
    noise = BrownianNoise(0.03, 14.6, [1000, 1001], (4, 8, 8), source, torch.device("cpu"))
    names = [name for name in NOISE if name.startswith(f"{source.value}_brownian")]
    assert len(names) == 5
    for name in names:
        start, end = re.findall(r"call\d_([\d.]+)_([\d.]+)$", name)[0]
        same(name, noise(torch.tensor(float(start)), torch.tensor(float(end))))


def test_every_schedule_is_bit_exact() -> None:
    """On another CPU than the records', within a few units in the last place."""
    for name, wanted in read("sigmas.json").items():
        sampler, scheduler, count = name.split("/")
        if scheduler == "timesteps":
            assert timestep_schedule(int(count)).tolist() == wanted, name
            continue
        spec = SAMPLERS.get(sampler)
        levels = ConsistencyLevels(ALPHAS) if sampler == "LCM" else NoiseLevels(ALPHAS)
        chosen = SCHEDULERS.get(spec.scheduler or scheduler if scheduler == "Automatic" else scheduler)
        got = make_sigmas(chosen, int(count), levels, SigmaOptions(discard_penultimate=spec.discards_penultimate))
        torch.testing.assert_close(got, torch.tensor(wanted), rtol=0 if IS_RECORDS_CPU else 5e-7, atol=0, msg=name)


def test_timestep_of_a_sigma() -> None:
    levels, sigma = NoiseLevels(ALPHAS), torch.from_numpy(LEVELS["sigma"])
    np.testing.assert_allclose(levels.sigmas.numpy(), LEVELS["sigmas_table"], rtol=0 if IS_RECORDS_CPU else 5e-7)
    np.testing.assert_allclose(levels.timestep(sigma).numpy(), LEVELS["t"], rtol=0, atol=0 if IS_RECORDS_CPU else 5e-4)
    assert np.array_equal(NoiseLevels(ALPHAS, is_quantized=True).timestep(sigma).numpy(), LEVELS["t_quantized"])


def test_steps_of_img2img() -> None:
    for case in read("img2img_steps.json"):
        got = plan_steps(case["steps"], case["denoising_strength"], case["fix_steps"])
        assert (got.schedule_steps, got.t_enc) == (case["schedule_steps"], case["t_enc"]), case


def test_prompt_schedules() -> None:
    for case in read("prompt_schedules.json"):
        got = [[entry.end_at_step, entry.text] for entry in schedule_prompt(case["prompt"], case["steps"], case["old"])]
        assert got == case["schedule"], case["prompt"]


def test_prompts_joined_by_and() -> None:
    for case in read("prompt_and.json"):
        assert [list(part) for part in split_and(case["prompt"])] == case["parts"], case["prompt"]


def test_attention_and_chunks(vocabulary: Path) -> None:
    tokenizer = ClipTokenizer(vocabulary)

    class Encoder(FakeTextEncoder):
        def tokenize(self, text: str) -> list[int]:
            return tokenizer.tokenize(text)

    class Table:
        signature = "table"
        name = tokenizer.tokenize("tiny_ti")

        def find(self, tokens: Sequence[int], position: int) -> tuple[Embedding, int] | None:
            is_named = list(tokens[position : position + len(self.name)]) == self.name
            return (Embedding("tiny_ti", torch.zeros(3, 16)), len(self.name)) if is_named else None

        def named(self, name: str) -> Embedding | None:
            raise AssertionError("A1111 looks for bare names")

    for case in read("prompt_chunks.json"):
        fragments = parse_attention(case["prompt"])
        assert [[fragment.text, fragment.weight] for fragment in fragments] == case["attention"], case["prompt"]
        got = chunk_fragments(fragments, Encoder(), embeddings=Table())
        assert got.token_count == case["token_count"], case["prompt"]
        for chunk, wanted in zip(got.chunks, case["chunks"], strict=True):
            assert (chunk.tokens, chunk.weights) == (wanted["tokens"], wanted["multipliers"]), case["prompt"]
            assert [[item.offset, item.embedding.name] for item in chunk.insertions] == wanted["fixes"], case["prompt"]


def test_samplers_and_schedulers_as_the_api_lists_them() -> None:
    samplers = [{"name": spec.name, "aliases": list(spec.aliases), "options": spec.options} for _, spec in SAMPLERS.items()]
    assert samplers == json.loads((API / "GET_samplers.json").read_text())
    schedulers = [
        {
            "name": spec.name,
            "label": spec.label,
            "aliases": list(spec.aliases) or None,
            "default_rho": spec.default_rho,
            "need_inner_model": spec.need_inner_model,
        }
        for _, spec in SCHEDULERS.items()
    ]
    assert schedulers == json.loads((API / "GET_schedulers.json").read_text())
