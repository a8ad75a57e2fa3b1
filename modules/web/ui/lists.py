"""Lists that come from the session: checkpoints, samplers, schedulers; and what follows from a choice."""

from __future__ import annotations

from typing import Any

import gradio as gr

from modules.runtime.session import Session
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

    def fill(self, language: str, checkpoint: str | None) -> tuple[Any, Any, Any]:
        """All three lists, for a page that was just opened."""
        samplers = [spec.name for spec in self._session.samplers()]
        schedulers = [(getattr(spec, "label", spec.name), getattr(spec, "label", spec.name)) for spec in self._session.schedulers()]
        return self._checkpoints(language, checkpoint), gr.update(choices=samplers), gr.update(choices=schedulers)

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
        choices = [(self._label(language, info), info.title) for info in sorted(found, key=lambda info: not info.is_supported)]
        titles = {title for _, title in choices}
        if chosen not in titles:
            chosen = self._session.checkpoint().title if any(info.is_supported for info in found) else None
        return gr.update(choices=choices, value=chosen)

    def _label(self, language: str, info: Any) -> str:
        if info.is_supported:
            return str(info.label)
        reason = self._texts.say(language, "checkpoint.unsupported")
        return f"⊘ {info.label} — {reason}: {info.reason}"
