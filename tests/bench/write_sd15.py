"""Write a checkpoint of Stable Diffusion 1.5's full size with random weights: 9 input channels, LDM layout, float16, 2.1 GB.

    python -m tests.bench.write_sd15 [FILE]

Pictures are noise; times and memory are those of any SD1.5 inpainting checkpoint.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_FILE = ROOT / "cache" / "bench" / "random-sd15-inpainting.safetensors"
Shapes = Iterator[tuple[str, tuple[int, ...]]]
WIDTHS, HEADS_AT, CONTEXT, TIME = (320, 640, 1280, 1280), (0, 1, 2), 768, 1280
VAE_WIDTHS = (128, 256, 512, 512)


def layer(name: str, *shape: int) -> Shapes:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def unet_resnet(name: str, inputs: int, outputs: int) -> Shapes:
    yield from layer(f"{name}.in_layers.0", inputs)
    yield from layer(f"{name}.in_layers.2", outputs, inputs, 3, 3)
    yield from layer(f"{name}.emb_layers.1", outputs, TIME)
    yield from layer(f"{name}.out_layers.0", outputs)
    yield from layer(f"{name}.out_layers.3", outputs, outputs, 3, 3)
    if inputs != outputs:
        yield from layer(f"{name}.skip_connection", outputs, inputs, 1, 1)


def transformer(name: str, width: int) -> Shapes:
    yield from layer(f"{name}.norm", width)
    yield from layer(f"{name}.proj_in", width, width, 1, 1)
    block = f"{name}.transformer_blocks.0"
    for attention, source in (("attn1", width), ("attn2", CONTEXT)):
        for part, inputs in (("to_q", width), ("to_k", source), ("to_v", source)):
            yield f"{block}.{attention}.{part}.weight", (width, inputs)
        yield from layer(f"{block}.{attention}.to_out.0", width, width)
    yield from layer(f"{block}.ff.net.0.proj", 8 * width, width)
    yield from layer(f"{block}.ff.net.2", width, 4 * width)
    for norm in ("norm1", "norm2", "norm3"):
        yield from layer(f"{block}.{norm}", width)
    yield from layer(f"{name}.proj_out", width, width, 1, 1)


def unet() -> Shapes:
    yield from layer("time_embed.0", TIME, WIDTHS[0])
    yield from layer("time_embed.2", TIME, TIME)
    yield from layer("input_blocks.0.0", WIDTHS[0], 9, 3, 3)
    width, skips, index = WIDTHS[0], [WIDTHS[0]], 0
    for level, outputs in enumerate(WIDTHS):
        for _ in range(2):
            index += 1
            yield from unet_resnet(f"input_blocks.{index}.0", width, outputs)
            if level in HEADS_AT:
                yield from transformer(f"input_blocks.{index}.1", outputs)
            width = outputs
            skips.append(width)
        if level < len(WIDTHS) - 1:
            index += 1
            yield from layer(f"input_blocks.{index}.0.op", width, width, 3, 3)
            skips.append(width)
    yield from unet_resnet("middle_block.0", width, width)
    yield from transformer("middle_block.1", width)
    yield from unet_resnet("middle_block.2", width, width)
    yield from unet_up(width, skips)
    yield from layer("out.0", WIDTHS[0])
    yield from layer("out.2", 4, WIDTHS[0], 3, 3)


def unet_up(width: int, skips: list[int]) -> Shapes:
    index = 0
    for level, outputs in reversed(list(enumerate(WIDTHS))):
        for place in range(3):
            yield from unet_resnet(f"output_blocks.{index}.0", width + skips.pop(), outputs)
            width = outputs
            if level in HEADS_AT:
                yield from transformer(f"output_blocks.{index}.1", width)
            if level and place == 2:
                yield from layer(f"output_blocks.{index}.{2 if level in HEADS_AT else 1}.conv", width, width, 3, 3)
            index += 1


def vae_resnet(name: str, inputs: int, outputs: int) -> Shapes:
    yield from layer(f"{name}.norm1", inputs)
    yield from layer(f"{name}.conv1", outputs, inputs, 3, 3)
    yield from layer(f"{name}.norm2", outputs)
    yield from layer(f"{name}.conv2", outputs, outputs, 3, 3)
    if inputs != outputs:
        yield from layer(f"{name}.nin_shortcut", outputs, inputs, 1, 1)


def vae_middle(half: str, width: int) -> Shapes:
    yield from vae_resnet(f"{half}.mid.block_1", width, width)
    yield from layer(f"{half}.mid.attn_1.norm", width)
    for part in ("q", "k", "v", "proj_out"):
        yield from layer(f"{half}.mid.attn_1.{part}", width, width, 1, 1)
    yield from vae_resnet(f"{half}.mid.block_2", width, width)


def vae() -> Shapes:
    yield from layer("encoder.conv_in", VAE_WIDTHS[0], 3, 3, 3)
    width = VAE_WIDTHS[0]
    for level, outputs in enumerate(VAE_WIDTHS):
        for block in range(2):
            yield from vae_resnet(f"encoder.down.{level}.block.{block}", width, outputs)
            width = outputs
        if level < len(VAE_WIDTHS) - 1:
            yield from layer(f"encoder.down.{level}.downsample.conv", width, width, 3, 3)
    yield from layer("decoder.conv_in", width, 4, 3, 3)
    for half, outputs in (("encoder", 8), ("decoder", 3)):
        yield from vae_middle(half, width)
        end = width if half == "encoder" else VAE_WIDTHS[0]
        yield from layer(f"{half}.norm_out", end)
        yield from layer(f"{half}.conv_out", outputs, end, 3, 3)
    for level, outputs in reversed(list(enumerate(VAE_WIDTHS))):
        for block in range(3):
            yield from vae_resnet(f"decoder.up.{level}.block.{block}", width, outputs)
            width = outputs
        if level:
            yield from layer(f"decoder.up.{level}.upsample.conv", width, width, 3, 3)
    yield from layer("quant_conv", 8, 8, 1, 1)
    yield from layer("post_quant_conv", 4, 4, 1, 1)


def clip_text(width: int = 768) -> Shapes:
    yield "embeddings.token_embedding.weight", (49408, width)
    yield "embeddings.position_embedding.weight", (77, width)
    for index in range(12):
        name = f"encoder.layers.{index}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from layer(f"{name}.self_attn.{part}", width, width)
        yield from layer(f"{name}.mlp.fc1", 4 * width, width)
        yield from layer(f"{name}.mlp.fc2", width, 4 * width)
        for norm in ("layer_norm1", "layer_norm2"):
            yield from layer(f"{name}.{norm}", width)
    yield from layer("final_layer_norm", width)


def write_sd15(path: Path = DEFAULT_FILE) -> Path:
    """Write the checkpoint to `path` unless it is there; 10 to 30 seconds, 2.1 GB of memory and of disk."""
    if path.is_file():
        return path
    random = torch.Generator().manual_seed(15)
    tensors = {}
    parts = (("model.diffusion_model.", unet()), ("first_stage_model.", vae()), ("cond_stage_model.transformer.text_model.", clip_text()))
    for prefix, shapes in parts:
        for name, shape in shapes:
            if len(shape) == 1:
                tensor = torch.full(shape, 1.0 if name.endswith("weight") else 0.0)
            else:
                tensor = torch.empty(shape).normal_(0, 0.7 / math.sqrt(math.prod(shape[1:])), generator=random)
            tensors[prefix + name] = tensor.half()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path.with_suffix(".part"), metadata={"format": "pt"})
    os.replace(path.with_suffix(".part"), path)
    return path


if __name__ == "__main__":
    print(write_sd15(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FILE))
