"""Face: for scripts that make many runs of one request."""

from __future__ import annotations

from modules.pipeline.plots.rehearsal import copy_request, rehearse
from modules.pipeline.plots.sheet import check_sheet, fill_up

__all__ = ["check_sheet", "copy_request", "fill_up", "rehearse"]
