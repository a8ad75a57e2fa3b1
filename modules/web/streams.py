"""Event streams to open pages never end by themselves; a server that stops has to hang up on them, or it waits for its whole grace time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

EVENT_STREAM = "text/event-stream"


class OpenStreams:
    """The event streams that are open now; used on the event loop's thread only."""

    def __init__(self) -> None:
        self._hang_ups: set[asyncio.Event] = set()
        self._is_ended = False

    def end(self) -> None:
        """Let each of them end, and those that still come."""
        self._is_ended = True
        for hang_up in self._hang_ups:
            hang_up.set()

    def add(self, hang_up: asyncio.Event) -> None:
        """Remember a stream by the event that ends it."""
        self._hang_ups.add(hang_up)
        if self._is_ended:
            hang_up.set()

    def remove(self, hang_up: asyncio.Event) -> None:
        """Forget a stream; nothing happens if it was none."""
        self._hang_ups.discard(hang_up)


class EndStreams:
    """ASGI middleware: what answers with an event stream is told that the browser has gone once `streams` is ended; the rest is let be."""

    def __init__(self, app: ASGIApp, streams: OpenStreams) -> None:
        self._app, self._streams = app, streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        hang_up, is_stream, is_whole = asyncio.Event(), False, False

        async def send_watched(message: Message) -> None:
            nonlocal is_stream, is_whole
            if message["type"] == "http.response.start" and Headers(scope=message).get("content-type", "").startswith(EVENT_STREAM):
                is_stream = True
                self._streams.add(hang_up)
            elif message["type"] == "http.response.body":
                is_whole = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, _until(hang_up, receive), send_watched)
            if is_stream and hang_up.is_set() and not is_whole:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._streams.remove(hang_up)


def _until(hang_up: asyncio.Event, receive: Receive) -> Callable[[], Awaitable[Any]]:
    """`receive`, which tells of a disconnect as soon as `hang_up` is set."""

    async def receive_or_end() -> Any:
        tasks = [asyncio.ensure_future(receive()), asyncio.ensure_future(hang_up.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return {"type": "http.disconnect"} if hang_up.is_set() else tasks[0].result()
        finally:
            for task in tasks:
                task.cancel()

    return receive_or_end
