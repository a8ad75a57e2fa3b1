"""Face: A1111's `modules.shared_total_tqdm`."""

from __future__ import annotations

from modules.runtime.face_calls.shared_names import TotalTqdm as TotalTQDM
