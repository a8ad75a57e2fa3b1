"""GET and POST /sdapi/v1/options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body

from modules.base.errors import PentimentoError
from modules.runtime.session import Session
from modules.web.api.caller import SessionDependency, UserDependency

LOCAL_ONLY = frozenset({"disabled_extensions", "disable_all_extensions"})

router = APIRouter(prefix="/sdapi/v1", tags=["A1111"])


@router.get("/options")
def get_options(session: SessionDependency, user: UserDependency) -> dict[str, Any]:
    """Every option; `sd_model_checkpoint` is the title of the checkpoint that the next job will use, null without one."""
    try:
        checkpoint = session.checkpoint()
    except PentimentoError:
        checkpoint = None
    named = {
        "sd_model_checkpoint": checkpoint.title if checkpoint else None,
        "sd_checkpoint_hash": checkpoint.sha256 if checkpoint else "",
    }
    return session.options.current.as_dict() | named


@router.post("/options")
def set_options(changes: Annotated[dict[str, Any], Body()], session: SessionDependency, user: UserDependency) -> None:
    """Change options; unknown names are ignored, and posting what GET gave changes nothing."""
    change_options(session, changes)


def change_options(session: Session, changes: Mapping[str, Any]) -> None:
    """Change options for good; a checkpoint goes by any of its names.

    Which extensions run is not changed where others than this machine can reach the program.

    Raises:
        UnknownName: No such checkpoint.
        InvalidRequest: A value is wrong; nothing is changed.
    """
    changed = dict(changes) if session.flags.is_local else {name: value for name, value in changes.items() if name not in LOCAL_ONLY}
    name = changed.pop("sd_model_checkpoint", None)
    if name and not _is_current(session, str(name)):
        changed["sd_model_checkpoint"] = session.checkpoint(str(name)).title
    session.options.update(changed)


def _is_current(session: Session, name: str) -> bool:
    try:
        return bool(session.checkpoint().title == name)
    except PentimentoError:
        return False
