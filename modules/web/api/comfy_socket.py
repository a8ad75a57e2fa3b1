"""ComfyUI's websocket, with `--comfy-api` alone: what happens to a client's graphs, as messages in JSON, and previews as binary ones."""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, HTTPException, WebSocket
from starlette.websockets import WebSocketDisconnect

from modules.runtime.session import Session
from modules.runtime.workflows.messages import Listener
from modules.web.api.caller import get_owner, get_user
from modules.web.api.comfy import counter_of, features
from modules.web.errors import PlainJson, error_body

router = APIRouter()

MAX_WAITING = 2000
MAX_ID_CHARS = 200
PREVIEWS_UP_TO = 20
"""While so many messages wait to be sent, previews are left out."""


class Outbox:
    """Messages on their way to one client; filled from any thread, emptied on the loop's."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[dict[str, Any] | bytes] = asyncio.Queue(MAX_WAITING)
        self._is_full = False

    def put(self, message: dict[str, Any] | bytes) -> None:
        """Send soon; a closed loop takes nothing any more."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._put, message)

    def _put(self, message: dict[str, Any] | bytes) -> None:
        if isinstance(message, bytes) and self._waiting.qsize() > PREVIEWS_UP_TO:
            return
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:  # the client does not read: rather no connection than one with holes
            self._is_full = True

    async def send_to(self, socket: WebSocket) -> None:
        """Send what comes, until the client is gone; hang up on one that does not keep up."""
        with suppress(WebSocketDisconnect, RuntimeError, OSError):
            while not self._is_full:
                message = await self._waiting.get()
                if isinstance(message, bytes):
                    await socket.send_bytes(message)
                else:
                    await socket.send_text(json.dumps(message))
            await socket.close(1013, "too many messages wait")


@router.websocket("/ws")
@router.websocket("/api/ws")
async def listen(socket: WebSocket) -> None:
    """Tell a client of its jobs until it goes."""
    session: Session = socket.app.state.session
    try:
        user = get_user(socket)
    except HTTPException as refused:
        await socket.send_denial_response(PlainJson(error_body("HTTPException", refused.detail), refused.status_code, refused.headers))
        return
    await socket.accept()
    outbox = Outbox()
    client = socket.query_params.get("clientId", "")[:MAX_ID_CHARS] or uuid.uuid4().hex
    listener, counter = Listener(get_owner(socket, user), client, outbox.put), counter_of(session)
    counter.listen(listener)
    sender = asyncio.ensure_future(outbox.send_to(socket))
    try:
        await _hear(socket, outbox, session)
    finally:
        counter.listeners.remove(listener)
        sender.cancel()


async def _hear(socket: WebSocket, outbox: Outbox, session: Session) -> None:
    """What clients say: which features they know; all else is let be."""
    with suppress(WebSocketDisconnect):
        while True:
            said = await socket.receive()
            if said["type"] == "websocket.disconnect":
                return
            with suppress(ValueError, AttributeError, RecursionError):
                if json.loads(said.get("text") or "{}").get("type") == "feature_flags":
                    outbox.put({"type": "feature_flags", "data": features(session)})
