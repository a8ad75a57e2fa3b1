"""GET and POST /sdapi/v1/options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body

from modules.base.errors import InvalidRequest, PentimentoError
from modules.runtime.session import Session
from modules.settings.extra_options import EXTRA_OPTIONS
from modules.web.api.caller import HereDependency, SessionDependency, UserDependency

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
def set_options(changes: Annotated[dict[str, Any], Body()], session: SessionDependency, is_from_here: HereDependency) -> None:
    """Change options; unknown names are ignored, and posting what GET gave changes nothing."""
    change_options(session, changes, is_from_here=is_from_here)


def change_options(session: Session, changes: Mapping[str, Any], *, is_from_here: bool) -> None:
    """Change options for good; a checkpoint goes by any of its names.

    Args:
        is_from_here: Without it, the options that say which extensions run stay as they are.

    Raises:
        UnknownName: No such checkpoint.
        InvalidRequest: A value is wrong, or an extension keeps its option to itself; nothing is changed.
    """
    changed = dict(changes) if is_from_here else {name: value for name, value in changes.items() if name not in LOCAL_ONLY}
    current = session.options.current.as_dict()
    for option, value in changed.items():
        info = EXTRA_OPTIONS.get(option)
        if info is not None and info.restrict_api and value != current.get(option):
            raise InvalidRequest(option, value, "to be changed by its extension alone: it forbids changes over HTTP")
    name = changed.pop("sd_model_checkpoint", None)
    if name and not _is_current(session, str(name)):
        changed["sd_model_checkpoint"] = session.checkpoint(str(name)).title
    session.options.update(changed)


def _is_current(session: Session, name: str) -> bool:
    try:
        return bool(session.checkpoint().title == name)
    except PentimentoError:
        return False
