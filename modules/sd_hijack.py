"""Face: A1111's `modules.sd_hijack`."""

from __future__ import annotations

from modules.runtime.face_calls.hijack import MODEL_HIJACK, EmbeddingDatabase
from modules.runtime.face_calls.hijack import ModelHijack as StableDiffusionModelHijack

model_hijack = MODEL_HIJACK
apply_optimizations = MODEL_HIJACK.apply_optimizations
undo_optimizations = MODEL_HIJACK.undo_optimizations
optimizers: list[object] = []
