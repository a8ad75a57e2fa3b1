"""Face: A1111's `modules.face_restoration`."""

from __future__ import annotations

from modules.runtime.face_calls.face_restorers import FaceRestoration, restore_faces
