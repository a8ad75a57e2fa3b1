"""What scripts ask of the program itself."""

from __future__ import annotations

from modules.pipeline.version import INFOTEXT_VERSION


def program_version() -> str:
    """As infotext states it."""
    return INFOTEXT_VERSION
