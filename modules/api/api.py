"""Face: A1111's `modules.api.api`."""

from __future__ import annotations

from modules.runtime.face_calls.base64_images import Api, decode_base64_to_image, encode_pil_to_base64
from modules.runtime.face_calls.running import queue_lock

__all__ = ["Api", "decode_base64_to_image", "encode_pil_to_base64", "queue_lock"]
