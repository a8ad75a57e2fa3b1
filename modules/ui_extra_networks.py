"""Face: A1111's `modules.ui_extra_networks`."""

from __future__ import annotations

from modules.web.ui.bridge.cards import PAGES as extra_pages
from modules.web.ui.bridge.cards import ExtraNetworksPage, register_page

__all__ = ["ExtraNetworksPage", "extra_pages", "register_page"]
