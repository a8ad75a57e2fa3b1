"""Face: A1111's `modules.lowvram`."""

from __future__ import annotations

import torch

from modules.runtime.face_calls.answers import accept, answer_no

send_everything_to_cpu = setup_for_low_vram = apply = accept
is_enabled = is_needed = answer_no
module_in_gpu = None
cpu = torch.device("cpu")
