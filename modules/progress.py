"""Face: A1111's `modules.progress`."""

from __future__ import annotations

from typing import Any

from modules.runtime.face_calls.running import accept_task, create_task_id, pending_tasks
from modules.runtime.face_calls.running import current_task as find_current_task

add_task_to_queue = start_task = finish_task = record_results = accept_task


def __getattr__(name: str) -> Any:
    if name == "current_task":
        return find_current_task()
    if name == "pending_tasks":
        return pending_tasks()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
