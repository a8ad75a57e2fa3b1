"""Browsers hang up in mid-upload or mid-stream, when a page is closed or loaded anew; that is nothing to log a stack trace for."""

from __future__ import annotations

import logging

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

EVENTS = "/queue/data"
"""Gradio's stream of a page's events. It answers 404 in mid-stream when the page has gone in between, which is too late for an answer."""


class Hangups:
    """ASGI middleware: end a request quietly when its sender has gone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            logger.debug("hung up: %s", scope.get("path"))
        except RuntimeError as error:
            if not (isinstance(error.__cause__, HTTPException) and scope.get("path", "").endswith(EVENTS)):
                raise
            logger.debug("gone: %s", scope.get("path"))
