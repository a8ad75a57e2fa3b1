"""Answers that wait for a job without holding a thread while it runs."""

from __future__ import annotations

import asyncio
from typing import Any

from modules.runtime.jobs import Job


async def wait_for(job: Job) -> tuple[Any, BaseException | None]:
    """Result and error of a job; one that was taken off the queue before it began has neither."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()

    def answer(outcome: tuple[Any, BaseException | None]) -> None:
        if not finished.done():
            finished.set_result(outcome)

    def tell(over: Job) -> None:
        outcome = over.result, over.error
        loop.call_soon_threadsafe(answer, outcome)

    job.on_finished(tell)
    return await finished
