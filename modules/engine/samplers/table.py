"""All samplers, as `/sdapi/v1/samplers` lists them, and what each asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from torch import Tensor

from modules.base.registry import Registry
from modules.engine.samplers import ddim, dpm2, dpm_solver, dpmpp_2m, dpmpp_sde, euler, lcm, plms, restart, unipc

CHURN = ("s_churn", "s_tmin", "s_tmax", "s_noise")
_ANCESTRAL: dict[str, Any] = {"parameters": ("eta", "s_noise"), "uses_ensd": True}
_SDE: dict[str, Any] = {"parameters": ("eta", "s_noise"), "is_brownian": True}


class Family(Enum):
    """What a sampler walks along, and what the model is asked for there."""

    SIGMA = "sigma"
    """Noise levels; clean latents."""
    TIMESTEP = "timestep"
    """The trained timesteps; noise."""
    CONSISTENCY = "consistency"
    """Noise levels of a latent consistency model; clean latents."""


@dataclass(frozen=True)
class SamplerSpec:
    """A sampler and its ways.

    Attributes:
        name, aliases: How it is spelled.
        function: (denoise, x, sigmas or timesteps, noise, on_step, **`parameters`) -> latents.
        family: See there.
        parameters: Keyword arguments that it takes from the sampling plan.
        scheduler: Of its own, when the request says Automatic; None = the model's schedule.
        is_second_order: Two model calls a step: prompt schedules count twice as far.
        uses_ensd: Draws from the image generators, so the eta noise seed delta matters.
        discards_penultimate: Leaves out the last sigma above 0.
        is_brownian: Noise comes from Brownian motion.
        solver_type: Fixed argument of functions that have variants.
        guidance_factor: On the guidance scale.
    """

    name: str
    aliases: tuple[str, ...]
    function: Callable[..., Tensor]
    family: Family = Family.SIGMA
    parameters: tuple[str, ...] = ()
    scheduler: str | None = None
    is_second_order: bool = False
    uses_ensd: bool = False
    discards_penultimate: bool = False
    is_brownian: bool = False
    solver_type: str | None = None
    guidance_factor: float = 1.0

    @property
    def is_timestep(self) -> bool:
        return self.family is Family.TIMESTEP

    @property
    def takes_eta(self) -> bool:
        return "eta" in self.parameters

    @property
    def takes_churn(self) -> bool:
        return "s_churn" in self.parameters

    @property
    def default_eta(self) -> float:
        return 0.0 if self.is_timestep else 1.0

    @property
    def options(self) -> dict[str, str]:
        """What the API tells of it, in A1111's words."""
        told = {
            "scheduler": self.scheduler,
            "uses_ensd": self.uses_ensd,
            "second_order": self.is_second_order,
            "discard_next_to_last_sigma": self.discards_penultimate,
            "brownian_noise": self.is_brownian,
            "solver_type": self.solver_type,
        }
        return {key: str(value) for key, value in told.items() if value}


def _registry() -> Registry[SamplerSpec]:
    registry: Registry[SamplerSpec] = Registry("sampler")
    for spec in (
        SamplerSpec("DPM++ 2M", ("k_dpmpp_2m",), dpmpp_2m.dpmpp_2m, scheduler="karras"),
        SamplerSpec("DPM++ SDE", ("k_dpmpp_sde",), dpmpp_sde.dpmpp_sde, **_SDE, scheduler="karras", is_second_order=True),
        SamplerSpec("DPM++ 2M SDE", ("k_dpmpp_2m_sde",), dpmpp_sde.dpmpp_2m_sde, **_SDE, scheduler="exponential"),
        SamplerSpec(
            "DPM++ 2M SDE Heun", ("k_dpmpp_2m_sde_heun",), dpmpp_sde.dpmpp_2m_sde, **_SDE, scheduler="exponential", solver_type="heun"
        ),
        SamplerSpec("DPM++ 2S a", ("k_dpmpp_2s_a",), dpmpp_sde.dpmpp_2s_ancestral, **_ANCESTRAL, scheduler="karras", is_second_order=True),
        SamplerSpec(
            "DPM++ 3M SDE", ("k_dpmpp_3m_sde",), dpmpp_sde.dpmpp_3m_sde, **_SDE, scheduler="exponential", discards_penultimate=True
        ),
        SamplerSpec("Euler a", ("k_euler_a", "k_euler_ancestral"), euler.euler_ancestral, **_ANCESTRAL),
        SamplerSpec("Euler", ("k_euler",), euler.euler, parameters=CHURN),
        SamplerSpec("LMS", ("k_lms",), dpm2.lms),
        SamplerSpec("Heun", ("k_heun",), euler.heun, parameters=CHURN, is_second_order=True),
        SamplerSpec(
            "DPM2", ("k_dpm_2",), dpm2.dpm_2, parameters=CHURN, scheduler="karras", is_second_order=True, discards_penultimate=True
        ),
        SamplerSpec(
            "DPM2 a",
            ("k_dpm_2_a",),
            dpm2.dpm_2_ancestral,
            **_ANCESTRAL,
            scheduler="karras",
            is_second_order=True,
            discards_penultimate=True,
        ),
        SamplerSpec("DPM fast", ("k_dpm_fast",), dpm_solver.dpm_fast, **_ANCESTRAL),
        SamplerSpec("DPM adaptive", ("k_dpm_ad",), dpm_solver.dpm_adaptive, **_ANCESTRAL),
        SamplerSpec("Restart", ("restart",), restart.restart, parameters=("s_noise",), scheduler="karras", is_second_order=True),
        SamplerSpec("DDIM", ("ddim",), ddim.ddim, Family.TIMESTEP, ("eta", "alphas_cumprod")),
        SamplerSpec(
            "DDIM CFG++",
            ("ddim_cfgpp",),
            ddim.ddim_cfgpp,
            Family.TIMESTEP,
            ("eta", "alphas_cumprod", "last_uncond"),
            guidance_factor=1 / 12.5,
        ),
        SamplerSpec("PLMS", ("plms",), plms.plms, Family.TIMESTEP, ("alphas_cumprod",)),
        SamplerSpec(
            "UniPC",
            ("unipc",),
            unipc.unipc,
            Family.TIMESTEP,
            ("alphas_cumprod", "variant", "skip_type", "order", "lower_order_final"),
        ),
        SamplerSpec("LCM", ("k_lcm",), lcm.lcm, Family.CONSISTENCY),
    ):
        registry.add(spec.name, spec, spec.aliases)
    return registry


SAMPLERS = _registry()
