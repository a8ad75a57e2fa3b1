"""Requests whose sender has gone end quietly; all other errors go on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from modules.web.ui.hangups import Hangups


def call(error: BaseException, path: str, cause: BaseException | None = None) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise error from cause

    asyncio.run(Hangups(app)({"type": "http", "path": path, "query_string": b"session_hash=p4is"}, None, None))  # type: ignore[arg-type]


def test_a_sender_who_has_gone_is_no_error() -> None:
    call(ClientDisconnect(), "/upload")


def test_a_page_that_has_gone_ends_its_stream_quietly() -> None:
    call(RuntimeError("response already started"), "/gradio_api/queue/data", HTTPException(404))


def test_the_second_of_two_streams_that_end_together_ends_quietly() -> None:
    call(KeyError("p4is"), "/gradio_api/queue/data", asyncio.CancelledError())


@pytest.mark.parametrize(
    ("error", "path", "cause"),
    [
        (RuntimeError("response already started"), "/sdapi/v1/img2img", HTTPException(404)),
        (RuntimeError("broken"), "/gradio_api/queue/data", None),
        (RuntimeError("broken"), "/gradio_api/queue/data", ValueError("other")),
        (ValueError("broken"), "/gradio_api/queue/data", HTTPException(404)),
        (KeyError("p4is"), "/sdapi/v1/img2img", None),
        (KeyError("other"), "/gradio_api/queue/data", None),
    ],
)
def test_other_errors_go_on(error: Exception, path: str, cause: Exception | None) -> None:
    with pytest.raises(type(error)):
        call(error, path, cause)
