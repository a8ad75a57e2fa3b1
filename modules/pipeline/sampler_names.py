"""Names of samplers and schedulers as requests spell them."""

from __future__ import annotations

from modules.base.errors import UnknownName
from modules.engine.samplers.table import SAMPLERS
from modules.engine.schedules import SCHEDULERS

AUTOMATIC = "Automatic"
FIXED_S_NOISE = frozenset({"Euler a", "DPM adaptive", "Restart"})
"""Samplers that A1111 never gives `s_noise`, neither the request's nor the option's, although their functions would take it."""


def resolve_sampler(sampler: str, scheduler: str | None) -> tuple[str, str]:
    """Registered names for a request's; "DPM++ 2M Karras" is split, and its suffix wins over `scheduler`.

    Raises:
        UnknownName: No such sampler or scheduler.
    """
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


def scheduler_label(sampler: str, scheduler: str) -> str:
    """What infotext calls the schedule: "Automatic" only where the sampler has no schedule of its own."""
    if scheduler != AUTOMATIC:
        return scheduler
    own = SAMPLERS.get(sampler).scheduler
    return SCHEDULERS.resolve(own) if own else AUTOMATIC


def scheduler_names() -> list[str]:
    """Labels of all schedulers, in the order of the table."""
    return [label for label, _ in SCHEDULERS.items()]
