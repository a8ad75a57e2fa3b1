"""Face: A1111's `modules.fifo_lock`."""

from __future__ import annotations

from threading import RLock as FIFOLock
