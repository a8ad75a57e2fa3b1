"""The samplers that ComfyUI's KSampler lists, by its names and in its order.

What is not here is refused by name. All walk along sigmas and are asked for clean latents; none takes eta or noise factors from a
request: those are 1, and churn is 0. The parameters that a function may ask for are `engine.sampling`'s (`last_uncond`), and the
node that sets a sampler apart may set others.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from modules.base.registry import Registry
from modules.engine.comfyui.samplers import cfgpp, ddpm, er_sde, heunpp, multistep, res, sa_solver, seeds, unipc
from modules.engine.samplers import dpm2, dpm_solver, dpmpp_2m, dpmpp_sde, euler, lcm
from modules.engine.samplers.table import SamplerSpec

RENOISED_MASK = "ddim"
"""The sampler that lays noise of its own under the mask."""
_ON_DEVICE = "_gpu"
_TWICE: dict[str, Any] = {"is_second_order": True}
_SDE: dict[str, Any] = {"is_brownian": True}
_DROPS: dict[str, Any] = {"discards_penultimate": True}
_CFG_PP: dict[str, Any] = {"parameters": ("last_uncond",)}
_SA: dict[str, Any] = {"parameters": ("alphas_cumprod",)}


def needs_uncond(spec: SamplerSpec) -> bool:
    """Whether the sampler works with the unguided prediction, so that it is made at guidance 1 too."""
    return "last_uncond" in spec.parameters


def is_noise_on_device(name: str) -> bool:
    """Whether Brownian noise is drawn by the generator of the device that computes."""
    return name.endswith(_ON_DEVICE)


def _rows() -> list[SamplerSpec]:
    return [
        SamplerSpec("euler", (), euler.euler),
        SamplerSpec("euler_cfg_pp", (), partial(cfgpp.euler_ancestral_cfg_pp, eta=0.0), **_CFG_PP),
        SamplerSpec("euler_ancestral", (), euler.euler_ancestral),
        SamplerSpec("euler_ancestral_cfg_pp", (), cfgpp.euler_ancestral_cfg_pp, **_CFG_PP),
        SamplerSpec("heun", (), euler.heun, **_TWICE),
        SamplerSpec("heunpp2", (), heunpp.heunpp2, **_TWICE),
        SamplerSpec("exp_heun_2_x0", (), partial(seeds.seeds_2, eta=0.0, r=1.0, solver_type="phi_2"), **_TWICE),
        SamplerSpec("exp_heun_2_x0_sde", (), partial(seeds.seeds_2, r=1.0, solver_type="phi_2"), **_TWICE),
        SamplerSpec("dpm_2", (), dpm2.dpm_2, **_TWICE, **_DROPS),
        SamplerSpec("dpm_2_ancestral", (), dpm2.dpm_2_ancestral, **_TWICE, **_DROPS),
        SamplerSpec("lms", (), partial(dpm2.lms, ends_clean=True)),
        SamplerSpec("dpm_fast", (), partial(dpm_solver.dpm_fast, eta=0.0, ends_clean=False)),
        SamplerSpec("dpm_adaptive", (), partial(dpm_solver.dpm_adaptive, eta=0.0, ends_clean=False)),
        SamplerSpec("dpmpp_2s_ancestral", (), dpmpp_sde.dpmpp_2s_ancestral, **_TWICE),
        SamplerSpec("dpmpp_2s_ancestral_cfg_pp", (), cfgpp.dpmpp_2s_ancestral_cfg_pp, **_CFG_PP, **_TWICE),
        SamplerSpec("dpmpp_sde", (), dpmpp_sde.dpmpp_sde, **_SDE, **_TWICE),
        SamplerSpec("dpmpp_sde_gpu", (), dpmpp_sde.dpmpp_sde, **_SDE, **_TWICE),
        SamplerSpec("dpmpp_2m", (), dpmpp_2m.dpmpp_2m),
        SamplerSpec("dpmpp_2m_cfg_pp", (), cfgpp.dpmpp_2m_cfg_pp, **_CFG_PP),
        SamplerSpec("dpmpp_2m_sde", (), dpmpp_sde.dpmpp_2m_sde, **_SDE),
        SamplerSpec("dpmpp_2m_sde_gpu", (), dpmpp_sde.dpmpp_2m_sde, **_SDE),
        SamplerSpec("dpmpp_2m_sde_heun", (), dpmpp_sde.dpmpp_2m_sde, **_SDE, solver_type="heun"),
        SamplerSpec("dpmpp_2m_sde_heun_gpu", (), dpmpp_sde.dpmpp_2m_sde, **_SDE, solver_type="heun"),
        SamplerSpec("dpmpp_3m_sde", (), dpmpp_sde.dpmpp_3m_sde, **_SDE),
        SamplerSpec("dpmpp_3m_sde_gpu", (), dpmpp_sde.dpmpp_3m_sde, **_SDE),
        SamplerSpec("ddpm", (), ddpm.ddpm),
        SamplerSpec("lcm", (), lcm.lcm),
        SamplerSpec("ipndm", (), multistep.ipndm),
        SamplerSpec("ipndm_v", (), multistep.ipndm_v),
        SamplerSpec("deis", (), multistep.deis),
        SamplerSpec("res_multistep", (), res.res_multistep),
        SamplerSpec("res_multistep_cfg_pp", (), res.res_multistep, **_CFG_PP),
        SamplerSpec("res_multistep_ancestral", (), partial(res.res_multistep, eta=1.0)),
        SamplerSpec("res_multistep_ancestral_cfg_pp", (), partial(res.res_multistep, eta=1.0), **_CFG_PP),
        SamplerSpec("gradient_estimation", (), multistep.gradient_estimation),
        SamplerSpec("gradient_estimation_cfg_pp", (), multistep.gradient_estimation, **_CFG_PP),
        SamplerSpec("er_sde", (), er_sde.er_sde),
        SamplerSpec("seeds_2", (), seeds.seeds_2, **_TWICE),
        SamplerSpec("seeds_3", (), seeds.seeds_3, **_TWICE),
        SamplerSpec("sa_solver", (), sa_solver.sa_solver, **_SA),
        SamplerSpec("sa_solver_pece", (), partial(sa_solver.sa_solver, is_evaluated_twice=True), **_SA, **_TWICE),
        SamplerSpec("ddim", (), euler.euler),
        SamplerSpec("uni_pc", (), partial(unipc.uni_pc, variant="bh1"), **_DROPS),
        SamplerSpec("uni_pc_bh2", (), partial(unipc.uni_pc, variant="bh2"), **_DROPS),
    ]


def _registry() -> Registry[SamplerSpec]:
    registry: Registry[SamplerSpec] = Registry("sampler_name")
    for spec in _rows():
        registry.add(spec.name, spec)
    return registry


SAMPLERS = _registry()
