"""Sizes of the tiny checkpoints, and the YAML that says so."""

from __future__ import annotations

UNET_CH = 32
UNET_MULT = (1, 2, 4, 4)
UNET_NRB = 2
UNET_HEADS = 8
UNET_ATTN_DS = (1, 2, 4)
CTX = 64
VAE_CH = 64
VAE_MULT = (1, 2, 2, 2)
VAE_NRB = 2
CLIP_W = 64
CLIP_HEADS = 1  # head_dim 64, the CLIP convention
CLIP_LAYERS = 12
VOCAB = 49408
SCALE_FACTOR = 0.18215


def yaml_config(in_ch: int) -> str:
    """LDM configuration of the model with `in_ch` UNet inputs."""
    target = {
        4: "ldm.models.diffusion.ddpm.LatentDiffusion",
        9: "ldm.models.diffusion.ddpm.LatentInpaintDiffusion",
        8: "modules.models.diffusion.ddpm_edit.LatentDiffusion",
    }[in_ch]  # 8: class path inside A1111
    extra = "    finetune_keys: null\n" if in_ch == 9 else "    use_ema: False\n"
    key = "crossattn" if in_ch == 4 else "hybrid"
    first, cond = ("edited", "edit") if in_ch == 8 else ("jpg", "txt")
    mult = ", ".join(map(str, UNET_MULT))
    vmult = "".join(f"          - {x}\n" for x in VAE_MULT)
    return f"""model:
  base_learning_rate: 1.0e-04
  target: {target}
  params:
    linear_start: 0.00085
    linear_end: 0.0120
    num_timesteps_cond: 1
    log_every_t: 200
    timesteps: 1000
    first_stage_key: "{first}"
    cond_stage_key: "{cond}"
    image_size: 64
    channels: 4
    cond_stage_trainable: false
    conditioning_key: {key}
    monitor: val/loss_simple_ema
    scale_factor: {SCALE_FACTOR}
{extra}
    unet_config:
      target: ldm.modules.diffusionmodules.openaimodel.UNetModel
      params:
        image_size: 32
        in_channels: {in_ch}
        out_channels: 4
        model_channels: {UNET_CH}
        attention_resolutions: [ 4, 2, 1 ]
        num_res_blocks: {UNET_NRB}
        channel_mult: [ {mult} ]
        num_heads: {UNET_HEADS}
        use_spatial_transformer: True
        transformer_depth: 1
        context_dim: {CTX}
        use_checkpoint: False
        legacy: False

    first_stage_config:
      target: ldm.models.autoencoder.AutoencoderKL
      params:
        embed_dim: 4
        monitor: val/rec_loss
        ddconfig:
          double_z: true
          z_channels: 4
          resolution: 256
          in_channels: 3
          out_ch: 3
          ch: {VAE_CH}
          ch_mult:
{vmult}          num_res_blocks: {VAE_NRB}
          attn_resolutions: []
          dropout: 0.0
        lossconfig:
          target: torch.nn.Identity

    cond_stage_config:
      target: ldm.modules.encoders.modules.FrozenCLIPEmbedder
"""
