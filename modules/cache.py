"""Face: A1111's `modules.cache`."""

from __future__ import annotations

from modules.runtime.face_calls.file_cache import cache, cached_data_for_file, dump_cache
