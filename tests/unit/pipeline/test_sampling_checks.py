"""Numbers that cannot make a picture are refused by name, and not blamed on the checkpoint."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from modules.backends.fake import FakeModel
from modules.base.errors import InvalidRequest
from modules.engine.devices import NansException
from modules.plugins.runner import ScriptRunner
from modules.plugins.script import Script
from tests.unit.pipeline.conftest import Run


class Reseeding(Script):
    def title(self) -> str:
        return "Reseeding"

    def process(self, p: Any, *args: Any) -> None:
        p.all_seeds = [-7]


class Empty(FakeModel):
    """Answers with NaN."""

    def predict(self, x: torch.Tensor, *args: Any, **named: Any) -> torch.Tensor:
        return torch.full_like(x, torch.nan)


def refused(run: Run, *args: Any, **fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        run(*args, **fields)
    return caught.value


@pytest.mark.parametrize("sampler", ["DPM++ SDE", "DPM++ 2M SDE", "DPM++ 2M SDE Heun", "DPM++ 3M SDE"])
def test_a_brownian_sampler_takes_no_negative_seed(run: Run, sampler: str) -> None:
    error = refused(run, seed=-5, sampler_name=sampler)
    assert (error.field, error.got) == ("seed", -5) and sampler in error.wanted
    assert refused(run, sampler_name=sampler, scripts=ScriptRunner([], [Reseeding()])).got == -7
    assert run(seed=-1, sampler_name=sampler)[0].all_seeds[0] >= 0


def test_other_samplers_take_negative_seeds(run: Run) -> None:
    assert run(seed=-5, sampler_name="Euler a")[0].all_seeds == [-5]


@pytest.mark.parametrize(
    ("options", "field", "told"),
    [
        ({"sigma_min": 5, "sigma_max": 1}, "sigma_min", "less than sigma_max (1), with scheduler Karras"),
        ({"sigma_min": 200.0}, "sigma_min", "less than the model's highest sigma"),
        ({"sigma_max": 0.001}, "sigma_max", "more than the model's lowest sigma"),
        ({"sigma_min": 20.0, "use_old_karras_scheduler_sigmas": True}, "sigma_min", "highest sigma"),
    ],
)
def test_noise_must_fall(run: Run, options: dict[str, Any], field: str, told: str) -> None:
    error = refused(run, override_settings=options, scheduler="Karras")
    assert error.field == field and told in error.wanted


@pytest.mark.parametrize(
    ("sampler", "scheduler"), [("Euler", "Automatic"), ("Euler", "Simple"), ("Euler", "Align Your Steps"), ("DDIM", "Karras")]
)
def test_schedules_that_do_not_heed_the_ends_run_all_the_same(run: Run, sampler: str, scheduler: str) -> None:
    options = {"sigma_min": 5.0, "sigma_max": 1.0}
    assert len(run(override_settings=options, sampler_name=sampler, scheduler=scheduler)[0].images) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_model_that_computes_in_float32_is_not_told_to(run: Run, dtype: torch.dtype) -> None:
    model = Empty()
    model.dtype = dtype
    with pytest.raises(NansException) as caught:
        run(model)
    assert ("--no-half" in str(caught.value)) is (dtype != torch.float32)
    assert "far too large, or the checkpoint damaged" in str(caught.value)
