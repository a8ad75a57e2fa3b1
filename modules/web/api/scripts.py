"""Scripts: their lists in A1111's shape, and which could not be loaded."""

from __future__ import annotations

import math
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.plugins.runner import ScriptRunner
from modules.web.api.caller import SessionDependency, UserDependency

router = APIRouter()


class BrokenScriptResponse(BaseModel):
    """A script file, or a script in it, that is left out."""

    file: str
    extension: str = Field(description="Folder of the extension it belongs to.")
    stage: str = Field(description="import, create or ui.")
    reason: str


class ScriptsResponse(BaseModel):
    selectable: list[str]
    alwayson: list[str]
    broken: list[BrokenScriptResponse]


@router.get("/sdapi/v1/scripts", tags=["A1111"])
def get_scripts(session: SessionDependency, user: UserDependency) -> dict[str, list[str]]:
    """Titles in lower case, selectable ones first."""
    return {tab: [_name(script) for script in _all(runner)] for tab, runner in _tabs(session)}


@router.get("/sdapi/v1/script-info", tags=["A1111"])
def get_script_info(session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """Scripts with their controls and the values these start with."""
    return [
        {
            "name": _name(script),
            "is_alwayson": bool(script.alwayson),
            "is_img2img": tab == "img2img",
            "args": [_plain(control.as_dict()) for control in script.control_values],
        }
        for tab, runner in _tabs(session)
        for script in _all(runner)
    ]


@router.get("/api/scripts", tags=["Pentimento"], response_model=ScriptsResponse)
def get_script_report(session: SessionDependency, user: UserDependency) -> ScriptsResponse:
    """Scripts by title, and those that could not be loaded, with the reason."""
    runner = session.scripts
    broken = [
        BrokenScriptResponse(file=entry.file.name, extension=entry.basedir.name, stage=entry.stage, reason=entry.reason)
        for entry in session.library.broken
    ]
    return ScriptsResponse(selectable=runner.titles, alwayson=[script.title() for script in runner.alwayson_scripts], broken=broken)


def _tabs(session: Any) -> list[tuple[str, ScriptRunner]]:
    return [("txt2img", session.library.txt2img), ("img2img", session.library.img2img)]


def _all(runner: ScriptRunner) -> list[Any]:
    return [*runner.selectable_scripts, *runner.alwayson_scripts]


def _name(script: Any) -> str:
    return str(script.name or script.title().lower())


def _plain(value: Any) -> Any:
    """`value` as JSON can hold it; a component may start with anything."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    is_plain = value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
    return value if is_plain else str(value)
