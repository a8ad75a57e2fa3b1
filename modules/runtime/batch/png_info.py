"""What a picture's own settings change in the form, file by file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from modules.base.errors import PentimentoError, UnknownName
from modules.base.registry import load_dotted
from modules.pipeline.infotext_parse import parse_infotext

NUMBERS: dict[str, tuple[tuple[str, str, type], ...]] = {
    "Seed": (("Seed", "seed", int),),
    "CFG scale": (("CFG scale", "cfg_scale", float),),
    "Steps": (("Steps", "steps", int),),
    "Size": (("Size-1", "width", int), ("Size-2", "height", int)),
}
"""By what a person ticks: key of the infotext, field of a request, type."""
PROMPTS = {"Prompt": "prompt", "Negative prompt": "negative_prompt"}
FindCheckpoint = Callable[[str], Any]
"""The `CheckpointInfo` of a name or hash; raises a `PentimentoError`."""


def apply_info(
    infotext: str, props: Collection[str], fields: Mapping[str, Any], find_checkpoint: FindCheckpoint
) -> tuple[dict[str, Any], list[str]]:
    """Let an infotext decide what was ticked. As in A1111, prompts are added to the form's, the rest replaces it.

    Args:
        props: Those of `settings.PROPS` that count.
        fields: The form's, by field of a request; not changed.

    Returns:
        The fields for this picture, and what could not be taken, in words.
    """
    stated = parse_infotext(infotext) if infotext.strip() else {}
    if "Steps" not in stated and not stated.get("Prompt"):
        return dict(fields), ["no settings were found in the picture; the form's were used"]
    changed, notes = dict(fields), []
    for key, name in PROMPTS.items():
        if key in props and stated.get(key):
            changed[name] = f"{changed.get(name) or ''} {stated[key]}".strip()
    for prop, parts in NUMBERS.items():
        if prop in props and all(key in stated for key, _, _ in parts):
            try:
                changed |= {name: read(stated[key]) for key, name, read in parts}
            except (ValueError, OverflowError):
                notes.append(f"{prop} {stated[parts[0][0]]!r} cannot be used; the form's was")
    if "Sampler" in props and "Sampler" in stated:
        notes += _set_sampler(changed, str(stated["Sampler"]), str(stated.get("Schedule type") or ""))
    if "Model hash" in props and stated.get("Model hash"):
        notes += _set_checkpoint(changed, str(stated["Model hash"]), str(stated.get("Model", "")), find_checkpoint)
    return changed, notes


def _set_sampler(fields: dict[str, Any], sampler: str, scheduler: str) -> list[str]:
    resolve: Any = load_dotted("modules.pipeline.sampler_names:resolve_sampler")
    try:
        fields["sampler_name"], fields["scheduler"] = resolve(sampler, scheduler)
    except UnknownName:
        return [f"the sampler {sampler!r} is not known; the form's was used"]
    return []


def _set_checkpoint(fields: dict[str, Any], model_hash: str, name: str, find_checkpoint: FindCheckpoint) -> list[str]:
    try:
        title = find_checkpoint(model_hash).title
    except PentimentoError:
        return [f"the model {name or '?'} [{model_hash}] is not here; the form's was used"]
    fields["override_settings"] = {**(fields.get("override_settings") or {}), "sd_model_checkpoint": title}
    return []
