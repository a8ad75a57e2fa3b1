"""The conventions a plan may name."""

from __future__ import annotations

from modules.base.registry import Registry
from modules.engine.conventions.a1111 import A1111
from modules.engine.conventions.comfyui import COMFYUI
from modules.engine.conventions.convention import Convention

CONVENTIONS: Registry[Convention] = Registry("compat")
CONVENTIONS.add(A1111.name, A1111)
CONVENTIONS.add(COMFYUI.name, COMFYUI)
