"""A UNet and a text model small enough for unit tests, and LoRA files for them."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from modules.backends.clip_text import make_clip_text
from modules.backends.loras.catalog import LoraCatalog
from modules.backends.loras.file import LoraFile, read_lora
from modules.backends.loras.memory import ByteCache
from modules.backends.unet import make_unet

WIDTH, CONTEXT = 32, 16
FF = "down_blocks.0.attentions.0.transformer_blocks.0.ff.net.0.proj"
KEYS = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k"
OUT = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0"
CONV = "down_blocks.0.resnets.0.conv1"
MLP = "encoder.layers.1.mlp.fc1"


def small_unet(inputs: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return make_unet({
        "in_channels": inputs, "out_channels": 4, "block_out_channels": (WIDTH, WIDTH), "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": CONTEXT, "attention_head_dim": 4,
    }).requires_grad_(False)  # fmt: skip


def small_text() -> nn.Module:
    torch.manual_seed(1)
    return make_clip_text(vocabulary=20, width=CONTEXT, layers=2, heads=2, inner_width=24, positions=77).requires_grad_(False)


def weights(unet: nn.Module, text: nn.Module) -> dict[str, Tensor]:
    """Copies of everything."""
    both = {f"unet.{name}": tensor for name, tensor in unet.state_dict().items()}
    both |= {f"text.{name}": tensor for name, tensor in text.state_dict().items()}
    return {name: tensor.clone() for name, tensor in both.items()}


def changes(rank: int = 2, seed: int = 0) -> dict[tuple[str, str], dict[str, Tensor]]:
    """(network, module path) -> up, down and alpha, for five layers."""
    draw = torch.Generator().manual_seed(seed)
    shapes = {
        ("unet", FF): ((8 * WIDTH,), (WIDTH,)), ("unet", KEYS): ((WIDTH,), (CONTEXT,)), ("unet", OUT): ((WIDTH,), (WIDTH,)),
        ("unet", CONV): ((WIDTH,), (WIDTH, 3, 3)), ("text", MLP): ((24,), (CONTEXT,)),
    }  # fmt: skip
    made = {}
    for layer, (outputs, inputs) in shapes.items():
        up = torch.randn((*outputs, rank, *[1] * (len(inputs) - 1)), generator=draw)
        made[layer] = {"up": up, "down": torch.randn((rank, *inputs), generator=draw) * 0.1, "alpha": torch.tensor(1.0)}
    return made


def kohya(made: dict[tuple[str, str], dict[str, Tensor]]) -> dict[str, Tensor]:
    """In kohya's layout."""
    file = {}
    for (network, path), parts in made.items():
        prefix = "lora_unet_" if network == "unet" else "lora_te_text_model_"
        name = prefix + path.replace(".", "_")
        file |= {f"{name}.lora_up.weight": parts["up"], f"{name}.lora_down.weight": parts["down"], f"{name}.alpha": parts["alpha"]}
    return file


def peft(made: dict[tuple[str, str], dict[str, Tensor]]) -> dict[str, Tensor]:
    """In the layout that diffusers writes today, alphas left to the metadata."""
    file = {}
    for (network, path), parts in made.items():
        name = f"unet.{path}" if network == "unet" else f"text_encoder.text_model.{path}"
        file |= {f"{name}.lora_A.weight": parts["down"], f"{name}.lora_B.weight": parts["up"]}
    return file


def peft_metadata(alpha: float) -> dict[str, str]:
    stated = {f"{network}.{name}": value for network in ("unet", "text_encoder") for name, value in (("lora_alpha", alpha), ("r", 2))}
    return {"lora_adapter_metadata": json.dumps(stated)}


def write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata=metadata)
    return path


def opened(path: Path, memory: ByteCache | None = None) -> LoraFile:
    return read_lora(path, path.stem, ByteCache(1 << 20) if memory is None else memory)


def catalog(*folders: Path) -> LoraCatalog:
    return LoraCatalog(list(folders), folders[0].parent / "cache" / "loras.json")
