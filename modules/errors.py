"""Face: what a script may raise so that the person sees a message, and checks that raise it."""

from __future__ import annotations

from modules.base.checks import to_choice, to_choices, to_number, to_whole
from modules.base.errors import InvalidRequest, PentimentoError

__all__ = ["InvalidRequest", "PentimentoError", "to_choice", "to_choices", "to_number", "to_whole"]
