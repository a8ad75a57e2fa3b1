"""Face: A1111's `modules.scripts`."""

from __future__ import annotations

from modules.plugins.runner import ScriptRunner
from modules.plugins.script import ALWAYS_VISIBLE as AlwaysVisible
from modules.plugins.script import Script

__all__ = ["AlwaysVisible", "Script", "ScriptRunner"]
