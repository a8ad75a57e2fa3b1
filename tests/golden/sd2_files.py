"""Random checkpoints of Stable Diffusion 2's architecture in the original single-file layout, of any width: names, shapes, values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

DOWN_ATTENTION_LEVELS = 3
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Sizes:
    """Widths and depths; the defaults are the real model's."""

    inputs: int = 9
    width: int = 320
    context: int = 1024
    text_layers: int = 24
    vae_width: int = 128
    vocabulary: int = 49408
    multiples: tuple[int, ...] = (1, 2, 4, 4)


SMALL = Sizes(inputs=4, width=64, context=128, text_layers=3, vae_width=32)


def shapes_of(sizes: Sizes) -> Shapes:
    """Name to shape of every tensor."""
    return _unet(sizes) | _vae(sizes) | _text(sizes)


def write_small(path: Path, sizes: Sizes = SMALL, seed: int = 0, **changed: np.ndarray) -> Path:
    """Write a checkpoint in float16 whose numbers stay of one size on their way through; `changed` replaces tensors ("__" = ".")."""
    random = np.random.default_rng(seed)
    tensors = {name: _values(name, shape, random).astype(np.float16) for name, shape in shapes_of(sizes).items()}
    for name, values in changed.items():
        tensors[name.replace("__", ".")] = values.astype(np.float16)
    save_file(tensors, path)
    return path


def write_full(path: Path, sizes: Sizes) -> int:
    """Write a checkpoint in float16, a tensor at a time; returns its size in bytes."""
    entries, place = {}, 0
    shapes = shapes_of(sizes)
    for name, shape in shapes.items():
        size = 2 * int(np.prod(shape))
        entries[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [place, place + size]}
        place += size
    header = json.dumps(entries).encode()
    random = np.random.default_rng(0)
    pool = (random.standard_normal(1 << 22) * 0.02).astype(np.float16)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for name, shape in shapes.items():
            count = int(np.prod(shape))
            values = np.ones(count, np.float16) if _is_norm(name) and name.endswith("weight") else np.resize(pool, count)
            values.tofile(file)
    return path.stat().st_size


def _values(name: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    values = random.standard_normal(shape)
    if len(shape) == 1:
        return 0.05 * values + (1.0 if name.endswith("weight") else 0.0)
    return values / np.sqrt(np.prod(shape[1:])) if "embedding" not in name else 0.3 * values


def _is_norm(name: str) -> bool:
    return any(part in name for part in ("norm", "ln_", "in_layers.0", "out_layers.0", ".out.0"))


def _layer(name: str, *weight: int) -> Shapes:
    return {f"{name}.weight": weight, f"{name}.bias": weight[:1]}


def _resnet(name: str, inputs: int, outputs: int, time: int = 0) -> Shapes:
    if not time:
        layers = _layer(f"{name}.norm1", inputs) | _layer(f"{name}.conv1", outputs, inputs, 3, 3)
        layers |= _layer(f"{name}.norm2", outputs) | _layer(f"{name}.conv2", outputs, outputs, 3, 3)
        return layers | (_layer(f"{name}.nin_shortcut", outputs, inputs, 1, 1) if inputs != outputs else {})
    layers = _layer(f"{name}.in_layers.0", inputs) | _layer(f"{name}.in_layers.2", outputs, inputs, 3, 3)
    layers |= _layer(f"{name}.emb_layers.1", outputs, time) | _layer(f"{name}.out_layers.0", outputs)
    layers |= _layer(f"{name}.out_layers.3", outputs, outputs, 3, 3)
    return layers | (_layer(f"{name}.skip_connection", outputs, inputs, 1, 1) if inputs != outputs else {})


def _transformer(name: str, width: int, context: int) -> Shapes:
    block = f"{name}.transformer_blocks.0"
    layers = _layer(f"{name}.norm", width) | _layer(f"{name}.proj_in", width, width) | _layer(f"{name}.proj_out", width, width)
    for number, source in ((1, width), (2, context)):
        attention = f"{block}.attn{number}"
        layers |= {f"{attention}.to_q.weight": (width, width), f"{attention}.to_k.weight": (width, source)}
        layers |= {f"{attention}.to_v.weight": (width, source)} | _layer(f"{attention}.to_out.0", width, width)
    layers |= _layer(f"{block}.ff.net.0.proj", 8 * width, width) | _layer(f"{block}.ff.net.2", width, 4 * width)
    for number in (1, 2, 3):
        layers |= _layer(f"{block}.norm{number}", width)
    return layers


def _unet(sizes: Sizes) -> Shapes:
    top, first, time = "model.diffusion_model", sizes.width, 4 * sizes.width
    layers = _layer(f"{top}.time_embed.0", time, first) | _layer(f"{top}.time_embed.2", time, time)
    layers |= _layer(f"{top}.input_blocks.0.0", first, sizes.inputs, 3, 3)
    width, index, skips = first, 1, [first]
    for level, multiple in enumerate(sizes.multiples):
        for _ in range(2):
            layers |= _resnet(f"{top}.input_blocks.{index}.0", width, first * multiple, time)
            width = first * multiple
            if level < DOWN_ATTENTION_LEVELS:
                layers |= _transformer(f"{top}.input_blocks.{index}.1", width, sizes.context)
            skips.append(width)
            index += 1
        if level < len(sizes.multiples) - 1:
            layers |= _layer(f"{top}.input_blocks.{index}.0.op", width, width, 3, 3)
            skips.append(width)
            index += 1
    layers |= _resnet(f"{top}.middle_block.0", width, width, time) | _transformer(f"{top}.middle_block.1", width, sizes.context)
    layers |= _resnet(f"{top}.middle_block.2", width, width, time)
    index = 0
    for level in reversed(range(len(sizes.multiples))):
        for number in range(3):
            block = f"{top}.output_blocks.{index}"
            layers |= _resnet(f"{block}.0", width + skips.pop(), first * sizes.multiples[level], time)
            width = first * sizes.multiples[level]
            has_attention = level < DOWN_ATTENTION_LEVELS
            if has_attention:
                layers |= _transformer(f"{block}.1", width, sizes.context)
            if level and number == 2:
                layers |= _layer(f"{block}.{1 + has_attention}.conv", width, width, 3, 3)
            index += 1
    return layers | _layer(f"{top}.out.0", first) | _layer(f"{top}.out.2", 4, first, 3, 3)


def _vae(sizes: Sizes) -> Shapes:
    top, widths = "first_stage_model", [sizes.vae_width * multiple for multiple in (1, 2, 4, 4)]
    layers = _layer(f"{top}.quant_conv", 8, 8, 1, 1) | _layer(f"{top}.post_quant_conv", 4, 4, 1, 1)
    layers |= _layer(f"{top}.encoder.conv_in", widths[0], 3, 3, 3) | _layer(f"{top}.decoder.conv_in", widths[-1], 4, 3, 3)
    layers |= _layer(f"{top}.encoder.norm_out", widths[-1]) | _layer(f"{top}.encoder.conv_out", 8, widths[-1], 3, 3)
    layers |= _layer(f"{top}.decoder.norm_out", widths[0]) | _layer(f"{top}.decoder.conv_out", 3, widths[0], 3, 3)
    for half in ("encoder", "decoder"):
        middle = f"{top}.{half}.mid"
        layers |= _resnet(f"{middle}.block_1", widths[-1], widths[-1]) | _resnet(f"{middle}.block_2", widths[-1], widths[-1])
        layers |= _layer(f"{middle}.attn_1.norm", widths[-1])
        for part in ("q", "k", "v", "proj_out"):
            layers |= _layer(f"{middle}.attn_1.{part}", widths[-1], widths[-1], 1, 1)
    before = widths[0]
    for level, width in enumerate(widths):
        for number in range(2):
            layers |= _resnet(f"{top}.encoder.down.{level}.block.{number}", before, width)
            before = width
        if level < 3:
            layers |= _layer(f"{top}.encoder.down.{level}.downsample.conv", width, width, 3, 3)
    for level in reversed(range(4)):
        for number in range(3):
            layers |= _resnet(f"{top}.decoder.up.{level}.block.{number}", before, widths[level])
            before = widths[level]
        if level:
            layers |= _layer(f"{top}.decoder.up.{level}.upsample.conv", widths[level], widths[level], 3, 3)
    return layers


def _text(sizes: Sizes) -> Shapes:
    top, width = "cond_stage_model.model", sizes.context
    layers: Shapes = {f"{top}.token_embedding.weight": (sizes.vocabulary, width), f"{top}.positional_embedding": (77, width)}
    layers |= {f"{top}.text_projection": (width, width), f"{top}.logit_scale": (1,)} | _layer(f"{top}.ln_final", width)
    for index in range(sizes.text_layers):
        block = f"{top}.transformer.resblocks.{index}"
        layers |= _layer(f"{block}.ln_1", width) | _layer(f"{block}.ln_2", width)
        layers |= {f"{block}.attn.in_proj_weight": (3 * width, width), f"{block}.attn.in_proj_bias": (3 * width,)}
        layers |= _layer(f"{block}.attn.out_proj", width, width)
        layers |= _layer(f"{block}.mlp.c_fc", 4 * width, width) | _layer(f"{block}.mlp.c_proj", width, 4 * width)
    return layers
