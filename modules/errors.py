"""Face: what a script may raise so that the person sees a message."""

from __future__ import annotations

from modules.base.errors import InvalidRequest, PentimentoError

__all__ = ["InvalidRequest", "PentimentoError"]
