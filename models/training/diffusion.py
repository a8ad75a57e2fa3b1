"""The denoiser: a small inpainting UNet, trained by velocity prediction on what the frozen text encoder says of captions.

    python -m models.training.diffusion --pack PACK --basis basis.safetensors --text text.safetensors \
        --vocabulary bpe_simple_vocab_16e6.txt.gz --state STATE [--resume]

References:
    Ho et al., "Denoising Diffusion Probabilistic Models", 2020.
    Salimans & Ho, "Progressive Distillation for Fast Sampling of Diffusion Models", 2022 (velocity and its weight, section 4).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor

from .basis import Basis, load_basis
from .examples import SHARES, Example, Examples
from .muon import Muon
from .sitting import Sitting, add_options, add_word_options
from .text import WIDTH as TEXT_WIDTH
from .text import CaptionVectors

WIDTH = 96
MULTIPLIERS = (1, 2, 2)
BLOCKS = 1
HEADS = 6
STEPS = 1000
BETA_FIRST, BETA_LAST = 0.00085, 0.020
"""The last is larger than Stable Diffusion's, whose strongest noise still shows a hole's mean colour: chance would then choose it."""
OUTSIDE_WEIGHT = 0.05
SNR_LIMIT = 20.0
EARLY_SHARE, EARLY_FROM = 0.4, 600


@dataclass(frozen=True)
class SizePlan:
    """One kind of batch: side in pixels, pictures in it, and how often it is drawn."""

    size_px: int
    count: int
    share: float


PLANS = (SizePlan(128, 24, 0.55), SizePlan(256, 6, 0.45))


def build_unet(channels: int) -> UNet2DConditionModel:
    """Make the untrained denoiser; its input is cat(noisy latent, mask, masked latent)."""
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=2 * channels + 1,
        out_channels=channels,
        block_out_channels=tuple(WIDTH * m for m in MULTIPLIERS),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=BLOCKS,
        attention_head_dim=HEADS,
        cross_attention_dim=TEXT_WIDTH,
        norm_num_groups=32,
    )


def alphas_cumprod() -> torch.Tensor:
    """Return (1000,) float32: the signal's share of the variance, Stable Diffusion's scaled-linear schedule."""
    betas = torch.linspace(BETA_FIRST**0.5, BETA_LAST**0.5, STEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


def draw_plan(rng: np.random.Generator) -> SizePlan:
    """Draw the kind of the next batch."""
    return PLANS[rng.choice(len(PLANS), p=[plan.share for plan in PLANS])]


def encode_batch(examples: list[Example], basis: Basis, rng: np.random.Generator):
    """Turn examples into what the denoiser is conditioned on.

    Returns:
        latents (n, c, h, w); condition (n, 1 + c, h, w), mask first; weight (n, 1, h, w), the loss's.
    """
    images = torch.stack([e.image for e in examples])
    masks = torch.stack([e.mask for e in examples])[:, None]
    latents, masked = basis.encode(images), basis.encode(images * (1 - masks))
    covered = F.max_pool2d(masks, 8)
    latent_mask = masks[:, :, ::8, ::8] if rng.random() < 0.7 else covered
    weight = OUTSIDE_WEIGHT + (1 - OUTSIDE_WEIGHT) * covered / covered.mean((2, 3), keepdim=True).clamp(min=0.01).sqrt()
    return latents, torch.cat([latent_mask, masked], 1), weight


def draw_steps(count: int) -> torch.Tensor:
    """Draw (count,) time steps, evenly spread but for a share of very noisy ones, where is decided what goes into a hole."""
    early = int(count * EARLY_SHARE + torch.rand(()).item())
    late = count - early
    spread = (torch.arange(late) + torch.rand(late)) / max(late, 1) * STEPS
    noisy = EARLY_FROM + (torch.arange(early) + torch.rand(early)) / max(early, 1) * (STEPS - EARLY_FROM)
    return torch.cat([spread, noisy]).long().clamp(max=STEPS - 1)[torch.randperm(count)]


def velocity_loss(unet, latents, condition, weight, words, signal) -> torch.Tensor:
    """Weighted squared error of the predicted velocity.

    Args:
        unet: As from `build_unet`.
        latents: (n, c, h, w), clean.
        condition: (n, 1 + c, h, w).
        weight: (n, 1, h, w).
        words: (n, 77, TEXT_WIDTH).
        signal: (1000,) from `alphas_cumprod`.
    """
    count = len(latents)
    steps = draw_steps(count).to(latents.device)
    share = signal[steps].view(-1, 1, 1, 1)
    noise = torch.randn_like(latents)
    noisy = share.sqrt() * latents + (1 - share).sqrt() * noise
    target = share.sqrt() * noise - (1 - share).sqrt() * latents
    with torch.autocast(latents.device.type, dtype=torch.bfloat16):
        found = unet(torch.cat([noisy, condition], 1), steps, words).sample
    snr = share / (1 - share)
    weight = weight * (snr.clamp(max=SNR_LIMIT) + 1) / (snr + 1)
    error = (found.float() - target).square().mean(1, keepdim=True)
    return (error * weight).sum() / weight.sum().clamp(min=1)


def train(args: argparse.Namespace) -> None:
    """Train until the planned minutes are over."""
    torch.manual_seed(1)
    device = torch.device(args.device)
    basis = load_basis(args.basis)
    model = torch.nn.ModuleDict({"unet": build_unet(basis.channels)}).to(device)
    if device.type == "cpu":  # the fused attention's backward pass is slow there: a third of a step
        model["unet"].set_attn_processor(AttnProcessor())
    trained = list(model.parameters())
    print(f"{sum(p.numel() for p in trained) / 1e6:.1f} M weights train", flush=True)
    sitting = Sitting(args, model, Muon(model, args.rate), args.average, seed=2)
    examples, captions = Examples(args.pack, implants=args.implants), CaptionVectors(args.vocabulary, args.text)
    signal = alphas_cumprod().to(device)

    def draw_loss(rng: np.random.Generator) -> tuple[str, torch.Tensor]:
        plan = draw_plan(rng)
        batch = [examples.draw(plan.size_px, rng) for _ in range(plan.count * args.scale)]
        latents, condition, weight = (t.to(device) for t in encode_batch(batch, basis, rng))
        words = captions([e.caption for e in batch]).to(device)
        return f"{plan.size_px} px", velocity_loss(model["unet"], latents, condition, weight, words, signal)

    sitting.run(draw_loss, save_every=args.save_every)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser, minutes=600, rate=5e-4)
    add_word_options(parser)
    parser.add_argument("--average", type=float, default=0.999)
    parser.add_argument("--scale", type=int, default=1, help="multiplies the batch sizes")
    parser.add_argument("--implants", type=float, default=SHARES["implant"], help="share of examples that teach words fastest")
    parser.add_argument("--save-every", type=int, default=200)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(args)


if __name__ == "__main__":
    main()
