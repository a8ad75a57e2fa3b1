"""Face: A1111's `modules.script_callbacks`; its `on_*` and `*_callback` functions are those of the hook table."""

from __future__ import annotations

from typing import Any

from modules.engine.callbacks import DenoisedParams as CFGDenoisedParams
from modules.engine.callbacks import DenoiserParams as CFGDenoiserParams
from modules.engine.callbacks import ExtraNoiseParams
from modules.engine.callbacks import GuidedParams as AfterCFGCallbackParams
from modules.plugins.callbacks import CALLBACKS, callback_attribute, remove_current_script_callbacks
from modules.plugins.hook_arguments import (
    BeforeTokenCounterParams,
    ImageGridLoopParams,
    ImageSaveParams,
    UiTrainTabParams,
)
from modules.plugins.hooks import CALLBACK_NAMES

remove_callbacks_for_function = CALLBACKS.remove_function
clear_callbacks = CALLBACKS.clear

__all__ = [
    "AfterCFGCallbackParams",
    "BeforeTokenCounterParams",
    "CFGDenoisedParams",
    "CFGDenoiserParams",
    "ExtraNoiseParams",
    "ImageGridLoopParams",
    "ImageSaveParams",
    "UiTrainTabParams",
    "clear_callbacks",
    "remove_callbacks_for_function",
    "remove_current_script_callbacks",
]


def __getattr__(name: str) -> Any:
    return callback_attribute(name)


def __dir__() -> list[str]:
    return [*__all__, "callback_map", *sorted(CALLBACK_NAMES), *sorted(f"{name.removeprefix('on_')}_callback" for name in CALLBACK_NAMES)]
