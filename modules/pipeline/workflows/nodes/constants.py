"""Nodes that hand on what stands in them."""

from __future__ import annotations

from typing import Any

from modules.pipeline.workflows.context import NodeRun


def hand_on(run: NodeRun, value: Any) -> tuple[Any]:
    return (value,)
