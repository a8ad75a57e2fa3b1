"""Export: one checkpoint in the original latent-diffusion layout, and the reverse for measuring it.

    python -m models.training.export --basis basis.safetensors --autoencoder STATE --diffusion STATE --text text.safetensors \
        [--guide STATE] --out models/Stable-diffusion/pentimento-small-inpaint.safetensors
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from safetensors.torch import load_file

from modules.backends.word_guides import PIXELS, THINGS
from modules.backends.word_guides import PREFIX as GUIDE

from . import autoencoder, diffusion, text
from .basis import Basis, load_basis
from .guide import THINGS_FILE
from .state import write_safely

UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.text_model."

RESNET_PARTS = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE_PARTS = {
    "conv_norm_out": "norm_out",
    "conv_shortcut": "nin_shortcut",
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
    "mid_block.attentions.0.group_norm": "mid.attn_1.norm",
    "mid_block.attentions.0.to_q": "mid.attn_1.q",
    "mid_block.attentions.0.to_k": "mid.attn_1.k",
    "mid_block.attentions.0.to_v": "mid.attn_1.v",
    "mid_block.attentions.0.to_out.0": "mid.attn_1.proj_out",
    "downsamplers.0": "downsample",
    "upsamplers.0": "upsample",
}

CONFIGURATION = """model:
  target: ldm.models.diffusion.ddpm.LatentInpaintDiffusion
  params:
    parameterization: "v"
    linear_start: {beta_first}
    linear_end: {beta_last:.4f}
    timesteps: {steps}
    first_stage_key: "jpg"
    cond_stage_key: "txt"
    image_size: 32
    channels: {channels}
    conditioning_key: hybrid
    scale_factor: 1.0
    finetune_keys: null

    unet_config:
      target: ldm.modules.diffusionmodules.openaimodel.UNetModel
      params:
        image_size: 32
        in_channels: {inputs}
        out_channels: {channels}
        model_channels: {unet_width}
        attention_resolutions: {attention}
        num_res_blocks: {unet_blocks}
        channel_mult: {unet_multipliers}
        num_heads: {unet_heads}
        use_spatial_transformer: True
        transformer_depth: 1
        context_dim: {text_width}
        use_checkpoint: False
        legacy: False

    first_stage_config:
      target: ldm.models.autoencoder.AutoencoderKL
      params:
        embed_dim: {channels}
        ddconfig:
          double_z: true
          z_channels: {channels}
          resolution: 256
          in_channels: 3
          out_ch: 3
          ch: {vae_width}
          ch_mult: {vae_multipliers}
          num_res_blocks: {vae_blocks}
          attn_resolutions: []
          dropout: 0.0
        lossconfig:
          target: torch.nn.Identity

    cond_stage_config:
      target: ldm.modules.encoders.modules.FrozenCLIPEmbedder
      params:
        width: {text_width}
        heads: {text_heads}
        layers: {text_layers}
        max_length: {tokens}
"""


def replace_parts(name: str, parts: dict[str, str]) -> str:
    """Replace whole dotted parts of a weight's name."""
    for ours, theirs in parts.items():
        name = re.sub(rf"(^|\.){re.escape(ours)}(?=\.)", rf"\g<1>{theirs}", name)
    return name


def unet_name(name: str, blocks: int, attended: set[int]) -> str:
    """Rename one diffusers UNet weight to the original layout.

    Args:
        name: Such as "down_blocks.1.resnets.0.conv1.weight".
        blocks: Residual blocks a level.
        attended: Numbers of the up blocks that hold attention: their upsampler comes third, elsewhere second.
    """
    match = re.match(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.*)", name)
    if match:
        way, level, part, number, rest = match[1], int(match[2]), match[3], int(match[4]), match[5]
        first = level * (blocks + 1)
        if part == "downsamplers":
            return f"input_blocks.{1 + first + blocks}.0.{rest.replace('conv', 'op')}"
        if part == "upsamplers":
            return f"output_blocks.{first + blocks}.{2 if level in attended else 1}.{rest}"
        block = f"input_blocks.{1 + first + number}" if way == "down" else f"output_blocks.{first + number}"
        return f"{block}.0.{replace_parts(rest, RESNET_PARTS)}" if part == "resnets" else f"{block}.1.{rest}"
    match = re.match(r"mid_block\.(resnets|attentions)\.(\d+)\.(.*)", name)
    if match:
        is_resnet = match[1] == "resnets"
        rest = replace_parts(match[3], RESNET_PARTS) if is_resnet else match[3]
        return f"middle_block.{2 * int(match[2]) if is_resnet else 1}.{rest}"
    return replace_parts(name, UNET_ENDS)


def vae_name(name: str, levels: int) -> str:
    """Rename one diffusers autoencoder weight to the original layout."""
    name = replace_parts(name, VAE_PARTS)
    name = re.sub(r"down_blocks\.(\d+)\.", r"down.\1.", name)
    name = re.sub(r"up_blocks\.(\d+)\.", lambda m: f"up.{levels - 1 - int(m[1])}.", name)
    return re.sub(r"(?<=\d)\.resnets\.", ".block.", name)


def to_original(unet, vae, text_encoder) -> dict[str, torch.Tensor]:
    """Collect three modules' weights as one original-layout state dict, fp16."""
    blocks = unet.config.layers_per_block
    attended = {i for i, kind in enumerate(unet.config.up_block_types) if kind.startswith("CrossAttn")}
    levels = len(vae.config.block_out_channels)
    found = {UNET + unet_name(n, blocks, attended): t for n, t in unet.state_dict().items()}
    for name, tensor in vae.state_dict().items():
        is_attention = "attentions" in name and "group_norm" not in name and name.endswith("weight")
        found[VAE + vae_name(name, levels)] = tensor[:, :, None, None] if is_attention else tensor
    for name, tensor in text_encoder.state_dict().items():
        if "position_ids" not in name:
            found[TEXT + name.removeprefix("text_model.")] = tensor
    found = {name: tensor.detach().cpu().to(torch.float16) for name, tensor in found.items()}
    found["alphas_cumprod"] = diffusion.alphas_cumprod()
    return found


def from_original(tensors: dict[str, torch.Tensor], channels: int):
    """Rebuild the three modules from an original-layout state dict, with diffusers' own converters.

    Returns:
        UNet, autoencoder, text encoder: float32, in evaluation mode.
    """
    unet, vae = diffusion.build_unet(channels), autoencoder.build_autoencoder(channels)
    text_encoder = text.build_text_encoder()
    floats = {n: t.float() for n, t in tensors.items()}
    unet.load_state_dict(convert_ldm_unet_checkpoint(dict(floats), dict(unet.config)))
    vae.load_state_dict(convert_ldm_vae_checkpoint(dict(floats), dict(vae.config)))
    words = {n.removeprefix(TEXT): t for n, t in floats.items() if n.startswith(TEXT)}
    prefix = "text_model." if any(n.startswith("text_model.") for n in text_encoder.state_dict()) else ""
    text_encoder.load_state_dict({prefix + n: t for n, t in words.items()}, strict=False)
    return unet.eval(), vae.eval(), text_encoder.eval()


def describe(channels: int) -> str:
    """Write the checkpoint's configuration in the latent-diffusion convention (YAML)."""
    levels = range(len(diffusion.MULTIPLIERS))
    attention = [2**i for i in levels if i > 0]
    return CONFIGURATION.format(
        channels=channels,
        inputs=2 * channels + 1,
        beta_first=diffusion.BETA_FIRST,
        beta_last=diffusion.BETA_LAST,
        steps=diffusion.STEPS,
        unet_width=diffusion.WIDTH,
        unet_blocks=diffusion.BLOCKS,
        unet_heads=diffusion.HEADS,
        unet_multipliers=list(diffusion.MULTIPLIERS),
        attention=attention[::-1],
        vae_width=autoencoder.WIDTH,
        vae_blocks=autoencoder.BLOCKS,
        vae_multipliers=list(autoencoder.MULTIPLIERS),
        text_width=text.WIDTH,
        text_heads=text.HEADS,
        text_layers=text.LAYERS,
        tokens=text.TOKENS,
    )


def read_guide(state: Path, basis: Basis) -> dict[str, torch.Tensor]:
    """Read the averaged weights of a guide's training, and which latents are colours: fp16, by their names in a checkpoint."""
    average = "average."
    tensors = load_file(state / "state.safetensors")
    guide = {GUIDE + name.removeprefix(average): tensor.half() for name, tensor in tensors.items() if name.startswith(average)}
    return guide | {PIXELS + name: getattr(basis, name).half() for name in ("analysis", "synthesis", "mean")}


@torch.no_grad()
def load_average(module: torch.nn.Module, state: Path) -> None:
    """Overwrite a module's trained weights with the running average in a state folder."""
    tensors = load_file(state / "state.safetensors")
    for name, parameter in module.named_parameters():
        if f"average.{name}" in tensors:
            parameter.copy_(tensors[f"average.{name}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--basis", type=Path, required=True)
    parser.add_argument("--autoencoder", type=Path, required=True, help="state folder of the decoder's training")
    parser.add_argument("--diffusion", type=Path, required=True, help="state folder of the denoiser's training")
    parser.add_argument("--text", type=Path, required=True, help="text encoder, from models.training.meaning")
    parser.add_argument("--guide", type=Path, help="state folder of the guide's training")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    basis = load_basis(args.basis)
    vae = autoencoder.build_autoencoder(basis.channels)
    autoencoder.set_linear_encoder(vae, basis)
    load_average(torch.nn.ModuleDict({"decoder": vae.decoder, "post_quant_conv": vae.post_quant_conv}), args.autoencoder)
    unet = diffusion.build_unet(basis.channels)
    load_average(torch.nn.ModuleDict({"unet": unet}), args.diffusion)
    tensors = to_original(unet, vae, text.load_text_encoder(args.text)) | (read_guide(args.guide, basis) if args.guide else {})
    things = {THINGS: (args.guide / THINGS_FILE).read_text(encoding="utf-8")} if args.guide else {}
    write_safely(tensors, args.out, {"format": "pt"} | things)
    args.out.with_suffix(".yaml").write_text(describe(basis.channels))
    print(f"{args.out}: {len(tensors)} tensors, {args.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
