"""Face: A1111's `modules.sd_schedulers`; what it calls `uniform` is the schedule of the model."""

from __future__ import annotations

from modules.engine.schedules import SCHEDULERS, uniform
from modules.engine.schedules import SchedulerSpec as Scheduler

schedulers = [spec for _, spec in SCHEDULERS.items()]
schedulers_map = dict([*[(spec.name, spec) for spec in schedulers], *[(spec.label, spec) for spec in schedulers]])
