"""Lists that come from the session: checkpoints, samplers, schedulers; and what follows from a choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from modules.base.errors import UnknownName
from modules.base.registry import load_dotted
from modules.runtime.session import Session
from modules.web.ui.form import COMPATS
from modules.web.ui.messages import looked_at
from modules.web.ui.studio import Studio
from modules.web.ui.texts import Texts

PRESET_FIELDS = ("width", "height", "denoising_strength", "inpainting_fill", "inpaint_full_res", "inpaint_full_res_padding")
"""What changes with the checkpoint."""


class Lists:
    """Event handlers around choices."""

    def __init__(self, session: Session, texts: Texts, studio: Studio) -> None:
        self._session, self._texts, self._studio = session, texts, studio

    def outputs(self) -> list[Any]:
        fields = self._studio.fields
        return [fields["checkpoint"], fields["sampler_name"], fields["scheduler"]]

    def preset_outputs(self) -> list[Any]:
        return [self._studio.fields[name] for name in PRESET_FIELDS]

    def fill(self, language: str, checkpoint: str | None, kept: object) -> tuple[Any, Any, Any]:
        """All three lists, for a page that was just opened.

        Args:
            kept: The form as the browser kept it; it says whose samplers are wanted.
        """
        compat = kept.get("compat") if isinstance(kept, Mapping) else None
        samplers, schedulers = list_sampling(self._session, compat if compat in COMPATS else COMPATS[0])
        return self._checkpoints(language, checkpoint), gr.update(choices=samplers), gr.update(choices=schedulers)

    def follow(self, language: str, compat: str, sampler: str, scheduler: str) -> tuple[Any, Any]:
        """Other rules: their samplers and schedulers, with those chosen that come nearest to the ones before."""
        return choose_sampling(self._session, compat, sampler, scheduler)

    def refresh(self, language: str, checkpoint: str | None) -> tuple[Any, Any, Any]:
        """Look for checkpoints again."""
        return self._checkpoints(language, checkpoint), gr.skip(), gr.skip()

    def choose(self, language: str, checkpoint: str | None) -> tuple[Any, ...]:
        """Start values that suit another checkpoint.

        Raises:
            UnsupportedCheckpoint: It is listed, but cannot be run; the message says why.
        """
        preset = self._session.preset(checkpoint)
        return tuple(int(value) if isinstance(value := getattr(preset, name), bool) else value for name in PRESET_FIELDS)

    def last_seed(self, language: str, shown: list[dict[str, Any]], selected: int) -> int:
        """The seed of the result that is looked at."""
        return int(looked_at(shown, selected)["seed"])

    def _checkpoints(self, language: str, chosen: str | None) -> Any:
        found = self._session.checkpoints()
        choices = list_checkpoints(self._session, self._texts, language)
        titles = {title for _, title in choices}
        if chosen not in titles:
            chosen = self._session.checkpoint().title if any(info.is_supported for info in found) else None
        return gr.update(choices=choices, value=chosen)


def list_checkpoints(session: Session, texts: Texts, language: str) -> list[tuple[str, str]]:
    """What a list of checkpoints shows, and their titles; those that cannot be used come last, with the reason."""

    def label(info: Any) -> str:
        if info.is_supported:
            return str(info.label)
        reason = texts.say(language, "checkpoint.unsupported")
        return f"⊘ {info.label} — {reason}: {info.reason}"

    return [(label(info), info.title) for info in sorted(session.checkpoints(), key=lambda info: not info.is_supported)]


def list_sampling(session: Session, compat: str) -> tuple[list[str], list[str]]:
    """Samplers and schedulers of one program's rules (imports torch on first use)."""
    if compat == COMPATS[0]:
        return [spec.name for spec in session.samplers()], [getattr(spec, "label", spec.name) for spec in session.schedulers()]
    conventions: Any = load_dotted("modules.engine.conventions.table:CONVENTIONS")
    convention = conventions.get(compat)
    return list(convention.samplers), list(convention.schedulers)


def choose_sampling(session: Session, compat: str, sampler: str, scheduler: str) -> tuple[Any, Any]:
    """Updates of the two lists, to the rules of `compat`.

    Args:
        sampler, scheduler: What is to be chosen, by the names of either program; the first of the list where there is none like it.
    """
    samplers, schedulers = list_sampling(session, compat)
    if sampler not in samplers or scheduler not in schedulers:
        sampler, scheduler = _translate(compat, sampler, scheduler)
    chosen = sampler if sampler in samplers else samplers[0]
    return (
        gr.update(choices=samplers, value=chosen),
        gr.update(choices=schedulers, value=scheduler if scheduler in schedulers else schedulers[0]),
    )


def _translate(compat: str, sampler: str, scheduler: str) -> tuple[str, str]:
    """The names of another program's nearest sampler and schedule; unchanged where nothing is near."""
    names: Any = load_dotted("modules.pipeline.sampler_names:IN_COMFYUI")
    schedules: Any = load_dotted("modules.pipeline.sampler_names:SCHEDULES_IN_COMFYUI")
    if compat != COMPATS[0]:
        resolve: Any = load_dotted("modules.pipeline.sampler_names:resolve_sampler")
        try:
            found: tuple[str, str] = resolve(sampler, scheduler, compat)
        except UnknownName:
            return names.get(sampler, sampler), schedules.get(scheduler, scheduler)
        return found
    plain = {theirs: ours for ours, theirs in reversed(names.items())}
    schedule = {theirs: ours for ours, theirs in reversed(schedules.items())}
    return plain.get(sampler, sampler), schedule.get(scheduler, scheduler)
