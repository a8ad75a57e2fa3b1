"""Face: A1111's `modules.modelloader`."""

from __future__ import annotations

from modules.runtime.face_calls.answers import accept, say_why_not
from modules.runtime.face_calls.model_files import friendly_name, load_file_from_url, load_models

load_upscalers = accept
load_spandrel_model = say_why_not(
    "load_spandrel_model", "files of the ESRGAN family in models/ESRGAN are upscalers, see shared.sd_upscalers"
)
