"""Face: A1111's `modules.timer`."""

from __future__ import annotations

import time

from modules.runtime.face_calls.clock import STARTUP_TIMER, Timer
from modules.settings.flags import build_parser

startup_timer = STARTUP_TIMER
startup_record = None
