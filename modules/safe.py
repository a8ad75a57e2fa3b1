"""Face: A1111's `modules.safe`; pickles that hold more than tensors are refused under every name."""

from __future__ import annotations

from modules.runtime.face_calls.safe_load import RefusedPickle, load, load_with_extra, unsafe_torch_load
