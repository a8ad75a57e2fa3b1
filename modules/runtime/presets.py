"""What the page and the command line start with. The API's defaults stay A1111's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

NATIVE_SIZE_PX = 512
BUILTIN_SIZE_PX = 256


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
    denoising_strength=0.5,
    inpainting_fill="patchmatch",
    inpaint_full_res=True,
    cfg_scale=2.0,
    sampler_name="Euler a",
)
"""Ancestral noise mends the small model's errors from step to step: deterministic samplers leave specks."""


class Labelled(Protocol):
    @property
    def label(self) -> str: ...


def preset_for(checkpoint: Labelled | None) -> Preset:
    """The preset that suits a checkpoint; None means the built-in one."""
    if checkpoint is None or checkpoint.label.startswith("built-in"):
        return BUILTIN_PRESET
    return Preset()
