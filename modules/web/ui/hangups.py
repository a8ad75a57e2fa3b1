"""Browsers hang up in mid-upload, when a page is closed or loaded anew; that is nothing to log a stack trace for."""

from __future__ import annotations

import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)


class Hangups:
    """ASGI middleware: end a request quietly when its sender has gone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            logger.debug("hung up: %s", scope.get("path"))
