"""Browsers hang up in mid-upload or mid-stream, when a page is closed or loaded anew; that is nothing to log a stack trace for."""

from __future__ import annotations

import logging

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

EVENTS = "/queue/data"
"""Gradio's stream of a page's events. It answers 404 in mid-stream when the page has gone in between, which is too late for an answer; of
two streams that end together, the second misses the session that the first has cleared away."""


class Hangups:
    """ASGI middleware: end a request quietly when its sender has gone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            logger.debug("hung up: %s", scope.get("path"))
        except (RuntimeError, KeyError) as error:
            if not (scope.get("path", "").endswith(EVENTS) and _is_gone(error, scope)):
                raise
            logger.debug("gone: %s", scope.get("path"))


def _is_gone(error: RuntimeError | KeyError, scope: Scope) -> bool:
    """Whether a stream failed for want of the page it belongs to."""
    if isinstance(error, KeyError):
        return error.args == (QueryParams(scope.get("query_string", b"")).get("session_hash"),)
    return isinstance(error.__cause__, HTTPException)
