"""The `infotext` field of a request: what it states, where the request itself says nothing."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from modules.base.errors import InvalidRequest, PentimentoError
from modules.pipeline.infotext_settings import InfotextSettings, read_settings
from modules.runtime.session import Session
from modules.web.api.schemas import StableDiffusionProcessingImg2Img


def apply_infotext(body: StableDiffusionProcessingImg2Img, session: Session) -> tuple[StableDiffusionProcessingImg2Img, list[str]]:
    """`body` with what its infotext states and the request did not set itself, and what the person should know of it.

    As in A1111, prompt, size, strength and guidance of the text are left aside for img2img.

    Raises:
        InvalidRequest: A stated value cannot be used.
    """
    if not body.infotext:
        return body, []
    stated = read_settings(body.infotext, session.options.current)
    overrides, notes = dict(stated.overrides), []
    given = body.model_dump(include=body.model_fields_set)
    asked = dict(body.override_settings or {})
    if "sd_model_checkpoint" not in asked:
        notes += _choose_checkpoint(stated, session, overrides)
    chosen = overrides.get("sd_model_checkpoint") or asked.get("sd_model_checkpoint")
    if stated.has_settings and not stated.states_precision and session.rounds(chosen):
        overrides["pentimento_precision"] = "fp32"
        notes.append("The infotext states no precision, so its picture was made in 32 bits; this one was, too.")
    try:
        merged = StableDiffusionProcessingImg2Img.model_validate({**stated.fields, **given, "override_settings": overrides | asked})
    except ValidationError as error:
        raise InvalidRequest("infotext", body.infotext, f"values that fit their fields: {error.errors()[0]['msg']}") from error
    return merged, notes


def _choose_checkpoint(stated: InfotextSettings, session: Session, overrides: dict[str, Any]) -> list[str]:
    """Take over the text's checkpoint where the options allow it, or say that another one is used."""
    digest, name = stated.model_hash, stated.model_name
    current = _find(session, None)
    if not (digest or name) or (current is not None and _is_meant(current, digest, name)):
        return []
    shown = f"{name} [{digest}]" if name and digest else name or digest
    wanted = next((found for text in (digest, name) if text and (found := _find(session, text)) is not None), None)
    if wanted is None or not _is_meant(wanted, digest, name):
        return [f"The infotext names the checkpoint {shown}, which is not installed; another one was used."]
    if session.options.current.disable_weights_auto_swap:
        return [f"The infotext names the checkpoint {shown}; the configured one was used (option disable_weights_auto_swap)."]
    overrides["sd_model_checkpoint"] = wanted.title
    return []


def _is_meant(info: Any, digest: str, name: str) -> bool:
    """By hash where both are known, else by name."""
    if digest and info.sha256:
        return bool(info.sha256.startswith(digest.lower()))
    return name in (info.model_name, info.path.stem)


def _find(session: Session, name: str | None) -> Any:
    """The checkpoint of that name (None = the configured one), or None."""
    try:
        return session.checkpoint(name)
    except PentimentoError:
        return None
