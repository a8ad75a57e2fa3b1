"""Who calls the API, and what a route may reach: FastAPI dependencies."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Request
from starlette.requests import HTTPConnection

from modules.runtime.session import Session
from modules.web.access import AccessRules

CHALLENGE = {"WWW-Authenticate": "Basic"}


def get_session(request: Request) -> Session:
    """The session that `create_app` was given."""
    session: Session = request.app.state.session
    return session


def get_user(request: HTTPConnection) -> str | None:
    """The login of the caller; None where no login is asked for.

    Raises:
        HTTPException: 401, when a login is asked for and neither the header nor a session of the page gives one.
    """
    rules: AccessRules = request.app.state.rules
    if not rules.api:
        return None
    authorization = request.headers.get("authorization", "").strip()
    user = rules.api.user_of(authorization) or request.app.state.page_user(request)
    if user is None:
        raise HTTPException(401, "Incorrect username or password" if authorization else "Not authenticated", CHALLENGE)
    return str(user)


def get_owner(request: HTTPConnection, user: Annotated[str | None, Depends(get_user)]) -> str:
    """Whose jobs the caller's are: the login's, else the client address's."""
    return user or (request.client.host if request.client else "local")


def is_from_here(request: Request, user: Annotated[str | None, Depends(get_user)]) -> bool:
    """Whether the caller may change which code runs: nobody but a person at this machine."""
    rules: AccessRules = request.app.state.rules
    return rules.is_from_here(request.headers)


UserDependency = Annotated[str | None, Depends(get_user)]
OwnerDependency = Annotated[str, Depends(get_owner)]
HereDependency = Annotated[bool, Depends(is_from_here)]
SessionDependency = Annotated[Session, Depends(get_session)]
