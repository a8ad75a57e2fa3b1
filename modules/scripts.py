"""Face: A1111's `modules.scripts`."""

from __future__ import annotations

from typing import Any

from modules import script_callbacks
from modules.engine.callbacks import BlendParams as MaskBlendArgs
from modules.plugins.hook_arguments import (
    OnComponent,
    PostprocessBatchListArgs,
    PostprocessImageArgs,
    PostProcessMaskOverlayArgs,
    PostSampleArgs,
)
from modules.plugins.loader import SCRIPTS_DATA as scripts_data
from modules.plugins.loader import ScriptClassData
from modules.plugins.postprocessing_loader import POSTPROCESSING_DATA as postprocessing_scripts_data
from modules.plugins.runner import ScriptRunner
from modules.plugins.script import ALWAYS_VISIBLE as AlwaysVisible
from modules.plugins.script import Script, ScriptBuiltinUI
from modules.plugins.script_modules import basedir
from modules.runtime.extras.calls import loaded_postprocessing
from modules.runtime.face_calls.script_list import ListedFile as ScriptFile
from modules.runtime.face_calls.script_list import list_files_with_name, list_scripts
from modules.runtime.shared_objects import loaded_scripts

__all__ = [  # noqa: F822
    "AlwaysVisible", "MaskBlendArgs", "OnComponent", "PostProcessMaskOverlayArgs", "PostSampleArgs", "PostprocessBatchListArgs",
    "PostprocessImageArgs", "Script", "ScriptBuiltinUI", "ScriptClassData", "ScriptFile", "ScriptRunner", "basedir",
    "list_files_with_name", "list_scripts", "postprocessing_scripts_data", "script_callbacks", "scripts_current", "scripts_data",
    "scripts_img2img", "scripts_postproc", "scripts_txt2img",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in ("scripts_current", "scripts_img2img", "scripts_txt2img"):
        return loaded_scripts(is_img2img=name != "scripts_txt2img")
    if name == "scripts_postproc":
        return loaded_postprocessing()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
