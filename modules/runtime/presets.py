"""What the page and the command line start with. The API's defaults stay A1111's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

NATIVE_SIZE_PX = 512
BUILTIN_SIZE_PX = 256
V_SIZE_PX = 768
"""What Stable Diffusion 2 models that predict v were trained at."""


@dataclass(frozen=True)
class Preset:
    """Field values, named as in `Img2ImgProcessing`."""

    width: int = NATIVE_SIZE_PX
    height: int = NATIVE_SIZE_PX
    denoising_strength: float = 0.75
    inpainting_fill: int | str = 1
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 32
    steps: int = 20
    cfg_scale: float = 7.0
    mask_blur: int = 4
    sampler_name: str = "DPM++ 2M"
    scheduler: str = "Automatic"


BUILTIN_PRESET = Preset(
    width=BUILTIN_SIZE_PX,
    height=BUILTIN_SIZE_PX,
    denoising_strength=0.75,
    inpainting_fill="patchmatch",
    inpaint_full_res=True,
    cfg_scale=2.0,
    sampler_name="Euler",
)
"""Chosen by the bar (`models/training/bar.py`): ancestral samplers smooth what the small model paints, this one keeps its texture; more CFG
makes colours shrill, where the guide of words pulls already."""


class Listed(Protocol):
    @property
    def is_builtin(self) -> bool: ...


def preset_for(checkpoint: Listed | None) -> Preset:
    """The preset that suits a checkpoint; None means the built-in one."""
    if checkpoint is None or checkpoint.is_builtin:
        return BUILTIN_PRESET
    is_sd2 = getattr(checkpoint, "family", "") == "Stable Diffusion 2"
    if is_sd2 and getattr(getattr(checkpoint, "prediction", None), "name", "") == "V":
        return Preset(width=V_SIZE_PX, height=V_SIZE_PX)
    return Preset()


class Intent(Enum):
    """What a person wants of the masked part, before knowing any of the fields."""

    REMOVE = "remove"
    REPLACE = "replace"
    REFINE = "refine"
    EXTEND = "extend"


@dataclass(frozen=True)
class IntentValues:
    """Fields that an intent sets together, named as in `Img2ImgProcessing`."""

    inpainting_fill: int | str
    denoising_strength: float
    inpaint_full_res_padding: int
    mask_blur: int
    inpaint_full_res: bool = True


BUILTIN_INTENTS = {
    Intent.REMOVE: IntentValues("patchmatch", 0.15, 48, 8),
    Intent.REPLACE: IntentValues(2, 1.0, 48, 4),
    Intent.REFINE: IntentValues(1, 0.1, 32, 4),
    Intent.EXTEND: IntentValues("patchmatch", 0.15, 128, 8),
}
"""Chosen by eye: where something shall go, the patch match knows more of what is around it; a word starts from noise."""
INPAINT_INTENTS = {
    Intent.REMOVE: IntentValues("patchmatch", 0.75, 64, 4),
    Intent.REPLACE: IntentValues(0, 1.0, 64, 4),
    Intent.REFINE: IntentValues(1, 0.4, 32, 4),
    Intent.EXTEND: IntentValues("patchmatch", 0.9, 128, 8),
}
"""Inpainting checkpoints know the picture around the hole, and may begin from next to nothing."""
BASE_INTENTS = {
    Intent.REMOVE: IntentValues("patchmatch", 0.5, 64, 4),
    Intent.REPLACE: IntentValues(0, 0.8, 64, 6),
    Intent.REFINE: IntentValues(1, 0.4, 32, 4),
    Intent.EXTEND: IntentValues("patchmatch", 0.7, 128, 8),
}
"""Ordinary checkpoints know the surroundings only from the start picture: too much strength, and they paint what does not belong."""


def intent_values(intent: Intent, checkpoint: Any = None) -> IntentValues:
    """The fields of an intent that suit a checkpoint (`CheckpointInfo`); None means the built-in one."""
    if checkpoint is None or checkpoint.is_builtin:
        return BUILTIN_INTENTS[intent]
    kind = getattr(getattr(checkpoint, "kind", None), "name", "BASE")
    return (INPAINT_INTENTS if kind == "INPAINT" else BASE_INTENTS)[intent]
