"""The program that ours is compared with: diffusers in float32, everything at its default.

A module of its own, so that what it imports is not counted as our memory.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionInpaintPipeline, UNet2DConditionModel
from PIL import Image

from modules.backends import ldm_layout
from modules.backends.header import read_header
from modules.backends.ldm_yaml import LdmSettings
from modules.backends.weights import build_module
from tests.bench.ours import Meter, make_picture


class Diffusers:
    """`StableDiffusionInpaintPipeline`, float32, everything at its default."""

    def __init__(self, checkpoint: Path) -> None:
        self.meter = Meter()
        header, settings, cpu = read_header(checkpoint), LdmSettings(), torch.device("cpu")
        unet, vae = ldm_layout.read_unet(header, settings), ldm_layout.read_vae(header)
        networks = [
            build_module(lambda: UNet2DConditionModel(**unet.config, sample_size=64), header, unet.names, cpu, torch.float32),
            build_module(
                lambda: AutoencoderKL(**vae.config, scaling_factor=0.18215, sample_size=512), header, vae.names, cpu, torch.float32
            ),
        ]
        for parameter in (parameter for network in networks for parameter in network.parameters()):
            parameter.data = parameter.data.contiguous()
        scheduler = DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", set_alpha_to_one=False, steps_offset=1)
        self.pipe = StableDiffusionInpaintPipeline(
            unet=networks[0], vae=networks[1], text_encoder=None, tokenizer=None, scheduler=scheduler, safety_checker=None,
            feature_extractor=None, requires_safety_checker=False,
        )  # fmt: skip
        self.pipe.set_progress_bar_config(disable=True)
        for owner, method, name in (
            (networks[0], "forward", "predict"),
            (networks[1], "encode", "encode"),
            (networks[1], "decode", "decode"),
        ):
            self.meter.watch(owner, method, name)

    def request(self, number: int, steps: int, side_px: int) -> Image.Image:
        """Runs `steps` steps of `steps + 1`, so that the start picture is encoded as in img2img."""
        image, mask = make_picture(number, side_px)
        width = self.pipe.unet.config.cross_attention_dim
        embeddings = torch.randn(2, 1, 77, width, generator=torch.Generator().manual_seed(number))
        result = self.meter.time("request", lambda: self.pipe(
            prompt_embeds=embeddings[0], negative_prompt_embeds=embeddings[1], image=image, mask_image=mask, width=side_px, height=side_px,
            num_inference_steps=steps + 1, strength=(steps + 0.5) / (steps + 1), guidance_scale=7.0,
            generator=torch.Generator().manual_seed(number),
        ))  # fmt: skip
        picture: Image.Image = result.images[0]
        return picture
