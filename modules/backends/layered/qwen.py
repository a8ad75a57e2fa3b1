"""Qwen-Image-Layered, through diffusers: one picture in, RGBA layers out, at the model's working size.

The pipeline is built without its captioning processor (which wants torchvision), so a prompt is always handed in; it may be empty.

References:
    Yin et al., "Qwen-Image-Layered: Towards Inherent Editability via Layer Decomposition", 2025 (arXiv:2512.15603).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from diffusers.utils import logging as diffusers_logging
from numpy.typing import NDArray
from PIL import Image

from modules.backends.layered.folder import fault_of, weight_bytes
from modules.backends.layered.request import LayeredRequest, Offload
from modules.base.errors import BrokenCheckpoint, MissingModel
from modules.engine.devices import LARGE_MODEL_PARAMETERS, choose_device, has_fast_bfloat16, torch_gc

Pixels = NDArray[np.uint8]

BF16_BYTES = 2


class _Stopped(Exception):
    """Somebody asked to stop."""


class QwenLayered:
    """The model of one folder; loaded on first use.

    Args:
        folder: A diffusers folder with safetensors.
        use_cpu, no_half: As the command line says.
        offload: Where weights wait.
        cache: Where weights are parted into groups for `Offload.DISK`.
    """

    def __init__(self, folder: Path, *, use_cpu: bool = False, no_half: bool = False, offload: Offload = Offload.NONE, cache: Path) -> None:
        self.folder = folder
        self._device = choose_device(use_cpu)
        self._dtype = _choose_dtype(self._device, no_half, weight_bytes(folder) // BF16_BYTES)
        self._offload, self._cache = offload, cache
        self._lock = threading.Lock()
        self._pipeline: Any = None

    def run(
        self,
        picture: Pixels,
        request: LayeredRequest,
        on_step: Callable[[int, int], None] = lambda step, total: None,
        is_interrupted: Callable[[], bool] = lambda: False,
    ) -> list[Pixels] | None:
        """Paint the layers of a picture.

        Args:
            picture: (H, W, 4) uint8 RGBA.
            on_step: Is told the steps done, and all.

        Returns:
            `request.layers` arrays (h, w, 4) uint8 RGBA, bottom first, at the working size; None when interrupted.

        Raises:
            MissingModel, BrokenCheckpoint: The weights cannot be loaded.
        """
        with self._lock:
            pipeline = self._pipeline = self._pipeline or self._load()

            def on_end(running: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
                on_step(step + 1, request.steps)
                if is_interrupted():
                    raise _Stopped
                return values

            answer = self._ask(pipeline, picture, request, on_end)
        return answer and [np.floor(np.clip(layer, 0, 1) * 255 + 0.5).astype(np.uint8) for layer in answer]

    def unload(self) -> None:
        """Give the memory back; the next run loads again."""
        with self._lock:
            self._pipeline = None
        torch_gc()

    @staticmethod
    def _ask(pipeline: Any, picture: Pixels, request: LayeredRequest, on_end: Callable[..., dict[str, Any]]) -> list[Any] | None:
        """Layers as (h, w, 4) floats of 0 to 1; None when `on_end` stopped it."""
        try:
            answer = pipeline(
                image=Image.fromarray(picture, "RGBA"),
                prompt=[request.prompt],  # a list: an empty prompt of its own would call for a caption
                negative_prompt=[request.negative_prompt] if request.true_cfg_scale > 1 else None,
                true_cfg_scale=request.true_cfg_scale,
                layers=request.layers,
                num_inference_steps=request.steps,
                resolution=request.resolution,
                generator=torch.Generator().manual_seed(request.seed),
                output_type="np",
                callback_on_step_end=on_end,
            )
        except _Stopped:
            return None
        return list(answer.images[0])

    def _load(self) -> Any:
        fault = fault_of(self.folder)
        if fault:
            raise MissingModel(fault)
        diffusers_logging.disable_progress_bar()
        try:
            pipeline = diffusers.QwenImageLayeredPipeline.from_pretrained(
                self.folder, processor=None, local_files_only=True, use_safetensors=True, dtype=self._dtype
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise BrokenCheckpoint(f"{self.folder.name} cannot be loaded: {error}") from error
        pipeline.set_progress_bar_config(disable=True)
        if self._offload is Offload.NONE:
            return pipeline.to(self._device)
        where: dict[str, Any] = {}
        if self._offload is Offload.DISK:
            where = {"offload_to_disk_path": str(self._cache / self.folder.name)}
        pipeline.enable_group_offload(onload_device=self._device, offload_type="leaf_level", **where)
        return pipeline


def _choose_dtype(device: torch.device, no_half: bool, parameters: int) -> torch.dtype:
    """bfloat16, in which the model was trained, but where it would be slower and the memory is there."""
    if no_half:
        return torch.float32
    if device.type != "cpu" or parameters > LARGE_MODEL_PARAMETERS or has_fast_bfloat16():
        return torch.bfloat16
    return torch.float32
