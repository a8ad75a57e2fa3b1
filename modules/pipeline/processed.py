"""What a job gives back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL.Image import Image


@dataclass
class Processed:
    """Results, in A1111's words.

    Attributes:
        images: A grid first if there is one, then each picture with what was asked to go with it.
        infotexts: One for each entry of `images`.
        index_of_first_image: 1 after a grid, else 0.
        paths: Where each entry of `images` was saved; None for those that were not.
        changed_outside_mask: For each picture, pixels that differ from the input where the mask is 0; None when no mask was used.
        notes: What the person should know, such as conversions of the input.
        is_interrupted: Whether the job was cut short.
    """

    images: list[Image]
    prompt: str = ""
    all_prompts: list[str] = field(default_factory=list)
    negative_prompt: str = ""
    all_negative_prompts: list[str] = field(default_factory=list)
    seed: int = -1
    all_seeds: list[int] = field(default_factory=list)
    subseed: int = -1
    all_subseeds: list[int] = field(default_factory=list)
    subseed_strength: float = 0
    width: int = 0
    height: int = 0
    sampler_name: str = ""
    cfg_scale: float = 7.0
    image_cfg_scale: float | None = None
    steps: int = 0
    batch_size: int = 1
    restore_faces: bool = False
    face_restoration_model: str | None = None
    sd_model_name: str | None = None
    sd_model_hash: str | None = None
    sd_vae_name: str | None = None
    sd_vae_hash: str | None = None
    seed_resize_from_w: int = -1
    seed_resize_from_h: int = -1
    denoising_strength: float | None = None
    extra_generation_params: dict[str, Any] = field(default_factory=dict)
    index_of_first_image: int = 0
    infotexts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    clip_skip: int = 1
    is_using_inpainting_conditioning: bool = False
    version: str = ""
    job_timestamp: str = ""
    info: str = ""
    comments: str = ""
    paths: list[Path | None] = field(default_factory=list)
    changed_outside_mask: list[int | None] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_interrupted: bool = False

    def as_info(self) -> dict[str, Any]:
        """The `info` object of the API: A1111's keys, then ours under "pentimento"."""
        names = (
            "prompt all_prompts negative_prompt all_negative_prompts seed all_seeds subseed all_subseeds subseed_strength width height "
            "sampler_name cfg_scale steps batch_size restore_faces face_restoration_model sd_model_name sd_model_hash "
            "sd_vae_name sd_vae_hash seed_resize_from_w seed_resize_from_h denoising_strength "
            "extra_generation_params index_of_first_image infotexts styles clip_skip is_using_inpainting_conditioning version"
        ).split()
        info = {name: getattr(self, name) for name in names}
        info["job_timestamp"] = self.job_timestamp
        info["pentimento"] = {"changed_outside_mask": self.changed_outside_mask, "notes": self.notes, "is_interrupted": self.is_interrupted}
        return info

    def js(self) -> str:
        """`as_info` as JSON text."""
        return json.dumps(self.as_info(), ensure_ascii=False, default=str)
