"""Names: of tensors in LoRA files (kohya's, LyCORIS's, diffusers' and PEFT's layouts), and of our modules in each of them.

A layer's name here has underscores for dots, as kohya's names have: "down_blocks_0_attentions_0_proj_in".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from modules.engine.lora.network import Layer

_SAME_NAME = (
    "alpha scale dora_scale diff diff_b w_norm b_norm weight on_input "
    "hada_w1_a hada_w1_b hada_w2_a hada_w2_b hada_t1 hada_t2 "
    "lokr_w1 lokr_w1_a lokr_w1_b lokr_w2 lokr_w2_a lokr_w2_b lokr_t2"
).split()
_UP = "lora_up.weight lora.up.weight lora_linear_layer.up.weight lora_B.weight lora_B.default.weight"
_DOWN = "lora_down.weight lora.down.weight lora_linear_layer.down.weight lora_A.weight lora_A.default.weight"
_MAGNITUDE = "lora_magnitude_vector lora_magnitude_vector.weight lora_magnitude_vector.default.weight"
PARTS = {
    **{name: name for name in _SAME_NAME},
    **dict.fromkeys(_UP.split(), "lora_up"),
    **dict.fromkeys(_DOWN.split(), "lora_down"),
    "lora_mid.weight": "lora_mid",
    **dict.fromkeys(_MAGNITUDE.split(), "dora_scale"),
}
"""What a tensor's name ends in, after the layer -> the part it is."""
_PROCESSOR_PARTS = {"up.weight": "lora_up", "down.weight": "lora_down"}
_PREFIXES = (
    ("lora_unet_", "unet"), ("unet_", "unet"), ("model_diffusion_model_", "unet"), ("diffusion_model_", "unet"),
    ("lora_te_", "text"), ("lora_te1_", "text"), ("text_encoder_", "text"), ("cond_stage_model_transformer_", "text"),
)  # fmt: skip
_BARE_UNET = re.compile(r"(down_blocks|up_blocks|mid_block|conv_in|conv_out|conv_norm_out|time_embedding)_")
_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0", "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}  # fmt: skip
_ENDS = {
    "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1", "mid_block.resnets.1": "middle_block.2",
}  # fmt: skip
_OLD_TEXT_ATTENTION = {"q_proj": "to_q", "k_proj": "to_k", "v_proj": "to_v", "out_proj": "to_out_0"}
_BLOCK = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)")


def parse_tensor_name(name: str) -> tuple[Layer, str] | None:
    """The layer that a tensor of a LoRA file changes, and which part of the change it is; None for an unknown form."""
    if name.endswith(".weight.alpha"):  # diffusers' network_alphas: "...to_k_lora.down.weight.alpha"
        found = parse_tensor_name(name.removesuffix(".alpha"))
        return (found[0], "alpha") if found is not None and found[1] == "lora_down" else None
    for count in (3, 2, 1):
        layer, *suffix = name.rsplit(".", count)
        part = PARTS.get(".".join(suffix)) if len(suffix) == count else None
        if part is None and count == 2 and layer.endswith("_lora"):  # ...attn1.processor.to_q_lora.up.weight
            part = _PROCESSOR_PARTS.get(".".join(suffix))
        if part is not None:
            place = parse_layer_name(layer)
            return None if place is None else (place, part)
    return None


def parse_layer_name(name: str) -> Layer | None:
    """The layer meant by a name without its suffix; None for an unknown prefix."""
    name = name.removesuffix(".lora").removesuffix("_lora").replace(".processor.", ".")
    if name.endswith(".to_out"):
        name += ".0"
    flat = name.replace(".", "_").removeprefix("base_model_model_")
    for prefix, network in _PREFIXES:
        if flat.startswith(prefix):
            layer = flat[len(prefix) :]
            return network, layer.removeprefix("text_model_") if network == "text" else layer
    return ("unet", flat) if _BARE_UNET.match(f"{flat}_") else None


def name_unet_layers(modules: Iterable[str]) -> dict[str, str]:
    """Layer names in files -> module path, for a UNet with diffusers' module paths; LDM's names of the same layers included."""
    paths = list(modules)
    blocks = _ldm_blocks(paths)
    table = {}
    for path in paths:
        table[path.replace(".", "_")] = path
        for ldm in _ldm_paths(path, blocks):
            table.setdefault(ldm.replace(".", "_"), path)
    return table


def name_text_layers(modules: Iterable[str]) -> dict[str, str]:
    """Layer names in files -> module path, for a CLIP text model; old diffusers' names of attention included."""
    table = {}
    for path in modules:
        path_name = path.removeprefix("text_model.").replace(".", "_")
        table[path_name] = path
        start, _, last = path_name.partition("_self_attn_")
        if last in _OLD_TEXT_ATTENTION:
            table[f"{start}_self_attn_{_OLD_TEXT_ATTENTION[last]}"] = path
    return table


def _ldm_blocks(paths: Iterable[str]) -> dict[str, str]:
    """Block paths in diffusers' layout -> in LDM's, for the numbers of blocks that these paths show."""
    counts: dict[tuple[str, int, str], int] = {}
    for path in paths:
        match = _BLOCK.match(path)
        if match:
            key = match[1], int(match[2]), match[3]
            counts[key] = max(counts.get(key, 0), int(match[4]) + 1)
    blocks, down, up = dict(_ENDS), 1, 0
    for level in sorted({level for side, level, _ in counts if side == "down"}):
        for layer in range(counts.get(("down", level, "resnets"), 0)):
            blocks[f"down_blocks.{level}.resnets.{layer}"] = f"input_blocks.{down}.0"
            blocks[f"down_blocks.{level}.attentions.{layer}"] = f"input_blocks.{down}.1"
            down += 1
        if ("down", level, "downsamplers") in counts:
            blocks[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{down}.0.op"
            down += 1
    for level in sorted({level for side, level, _ in counts if side == "up"}):
        for layer in range(counts.get(("up", level, "resnets"), 0)):
            blocks[f"up_blocks.{level}.resnets.{layer}"] = f"output_blocks.{up}.0"
            blocks[f"up_blocks.{level}.attentions.{layer}"] = f"output_blocks.{up}.1"
            up += 1
        place = 2 if ("up", level, "attentions") in counts else 1
        blocks[f"up_blocks.{level}.upsamplers.0.conv"] = f"output_blocks.{up - 1}.{place}.conv"
    return blocks


def _ldm_paths(path: str, blocks: dict[str, str]) -> Iterator[str]:
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        block = blocks.get(".".join(parts[:length]))
        if block is None:
            continue
        rest = ".".join(parts[length:])
        if ".resnets." in path:
            rest = _RESNET.get(rest, rest)
        yield f"{block}.{rest}" if rest else block
        return
