"""Face: A1111's `modules.shared_cmd_options`."""

from __future__ import annotations

from modules.runtime.shared_objects import CMD_OPTS as cmd_opts
from modules.settings.flags import build_parser

parser = build_parser()
