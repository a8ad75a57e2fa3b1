"""Face: A1111's `modules.sd_unet`."""

from __future__ import annotations

from modules.runtime.face_calls.answers import accept, say_why_not

unet_options: list[object] = []
current_unet = None
list_unets = apply_unet = accept
SdUnetOption = SdUnet = say_why_not("sd_unet", "UNets are part of their checkpoint")
