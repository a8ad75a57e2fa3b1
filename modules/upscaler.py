"""Face: A1111's `modules.upscaler`."""

from modules.runtime.face_calls.upscalers import (
    LANCZOS,
    NEAREST,
    Upscaler,
    UpscalerData,
    UpscalerLanczos,
    UpscalerNearest,
    UpscalerNone,
)

__all__ = ["LANCZOS", "NEAREST", "Upscaler", "UpscalerData", "UpscalerLanczos", "UpscalerNearest", "UpscalerNone"]
