"""A run follows the convention that its plan names, decision by decision."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
import torch

from modules.backends.fake import FakeModel
from modules.base.errors import UnknownName
from modules.engine.conventions.a1111 import A1111
from modules.engine.conventions.convention import Convention
from modules.engine.conventions.table import CONVENTIONS
from modules.engine.levels import ConsistencyLevels
from modules.engine.noise import ImageNoise
from modules.engine.predictors import ConsistencyPredictor
from modules.engine.sampling import LatentMask, SamplingPlan, sample_img2img, total_steps

PLAN = SamplingPlan("Euler a", "Automatic", 4, 0.75)
START = torch.linspace(-1, 1, 4 * 8 * 8).view(1, 4, 8, 8)
CHANGES = {
    "plan_walk": lambda spec, plan, alphas: A1111.plan_walk(spec, dataclasses.replace(plan, scheduler="Karras"), alphas),
    "make_predictor": lambda spec, plan, model, alphas: ConsistencyPredictor(model, ConsistencyLevels(alphas)),
    "add_noise": lambda spec, plan, latent, noise, start, on_extra: latent + noise,
    "step_noise": lambda spec, walk, image_noise, x: lambda sigma, sigma_next: torch.zeros_like(x),
    "make_blending": lambda spec, original, repaint, *others: A1111.make_blending(spec, original, 1 - repaint, *others),
    "settle": lambda plan: dataclasses.replace(plan, cfg_scale=3.0),
}


@pytest.fixture
def other() -> Iterator[str]:
    yield "other"
    CONVENTIONS._values.pop("other", None)
    CONVENTIONS._names.pop("other", None)


def run(convention: Convention) -> torch.Tensor:
    CONVENTIONS.add("other", convention)
    model = FakeModel()
    plan = dataclasses.replace(PLAN, compat="other")
    noise = ImageNoise((4, 8, 8), [7])
    positive = convention.build_conditioning(["a cat"], 4, model.text)
    negative = convention.build_conditioning([""], 4, model.text)
    mask = LatentMask(torch.cat([torch.ones(8, 4), torch.zeros(8, 4)], dim=1))
    return sample_img2img(model, plan, START, noise.first(), noise, positive, negative, mask=mask).latent


@pytest.mark.parametrize("decision", list(CHANGES))
def test_every_decision_is_the_conventions(decision: str, other: str) -> None:
    assert not torch.equal(run(A1111), run(dataclasses.replace(A1111, **{decision: CHANGES[decision]})))


def test_counting_is_the_conventions(other: str) -> None:
    CONVENTIONS.add(other, dataclasses.replace(A1111, count=lambda spec, plan: A1111.count(spec, plan)._replace(steps=99)))
    assert total_steps(dataclasses.replace(PLAN, compat=other)) == 99


def test_an_unknown_convention_is_named() -> None:
    with pytest.raises(UnknownName, match="compat"):
        total_steps(dataclasses.replace(PLAN, compat="invokeai"))
