"""What ComfyUI's clients hear over the websocket while their graph runs."""

from __future__ import annotations

import io
import logging
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from modules.runtime.jobs import Job, JobState
from modules.runtime.workflows.task import GraphTask

logger = logging.getLogger(__name__)

PREVIEW_EVENT = 1
JPEG, PNG = 1, 2
Send = Callable[[dict[str, Any] | bytes], None]
"""Takes a message, from any thread, without waiting."""


@dataclass(frozen=True, eq=False)
class Listener:
    """An open websocket.

    Attributes:
        owner: Whose jobs it may hear of.
        client: The id it goes by.
    """

    owner: str
    client: str
    send: Send


@dataclass
class Listeners:
    """All open websockets; may be used from any thread."""

    _open: list[Listener] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, listener: Listener) -> None:
        """Let it hear; an older one of the same client no longer does."""
        with self._lock:
            self._open = [one for one in self._open if (one.owner, one.client) != (listener.owner, listener.client)] + [listener]

    def remove(self, listener: Listener) -> None:
        """Forget it; nothing happens if it was none."""
        with self._lock:
            self._open = [one for one in self._open if one is not listener]

    def tell(self, message: dict[str, Any] | bytes, owner: str | None = None, client: str = "") -> None:
        """Send to all, to all of an owner, or to one client of an owner."""
        with self._lock:
            hearing = list(self._open)
        for one in hearing:
            if owner in (None, one.owner) and client in ("", one.client):
                one.send(message)


@dataclass
class Teller:
    """Tells of one job.

    Attributes:
        log: Messages that `/history` repeats.
    """

    job: Job
    task: GraphTask
    client: str
    listeners: Listeners
    log: list[list[Any]] = field(default_factory=list)

    def hear(self, event: str, values: Mapping[str, Any]) -> None:
        """What the task tells, in its thread; a listener that fails must not cost the picture."""
        try:
            self._pass_on(event, values)
        except Exception:
            logger.exception("listeners of job %s were not told of %s", self.job.id, event)

    def end(self) -> None:
        """The job is over."""
        node, error = self.task.node, self.job.error
        at = str(getattr(error, "node", node))
        where = {"node_id": at, "node_type": self._type(at), "executed": list(self.task.done)}
        if error is not None:
            reason = str(getattr(error, "reason", error))
            kind = type(error.__cause__ or error).__name__
            self._note("execution_error", where | {"exception_message": reason, "exception_type": kind, "traceback": []}
                       | {"current_inputs": {}, "current_outputs": []})  # fmt: skip
        elif self.job.state is JobState.INTERRUPTED:
            self._note("execution_interrupted", where)
        else:
            self._note("execution_success", {})
        self._send("executing", {"node": None, "display_node": None})

    def _pass_on(self, event: str, values: Mapping[str, Any]) -> None:
        node = values.get("node")
        if event == "begin":
            self._note("execution_start", {})
            self._note("execution_cached", {"nodes": []})
        elif event == "node":
            self._send("executing", {"node": node, "display_node": node})
        elif event == "step":
            self._send("progress", {"value": values["step"], "max": values["total"], "node": node})
        elif event == "preview" and values["image"] is not None:
            self.listeners.tell(picture_message(values["image"], JPEG), self.job.owner, self.client)
        elif event == "picture":
            self.listeners.tell(picture_message(values["image"], PNG), self.job.owner, self.client)
        elif event == "done":
            if values["is_reused"]:
                self._remember_cached(str(node))
                self._send("execution_cached", {"nodes": [node], "timestamp": _now_ms()})
            elif values["pictures"]:
                self._send("executed", {"node": node, "display_node": node, "output": images_of(values["pictures"])})

    def _remember_cached(self, node: str) -> None:
        """The log has one list of them; who listens hears of each when its turn comes."""
        for kind, values in self.log:
            if kind == "execution_cached":
                values["nodes"] = [*values["nodes"], node]

    def _note(self, kind: str, values: Mapping[str, Any]) -> None:
        self.log.append([kind, {"prompt_id": self.job.id, **values, "timestamp": _now_ms()}])
        self._send(*self.log[-1])

    def _send(self, kind: str, values: Mapping[str, Any]) -> None:
        self.listeners.tell({"type": kind, "data": {**values, "prompt_id": self.job.id}}, self.job.owner, self.client)

    def _type(self, node: str) -> str:
        return str(self.task.order.graph.get(node, {}).get("class_type", ""))


def images_of(pictures: Any) -> dict[str, Any]:
    """What an output node made, as ComfyUI's API tells it."""
    return {"images": [{"filename": one.filename, "subfolder": one.subfolder, "type": one.type} for one in pictures]}


def picture_message(image: Image.Image, kind: int) -> bytes:
    """A picture as a binary message: kind of message and of picture, four bytes each, then the file."""
    buffer = io.BytesIO()
    image.convert("RGB" if kind == JPEG else image.mode).save(buffer, "JPEG" if kind == JPEG else "PNG", compress_level=1)
    return struct.pack(">II", PREVIEW_EVENT, kind) + buffer.getvalue()


def _now_ms() -> int:
    return int(time.time() * 1000)
