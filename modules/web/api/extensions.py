"""Extensions: A1111's list, and our own routes that manage them. What changes something is for this machine alone."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, HTTPException
from pydantic import BaseModel, Field

from modules.plugins.adding import add_extension, pick_extension, remove_extension, switch
from modules.plugins.extensions import Extension
from modules.plugins.installing import has_installer, install_extension, needs_install
from modules.plugins.versions import read_version
from modules.runtime.session import Session
from modules.web.api.caller import HereDependency, SessionDependency, UserDependency

router = APIRouter(tags=["Pentimento"])

INSTALLING = threading.Lock()
SHOWN_LINES = 40
Name = Annotated[str, Body(embed=True, max_length=200, description="The extension's folder.")]


class BrokenPart(BaseModel):
    """A file of an extension that is left out."""

    file: str
    stage: str = Field(description="import, create, ui, or the callback that failed.")
    reason: str


class ExtensionResponse(BaseModel):
    """An extension as it is on the disk now."""

    name: str
    is_builtin: bool
    is_enabled: bool = Field(description="It will run from the next start on.")
    is_running: bool = Field(description="It was found and enabled at this start.")
    state: str = Field(description="enabled, disabled, all_disabled, safe_start or twice.")
    missing: list[str] = Field(description="Extensions that it requires and that are not there.")
    has_installer: bool
    needs_install: bool = Field(description="Its installer has not run yet, or has changed since.")
    remote: str
    commit_hash: str
    broken: list[BrokenPart]


class ExtensionsResponse(BaseModel):
    """All extensions."""

    extensions: list[ExtensionResponse]
    broken: list[BrokenPart] = Field(description="Scripts of the program itself that are left out.")
    may_change: bool = Field(description="False where others than this machine are served, or ask: nothing can be changed over HTTP.")
    folder: str = Field(description="Where they lie; empty where `may_change` is false.")


def require_local(is_from_here: HereDependency) -> None:
    """Raises `HTTPException` 403 where others than this machine can reach the program, or sent the request."""
    if not is_from_here:
        said = "extensions are changed over HTTP only from the machine itself, while nobody else is served: open the page there, without "
        raise HTTPException(403, said + "--listen and without a proxy, or use `python launch.py extensions` on that machine")


LOCAL_ONLY = [Depends(require_local)]


@router.get("/sdapi/v1/extensions", tags=["A1111"])
def get_extensions(session: SessionDependency, user: UserDependency) -> list[dict[str, Any]]:
    """Extensions of this start, with what git says of each."""
    return [_describe_for_clients(extension) for extension in session.extensions]


@router.get("/api/extensions")
def list_extensions(session: SessionDependency, may_change: HereDependency) -> ExtensionsResponse:
    """Extensions as they are on the disk now, what is broken, and whether they can be changed here."""
    running = {extension.name for extension in session.extensions if extension.is_enabled}
    found = session.find_extensions()
    folders = {str(extension.path) for extension in found}
    return ExtensionsResponse(
        extensions=[_describe(session, extension, extension.name in running) for extension in found],
        broken=[_describe_broken(entry) for entry in session.library.broken if str(entry.basedir) not in folders],
        may_change=may_change,
        folder=str(session.paths.extensions) if may_change else "",
    )


@router.post("/api/extensions/enable", dependencies=LOCAL_ONLY)
def enable_extension(session: SessionDependency, name: Name, is_on: Annotated[bool, Body(embed=True)]) -> None:
    """Switch an extension on or off, from the next start on."""
    extension = pick_extension(session.find_extensions(), name)
    disabled = switch(session.options.current.disabled_extensions, extension.name, is_on=is_on)
    session.options.update({"disabled_extensions": disabled})


@router.post("/api/extensions/add", dependencies=LOCAL_ONLY)
def add(session: SessionDependency, source: Annotated[str, Body(max_length=2000)], name: Annotated[str, Body(max_length=200)] = "") -> str:
    """Copy an extension from a folder or zip file of this machine, or clone it with its git; runs nothing of it. Answers with its name."""
    return add_extension(source, session.paths, name).name


@router.post("/api/extensions/install", dependencies=LOCAL_ONLY)
def install(session: SessionDependency, name: Name) -> list[str]:
    """Run an extension's installer; answers when it has ended, with the last lines it printed."""
    extension, lines = pick_extension(session.find_extensions(), name), list[str]()
    if not INSTALLING.acquire(blocking=False):
        raise HTTPException(409, "another installer is running: wait until it has ended")
    try:
        install_extension(extension, session.paths, lines.append)
    finally:
        INSTALLING.release()
    return lines[-SHOWN_LINES:]


@router.post("/api/extensions/remove", dependencies=LOCAL_ONLY)
def remove(session: SessionDependency, name: Name) -> str:
    """Move an extension to `cache/removed-extensions`; answers with its new place, empty for a link that is gone."""
    aside = remove_extension(pick_extension(session.find_extensions(), name), session.paths)
    return str(aside or "")


def _describe(session: Session, extension: Extension, is_running: bool) -> ExtensionResponse:
    version = read_version(extension.path)
    return ExtensionResponse(
        name=extension.name,
        is_builtin=extension.is_builtin,
        is_enabled=extension.is_enabled,
        is_running=is_running,
        state=extension.state.value,
        missing=list(extension.missing),
        has_installer=not extension.is_builtin and has_installer(extension),
        needs_install=not extension.is_builtin and needs_install(extension),
        remote=version.remote,
        commit_hash=version.commit_hash[:8],
        broken=[_describe_broken(entry) for entry in session.library.broken if str(entry.basedir) == str(extension.path)],
    )


def _describe_broken(entry: Any) -> BrokenPart:
    return BrokenPart(file=entry.file.name, stage=entry.stage, reason=entry.reason)


def _describe_for_clients(extension: Extension) -> dict[str, Any]:
    version = read_version(extension.path)
    return {
        "name": extension.name,
        "remote": version.remote,
        "branch": version.branch,
        "commit_hash": version.commit_hash,
        "version": version.commit_hash[:8],
        "commit_date": version.commit_date_s,
        "enabled": extension.is_enabled,
    }
