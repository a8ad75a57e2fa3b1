"""Face: A1111's `modules.cmd_args`."""

from __future__ import annotations

from modules.settings.flags import build_parser

parser = build_parser()
