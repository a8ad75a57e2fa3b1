"""Our own routes about results: /api/history. With logins a person sees the own ones; without, everybody on this machine sees all."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, Field

from modules.pipeline.modes import Mode
from modules.runtime.history.entry import Entry
from modules.runtime.history.history import GIB, MAX_LIMIT, UnknownEntry
from modules.runtime.session import Session
from modules.settings.options import option_fields
from modules.web.api.caller import SessionDependency, UserDependency

router = APIRouter(prefix="/api/history", tags=["Pentimento"])

MAX_DELETED = 10_000
MAX_ID = 2**63 - 1
"""The largest whole number that the database holds."""
MAX_BUDGET_GIB = option_fields()["history_budget_gib"].maximum
EntryId = Annotated[int, Path(ge=0, le=MAX_ID)]


class EntryResponse(BaseModel):
    """One result."""

    id: int
    job_id: str
    created_s: float = Field(description="Seconds since the epoch.")
    mode: str
    prompt: str
    negative_prompt: str
    model: str
    seed: int
    width: int
    height: int
    infotext: str
    recipe: dict[str, Any] = Field(description="What was asked for; its pictures are ids of /api/assets.")
    result: str = Field(description="The picture: /api/assets/{result}; its thumbnail outlives it.")
    saved_as: str | None
    changed_outside: int | None = Field(description="Pixels that changed outside the mask; null without a mask.")
    is_missing: bool = Field(description="The picture is gone.")


class PageResponse(BaseModel):
    """Results, newest first."""

    entries: list[EntryResponse]
    total: int
    next: int | None = Field(description="Give it as `before` for the following page; null on the last.")
    problem: str = Field(description="What is wrong with the history, in words; empty when all is well.")


class UsageResponse(BaseModel):
    """How much there is, and how much there may be."""

    bytes: int = Field(description="Room that inputs and results take; results that are also saved elsewhere count nothing.")
    entries: int
    budget_bytes: int = Field(description="Beyond it the oldest are deleted; 0 = no limit.")
    problem: str


class DeleteRequest(BaseModel):
    ids: list[Annotated[int, Field(ge=0, le=MAX_ID)]] = Field(max_length=MAX_DELETED)
    also_files: bool = Field(False, description="Also the saved files, as long as they are what was made.")


class TrimRequest(BaseModel):
    budget_gib: float | None = Field(None, ge=0, le=MAX_BUDGET_GIB, description="Null: the option `history_budget_gib`; 0 = no limit.")
    dry_run: bool = Field(True, description="Only count.")


class TrimResponse(BaseModel):
    """The oldest results that go, or would go, and the room that comes free."""

    entries: int
    bytes: int


class DeleteResponse(BaseModel):
    deleted: int


@router.get("")
def search_history(
    session: SessionDependency,
    user: UserDependency,
    words: Annotated[str, Query(description='All must occur, of the first 64; "in quotes" together.')] = "",
    model: str = "",
    since: float | None = None,
    until: float | None = None,
    mode: Mode | Literal["extras", "workflow"] | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 60,
    before: Annotated[int | None, Query(ge=0, le=MAX_ID)] = None,
) -> PageResponse:
    """Results by word, model, time (seconds since the epoch) and mode, newest first."""
    page = session.history.search(words, model, since, until, mode.value if isinstance(mode, Mode) else mode or "", user, limit, before)
    entries = [EntryResponse(**entry.as_json()) for entry in page.entries]
    return PageResponse(entries=entries, total=page.total, next=page.next, problem=session.history.problem)


@router.get("/models")
def list_models(session: SessionDependency, user: UserDependency) -> list[str]:
    """Models that results were made with."""
    return session.history.models(user)


@router.get("/usage")
def get_usage(session: SessionDependency, user: UserDependency) -> UsageResponse:
    """How much room the history takes."""
    usage, budget_gib = session.history.usage(user), session.options.current.history_budget_gib
    return UsageResponse(bytes=usage.bytes, entries=usage.entries, budget_bytes=int(budget_gib * GIB), problem=session.history.problem)


@router.post("/delete")
def delete_entries(body: DeleteRequest, session: SessionDependency, user: UserDependency) -> DeleteResponse:
    """Forget results and drop the pictures that nothing else needs."""
    return DeleteResponse(deleted=session.history.delete(body.ids, body.also_files, owner=user))


@router.post("/trim")
def trim_history(body: TrimRequest, session: SessionDependency, user: UserDependency) -> TrimResponse:
    """Delete the oldest results until a budget is kept; with logins only the caller's."""
    budget_gib = session.options.current.history_budget_gib if body.budget_gib is None else body.budget_gib
    if budget_gib <= 0:
        return TrimResponse(entries=0, bytes=0)
    history, budget_bytes = session.history, int(budget_gib * GIB)
    plan = history.plan_trim(budget_bytes, owner=user)
    if body.dry_run or not plan.entries:
        return TrimResponse(entries=plan.entries, bytes=plan.bytes)
    before = history.usage().bytes
    deleted = history.trim(budget_bytes, owner=user)
    return TrimResponse(entries=deleted, bytes=max(0, before - history.usage().bytes))


@router.get("/{entry_id}")
def get_entry(entry_id: EntryId, session: SessionDependency, user: UserDependency) -> EntryResponse:
    """One result."""
    return EntryResponse(**_find(session, entry_id, user).as_json())


@router.delete("/{entry_id}")
def delete_entry(entry_id: EntryId, session: SessionDependency, user: UserDependency, also_files: bool = False) -> DeleteResponse:
    """Forget one result."""
    _find(session, entry_id, user)
    return DeleteResponse(deleted=session.history.delete([entry_id], also_files, owner=user))


def _find(session: Session, entry_id: int, user: str | None) -> Entry:
    try:
        entry = session.history.entry(entry_id)
    except UnknownEntry as error:
        raise HTTPException(404, str(error)) from None
    if user is not None and entry.owner != user:
        raise HTTPException(404, str(UnknownEntry("entry", entry_id, "an entry of yours")))
    return entry
