"""A program that is told to stop while it starts says nothing of what it was still about to do."""

from __future__ import annotations

import socket
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI

from modules.runtime.jobs import Job
from modules.runtime.memory_queue import MemoryJobQueue
from modules.web import server


@pytest.mark.parametrize("is_stopped", [True, False])
def test_what_begins_after_the_stop_is_left_out(is_stopped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    queue, done, errors = MemoryJobQueue(lambda job: None), [], []
    if is_stopped:
        queue.close()

    def begin() -> None:
        done.append(queue.submit(Job("program", None, "load")))

    session: Any = SimpleNamespace(load_model=begin, resume_jobs=begin, start_upkeep=lambda: None, close=queue.close)
    app = FastAPI()
    app.state.streams = server.OpenStreams()
    monkeypatch.setattr(server, "WARM_UP_DELAY_S", 0.0)
    monkeypatch.setattr(server.StudioServer, "run", lambda self, sockets: time.sleep(0.5))
    monkeypatch.setattr(threading, "excepthook", errors.append)
    with socket.socket() as listener:
        server.serve(app, session, listener)
    assert errors == []
    assert len(done) == (0 if is_stopped else 2)
