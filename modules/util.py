"""Face: A1111's `modules.util`."""

from __future__ import annotations

from modules.runtime.face_calls.answers import topological_sort
from modules.runtime.face_calls.model_files import load_file_from_url
from modules.runtime.face_calls.shared_names import listfiles, natural_sort_key, walk_files
