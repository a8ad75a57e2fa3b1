"""ASGI layers around the whole app, page included."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from modules.web.access import AccessRules
from modules.web.errors import PlainJson, error_body

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

API_PREFIXES = ("/sdapi/", "/api/", "/internal/")


class OriginGuard:
    """Refuses with 403 what `AccessRules.refusal` refuses."""

    def __init__(self, app: Application, rules: AccessRules) -> None:
        self.app, self.rules = app, rules

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            reason = self.rules.refusal(scope.get("method", "WEBSOCKET"), Headers(scope=scope))
            if reason is not None:
                await PlainJson(error_body("Forbidden", reason), 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class ApiPaths:
    """Takes a trailing slash off API paths, instead of a redirect that loses the body, and tells how long a reply took."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(API_PREFIXES):
            await self.app(scope, receive, send)
            return
        started_s = time.perf_counter()
        path = scope["path"].rstrip("/")

        async def send_timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Process-Time"] = f"{time.perf_counter() - started_s:.4f}"
            await send(message)

        await self.app({**scope, "path": path, "raw_path": path.encode()}, receive, send_timed)
