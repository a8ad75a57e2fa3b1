"""Our own routes about styles: /api/styles."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from modules.pipeline.style_file import delete_style, save_style
from modules.pipeline.styles import Style, read_styles
from modules.web.api.caller import SessionDependency, UserDependency

router = APIRouter(prefix="/api/styles", tags=["Pentimento"])


class StyleRequest(BaseModel):
    """A style as it should be; `old_name` is the one it replaces, None = it is new."""

    name: str
    prompt: str = ""
    negative_prompt: str = ""
    old_name: str | None = None


class StyleName(BaseModel):
    """Which style is meant."""

    name: str


@router.get("")
def list_styles(session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """Styles of `styles.csv`: name, prompt, negative prompt; `{prompt}` stands for the person's own text."""
    return [
        {"name": style.name, "prompt": style.prompt, "negative_prompt": style.negative_prompt}
        for style in read_styles(session.paths.styles)
    ]


@router.post("")
def put_style(style: StyleRequest, session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """Add or change a style; what else `styles.csv` holds stays. Answers with all styles."""
    session.notices.check_styles()
    save_style(session.paths.styles, Style(style.name.strip(), style.prompt, style.negative_prompt), style.old_name)
    return list_styles(session, user)


@router.post("/delete")
def remove_style(style: StyleName, session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """Remove a style. Answers with all styles."""
    session.notices.check_styles()
    delete_style(session.paths.styles, style.name)
    return list_styles(session, user)
