"""Whose samplers and schedulers the lists show."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from modules.engine.samplers.table import SAMPLERS
from modules.engine.schedules import SCHEDULERS
from modules.web.ui.lists import choose_sampling, list_sampling

SESSION: Any = SimpleNamespace(
    samplers=lambda: [spec for _, spec in SAMPLERS.items()],
    schedulers=lambda: [SimpleNamespace(name=name, label=name) for name, _ in SCHEDULERS.items()],
)


def chosen(compat: str, sampler: str, scheduler: str) -> tuple[str, str]:
    updates = choose_sampling(SESSION, compat, sampler, scheduler)
    assert all(update["value"] in update["choices"] for update in updates)
    return updates[0]["value"], updates[1]["value"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (("DPM++ 2M", "Karras"), ("dpmpp_2m", "karras")),
        (("Euler a", "Automatic"), ("euler_ancestral", "normal")),
        (("UniPC", "SGM Uniform"), ("uni_pc", "sgm_uniform")),
    ],
)
def test_other_rules_keep_what_is_nearest_and_back_again(ours: tuple[str, str], theirs: tuple[str, str]) -> None:
    assert chosen("comfyui", *ours) == theirs
    assert chosen("a1111", *theirs) == ours


def test_names_that_fit_stay_and_those_without_a_like_become_the_first() -> None:
    samplers, schedulers = list_sampling(SESSION, "comfyui")
    assert chosen("comfyui", "uni_pc_bh2", "linear_quadratic") == ("uni_pc_bh2", "linear_quadratic")
    assert chosen("comfyui", "Restart", "Align Your Steps") == (samplers[0], schedulers[0])
    assert chosen("a1111", "DPM++ SDE", "Beta") == ("DPM++ SDE", "Beta")
