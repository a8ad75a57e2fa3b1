"""A script that must run before Gradio's own: it fixes the page's language and its light or dark look."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.web.ui.texts import LANGUAGE_COOKIE, LANGUAGES, choose_language


class Boot:
    """ASGI middleware: put `script`, and `tags` after it, at the top of the page at `/`, and `tail` at its end.

    Args:
        script: JavaScript in which `LANGUAGE` stands for the visitor's language tag.
        tags: Further HTML for the head.
        tail: HTML for the end of the body.
        localization: Asks for the option of that name: a language tag counts instead of what the browser wishes.
    """

    def __init__(
        self, app: ASGIApp, script: str, tags: str = "", localization: Callable[[], str] = lambda: "Automatic", tail: str = ""
    ) -> None:
        self._app, self._script, self._tags, self._localization, self._tail = app, script, tags, localization, tail.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = self._with_language(scope)
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        language = _language(Headers(scope=scope))
        plain = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]}
        await self._app(plain, receive, _Injector(send, self._tag(language), language, self._tail))

    def _with_language(self, scope: Scope) -> Scope:
        if scope["type"] != "http" or (tag := self._localization()) not in LANGUAGES:
            return scope
        others = [pair for pair in scope["headers"] if pair[0] != b"accept-language"]
        return {**scope, "headers": [*others, (b"accept-language", tag.encode())]}

    def _tag(self, language: str) -> bytes:
        return f"<script>(function (LANGUAGE) {{{self._script}}})({json.dumps(language)});</script>{self._tags}".encode()


class _Injector:
    """A `send` that holds an HTML answer back until it is whole, and adds to its head."""

    def __init__(self, send: Send, tag: bytes, language: str, tail: bytes) -> None:
        self._send, self._tag, self._language, self._tail = send, tag, language, tail
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if Headers(raw=message["headers"]).get("content-type", "").startswith("text/html"):
                self._start = message
                return
        elif self._start is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = self._body.replace(b"<head>", b"<head>" + self._tag, 1).replace(b'lang="en"', f'lang="{self._language}"'.encode(), 1)
            body = body.replace(b"</body>", self._tail + b"</body>", 1)
            MutableHeaders(raw=self._start["headers"])["content-length"] = str(len(body))
            await self._send(self._start)
            message = {"type": "http.response.body", "body": body}
        await self._send(message)


def _language(headers: Headers) -> str:
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(LANGUAGE_COOKIE)
    except CookieError:
        cookie = None
    return choose_language(cookie.value if cookie else None, headers.get("accept-language"))
