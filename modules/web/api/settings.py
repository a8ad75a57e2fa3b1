"""Our own routes about settings: what there is to set, and setting it, all or nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body
from PIL import ImageColor
from starlette.responses import JSONResponse

from modules.base.errors import InvalidRequest, PentimentoError, UnknownName
from modules.runtime.session import Session
from modules.settings.extra_options import EXTRA_OPTIONS
from modules.settings.option import OptionField
from modules.settings.options import option_fields
from modules.settings.unsupported import UNSUPPORTED, WITHOUT_EFFECT
from modules.web.api.caller import HereDependency, SessionDependency, UserDependency
from modules.web.api.options import change_options

router = APIRouter(prefix="/api", tags=["Pentimento"])

KINDS = {bool: "bool", int: "int", float: "float", str: "text", tuple: "list"}
Choices = list[dict[str, str]]


@router.get("/settings")
def describe_settings(session: SessionDependency, user: UserDependency) -> dict[str, Any]:
    """Every option with its kind, range, choices, default and value, those for the top of the page, and A1111's without effect."""
    current = session.options.current.as_dict()
    listed = [field for field in all_fields().values() if field.name in current]
    fields = [describe_field(session, field, current[field.name]) for field in listed]
    return {"fields": fields, "quick": list(session.options.current.quicksettings_list), "unsupported": sorted(UNSUPPORTED)}


@router.post("/settings", responses={422: {"description": "Nothing was changed; `errors` says which options are wrong"}})
def change_settings(changes: Annotated[dict[str, Any], Body()], session: SessionDependency, is_from_here: HereDependency) -> Any:
    """Change options for good, or none of them when one is wrong. Answers with all values."""
    errors = find_errors(session, changes)
    if errors:
        return JSONResponse({"errors": errors}, 422)
    change_options(session, changes, is_from_here=is_from_here)
    return {"values": session.options.current.as_dict()}


@router.get("/notices")
def list_notices(session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """What a person should know of the program's files: those that could not be read were kept aside."""
    return [dataclasses.asdict(notice) for notice in session.notices.all()]


def all_fields() -> dict[str, OptionField]:
    """Every option that the page can edit: ours, then those of extensions."""
    return option_fields() | EXTRA_OPTIONS.fields()


def describe_field(session: Session, field: OptionField, value: Any) -> dict[str, Any]:
    """One option as JSON tells it; `choices` is null where anything goes."""
    described = {name: getattr(field, name) for name in ("name", "label", "help", "section", "default", "minimum", "maximum")}
    kind = "color" if is_color(field) else KINDS[type(field.default)]
    choices: Choices | None = [{"value": choice} for choice in field.choices] or None
    if field.name in EXTRA_OPTIONS:
        value = [str(item) for item in value] if kind == "list" else str(value) if choices else value
        if choices and value not in field.choices:  # a file that is gone
            choices.append({"value": value})
    if field.name in DYNAMIC_CHOICES:
        choices = DYNAMIC_CHOICES[field.name](session)
        if value not in {choice["value"] for choice in choices}:
            choices.append({"value": value})
    return described | {"kind": kind, "choices": choices, "value": value, "has_effect": field.name not in WITHOUT_EFFECT}


def find_errors(session: Session, changes: dict[str, Any]) -> list[dict[str, str]]:
    """What is wrong with each value: the option, what came, what was wanted."""
    errors = []
    for name, value in changes.items():
        try:
            check_value(session, name, value)
        except InvalidRequest as error:
            errors.append({"field": name, "got": str(error.got)[:200], "wanted": error.wanted})
    return errors


def check_value(session: Session, name: str, value: Any) -> None:
    """Raises InvalidRequest when an option cannot have this value."""
    fields = all_fields()
    if name not in fields:
        raise UnknownName(name, value, sorted(fields))
    coerced = EXTRA_OPTIONS[name].coerce(name, value) if name in EXTRA_OPTIONS else fields[name].coerce(value)
    if is_color(fields[name]):
        try:
            ImageColor.getrgb(coerced)
        except ValueError:
            raise InvalidRequest(name, value, "a colour such as #ffffff") from None
    if name == "quicksettings_list" and (unknown := [entry for entry in coerced if entry not in fields]):
        raise UnknownName(name, unknown[0], sorted(fields))
    if name in DYNAMIC_CHOICES and coerced != getattr(session.options.current, name):
        known = [choice["value"] for choice in DYNAMIC_CHOICES[name](session)]
        if coerced not in known:
            raise UnknownName(name, value, known)


def is_color(field: OptionField) -> bool:
    info = EXTRA_OPTIONS.get(field.name)
    return field.name.endswith("_color") if info is None else info.editor == "colorpicker" and isinstance(field.default, str)


def _checkpoints(session: Session) -> Choices:
    try:
        found = session.checkpoints()
    except PentimentoError:
        found = []
    return [{"value": ""}, *({"value": info.title, "label": str(info.label)} for info in found if info.is_supported)]


def _vaes(session: Session) -> Choices:
    return [{"value": name} for name in ("Automatic", "None", *session.loader.vaes())]


def _loras(session: Session) -> Choices:
    return [{"value": name} for name in ("None", *(info.name for info in session.loras.scan() if not info.problem))]


def _upscalers(session: Session) -> Choices:
    return [{"value": name} for name in session.upscalers.names()]


DYNAMIC_CHOICES: dict[str, Callable[[Session], Choices]] = {
    "sd_model_checkpoint": _checkpoints,
    "sd_vae": _vaes,
    "sd_lora": _loras,
    "upscaler_for_img2img": _upscalers,
}
"""Options whose choices are what is installed."""
