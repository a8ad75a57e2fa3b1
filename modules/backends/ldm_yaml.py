"""What the weights cannot tell, from the YAML beside a checkpoint (the configuration format of the LDM code)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from modules.base.errors import BrokenCheckpoint


@dataclass(frozen=True)
class LdmSettings:
    """The few values that are used; everything else follows from the weights' shapes.

    Attributes:
        parameterization: "eps", "v", or None when the file does not say.
        scale_factor: Multiplier from VAE latents to diffused latents; None when the file does not say.
        heads: Attention heads of every UNet level; None when `head_width` rules, or nothing is said.
        head_width: Channels of one UNet attention head; None when `heads` rules.
        text_heads: Attention heads of the text encoder; None = width // 64.
    """

    parameterization: str | None = None
    scale_factor: float | None = None
    linear_start: float = 0.00085
    linear_end: float = 0.012
    timesteps: int = 1000
    beta_schedule: str = "linear"
    heads: int | None = None
    head_width: int | None = None
    text_heads: int | None = None


def read_ldm_yaml(path: Path | None) -> LdmSettings:
    """Read the YAML of a checkpoint; None gives the defaults of Stable Diffusion 1.

    Raises:
        BrokenCheckpoint: The file cannot be read, is no YAML, or holds something other than numbers where numbers belong.
    """
    if path is None:
        return LdmSettings()
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BrokenCheckpoint(f"{path.name} cannot be read as YAML: {str(error).splitlines()[0]}") from error
    params = _dig(document, "model", "params")
    if not params:
        raise BrokenCheckpoint(
            f"{path.name} is no LDM configuration: model.params is missing; rename it if it does not belong to the checkpoint"
        )
    unet = _dig(params, "unet_config", "params")
    text = _dig(params, "cond_stage_config", "params")
    try:
        return LdmSettings(
            parameterization=_optional(params, str, "parameterization"),
            scale_factor=_optional(params, float, "scale_factor"),
            linear_start=_optional(params, float, "linear_start") or LdmSettings.linear_start,
            linear_end=_optional(params, float, "linear_end") or LdmSettings.linear_end,
            timesteps=_optional(params, int, "timesteps") or LdmSettings.timesteps,
            beta_schedule=_optional(params, str, "beta_schedule") or LdmSettings.beta_schedule,
            heads=_positive(unet, "num_heads"),
            head_width=_positive(unet, "num_head_channels"),
            text_heads=_positive(text, "heads", "num_heads", "num_attention_heads"),
        )
    except (TypeError, ValueError) as error:
        raise BrokenCheckpoint(f"{path.name}: a value of model.params has the wrong type ({error})") from error


def _dig(document: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _optional(values: dict[str, Any], kind: type, *names: str) -> Any:
    found = next((values[name] for name in names if values.get(name) is not None), None)
    return None if found is None else kind(found)


def _positive(values: dict[str, Any], *names: str) -> int | None:
    """The first value > 0; LDM writes -1 for "the other one rules"."""
    found = _optional(values, int, *names)
    return found if found is not None and found > 0 else None
