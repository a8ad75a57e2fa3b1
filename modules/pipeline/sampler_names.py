"""Names of samplers and schedulers as requests spell them."""

from __future__ import annotations

from modules.base.errors import UnknownName
from modules.engine.conventions.convention import Convention
from modules.engine.conventions.table import CONVENTIONS
from modules.engine.samplers.table import SAMPLERS
from modules.engine.schedules import SCHEDULERS

AUTOMATIC = "Automatic"
IN_COMFYUI = {
    "Euler": "euler",
    "Euler a": "euler_ancestral",
    "Heun": "heun",
    "DPM2": "dpm_2",
    "DPM2 a": "dpm_2_ancestral",
    "LMS": "lms",
    "DPM fast": "dpm_fast",
    "DPM adaptive": "dpm_adaptive",
    "DPM++ 2S a": "dpmpp_2s_ancestral",
    "DPM++ SDE": "dpmpp_sde",
    "DPM++ 2M": "dpmpp_2m",
    "DPM++ 2M SDE": "dpmpp_2m_sde",
    "DPM++ 2M SDE Heun": "dpmpp_2m_sde_heun",
    "DPM++ 3M SDE": "dpmpp_3m_sde",
    "LCM": "lcm",
    "DDIM": "ddim",
    "UniPC": "uni_pc",
}
"""A1111's samplers to ComfyUI's of the same family; the pictures differ. Restart, PLMS and DDIM CFG++ have none."""
SCHEDULES_IN_COMFYUI = {
    AUTOMATIC: "normal",
    "Uniform": "normal",
    "Normal": "normal",
    "Karras": "karras",
    "Exponential": "exponential",
    "SGM Uniform": "sgm_uniform",
    "KL Optimal": "kl_optimal",
    "Simple": "simple",
    "DDIM": "ddim_uniform",
    "Beta": "beta",
}
"""A1111's schedules to ComfyUI's; Polyexponential and Align Your Steps have none."""
FIXED_S_NOISE = frozenset({"Euler a", "DPM adaptive", "Restart"})
"""Samplers that A1111 never gives `s_noise`, neither the request's nor the option's, although their functions would take it."""


def resolve_sampler(sampler: str, scheduler: str | None, compat: str = "a1111") -> tuple[str, str]:
    """Registered names for a request's; "DPM++ 2M Karras" is split, and its suffix wins over `scheduler`.

    Args:
        compat: Whose names are wanted. ComfyUI's are found by A1111's too; "Automatic" is then the sampler's own schedule.

    Raises:
        UnknownName: No such sampler or scheduler.
    """
    if compat != "a1111":
        return _resolve_in_comfyui(sampler, scheduler, CONVENTIONS.get(compat))
    if sampler not in SAMPLERS:
        for cut in (place for place, sign in enumerate(sampler) if sign == " "):
            head, tail = sampler[:cut], sampler[cut + 1 :]
            if head in SAMPLERS and tail in SCHEDULERS:
                return SAMPLERS.resolve(head), SCHEDULERS.resolve(tail)
    try:
        name = SAMPLERS.resolve(sampler)
    except UnknownName as error:
        raise UnknownName("sampler_name", sampler, error.known) from None
    return name, SCHEDULERS.resolve(scheduler or AUTOMATIC)


def _resolve_in_comfyui(sampler: str, scheduler: str | None, convention: Convention) -> tuple[str, str]:
    wanted = scheduler or AUTOMATIC
    if sampler in convention.samplers:
        return convention.samplers.resolve(sampler), _find_schedule(wanted, convention)
    try:
        own, suffix = resolve_sampler(sampler, None)
        name = IN_COMFYUI[own]
    except (UnknownName, KeyError):
        raise UnknownName("sampler_name", sampler, list(convention.samplers)) from None
    wanted = wanted if suffix == AUTOMATIC else suffix
    if wanted.strip().casefold() == AUTOMATIC.casefold():
        wanted = scheduler_label(own, AUTOMATIC)
    return convention.samplers.resolve(name), _find_schedule(wanted, convention)


def _find_schedule(label: str, convention: Convention) -> str:
    if label in convention.schedulers:
        return convention.schedulers.resolve(label)
    try:
        return SCHEDULES_IN_COMFYUI[SCHEDULERS.resolve(label)]
    except (UnknownName, KeyError):
        raise UnknownName("scheduler", label, list(convention.schedulers)) from None


def scheduler_label(sampler: str, scheduler: str) -> str:
    """What infotext calls the schedule: "Automatic" only where the sampler has no schedule of its own."""
    if scheduler != AUTOMATIC:
        return scheduler
    own = SAMPLERS.get(sampler).scheduler
    return SCHEDULERS.resolve(own) if own else AUTOMATIC


def scheduler_names() -> list[str]:
    """Labels of all schedulers, in the order of the table."""
    return [label for label, _ in SCHEDULERS.items()]
