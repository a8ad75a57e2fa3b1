"""Our own route that counts tokens: /api/tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.base.errors import MissingModel
from modules.web.api.caller import SessionDependency, UserDependency

router = APIRouter(prefix="/api/tokens", tags=["Pentimento"])


class TokensRequest(BaseModel):
    """What the prompt boxes hold."""

    prompt: str = ""
    negative_prompt: str = ""
    styles: list[str] = []
    steps: Annotated[int, Field(ge=1, le=1000)] = 20


class Tokens(BaseModel):
    """Tokens used, and the room in as many chunks as they take: 12/75."""

    tokens: int
    room: int


class TokensResponse(BaseModel):
    """Both prompts; None with the reason where the tokenizer's file is missing."""

    prompt: Tokens | None
    negative_prompt: Tokens | None
    problem: str | None = None


@router.post("")
def count_tokens(body: TokensRequest, session: SessionDependency, user: UserDependency) -> TokensResponse:
    """How many tokens the prompts take with their styles, as a run would count them; no model is loaded for it."""
    try:
        counts = session.tokens.count(body.prompt, body.negative_prompt, body.styles, body.steps)
    except MissingModel as error:
        return TokensResponse(prompt=None, negative_prompt=None, problem=str(error))
    prompt, negative = (Tokens(tokens=count.tokens, room=count.room) for count in counts)
    return TokensResponse(prompt=prompt, negative_prompt=negative)
