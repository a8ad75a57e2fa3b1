"""Samplers against k-diffusion's: final latents of a toy denoiser, stored in sampler_table/table.json (see the README there)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from modules.engine.samplers.table import SAMPLERS
from tests.unit.engine.toy_sampling import SCHEDULES, VARIANTS, toy_denoise, toy_noise, toy_sigmas, toy_start

TABLE = json.loads((Path(__file__).parent / "sampler_table" / "table.json").read_text(encoding="utf-8"))
LIMIT = 5e-6
"""Of the largest value; what is left is the rounding of exp, log and tanh on other processors."""


@pytest.mark.parametrize("sampler", VARIANTS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_sampler_ends_where_k_diffusions_does(sampler: str, schedule: str) -> None:
    sigmas = toy_sigmas(schedule)
    for index, arguments in enumerate(VARIANTS[sampler]):
        got = SAMPLERS.get(sampler).function(toy_denoise, toy_start(sigmas), sigmas, toy_noise(), lambda: None, **arguments)
        wanted = torch.tensor(TABLE[f"{sampler}/{schedule}/{index}"])
        error = float((got.flatten() - wanted).abs().max() / wanted.abs().max())
        print(f"{sampler}, {schedule}, {arguments}: error {error:.1e}, limit {LIMIT:.0e}")
        assert error <= LIMIT, arguments


def test_the_table_holds_nothing_else() -> None:
    assert set(TABLE) == {f"{name}/{schedule}/{i}" for name, rows in VARIANTS.items() for schedule in SCHEDULES for i in range(len(rows))}
