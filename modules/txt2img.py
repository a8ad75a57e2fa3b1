"""Face: A1111's `modules.txt2img`."""

from __future__ import annotations

from modules.runtime.face_calls.answers import say_why_not

txt2img = txt2img_upscale = txt2img_create_processing = say_why_not("txt2img", "this program repaints pictures; start from one")
