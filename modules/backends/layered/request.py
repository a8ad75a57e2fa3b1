"""What Qwen-Image-Layered is asked for, and where its weights wait; importing this imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

RESOLUTIONS = (640, 1024)


class Offload(Enum):
    """Where weights wait until they are needed.

    References:
        diffusers, "Group offloading".
    """

    NONE = "none"
    CPU = "cpu"
    DISK = "disk"


@dataclass(frozen=True)
class LayeredRequest:
    """What the model is asked for.

    Attributes:
        layers: How many layers it paints.
        resolution: 640 or 1024: side of the square whose area the working size has.
        steps: Of sampling.
        true_cfg_scale: Guidance; 1 = none, and half the time.
        seed: Of the noise, which is drawn on the CPU: the same on every device.
        prompt, negative_prompt: Describe the whole picture; no layer in particular.
    """

    layers: int = 4
    resolution: int = 640
    steps: int = 50
    true_cfg_scale: float = 4.0
    seed: int = 0
    prompt: str = ""
    negative_prompt: str = " "
