"""A1111's pages of extra networks: extensions may still describe theirs, though this page has no cards to show."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


class ExtraNetworksPage:
    """A page of cards, which an extension subclasses and registers.

    Args:
        title: Its name.
    """

    allow_negative_prompt = False

    def __init__(self, title: str) -> None:
        self.title = title
        self.name = title.lower()
        self.id_page = self.name.replace(" ", "_")
        self.items: dict[str, Any] = {}

    def refresh(self) -> None:
        """Look for files again."""

    def list_items(self) -> Iterable[dict[str, Any]]:
        """The cards.

        Raises:
            NotImplementedError: A subclass must say.
        """
        raise NotImplementedError(f"{type(self).__name__} must define list_items()")

    def allowed_directories_for_previews(self) -> list[str]:
        """Folders whose pictures may be shown."""
        return []

    def link_preview(self, filename: str) -> str:
        """Where the browser would fetch a preview."""
        return f"./sd_extra_networks/thumb?filename={Path(filename).as_posix()}"


PAGES: list[ExtraNetworksPage] = []
"""What was registered."""


def register_page(page: ExtraNetworksPage) -> None:
    """Keep an extension's page of cards; it is told once that nobody will see it."""
    PAGES.append(page)
    logger.info("an extension's cards %r are not shown: this page has none; <lora:name:weight> in the prompt works", page.title)
