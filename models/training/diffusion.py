"""The denoiser: a small inpainting UNet, trained together with its text encoder by velocity prediction.

    python -m models.training.diffusion --pack PACK --basis basis.safetensors --text text-start.safetensors \
        --vocabulary bpe_simple_vocab_16e6.txt.gz --state STATE [--resume]

References:
    Ho et al., "Denoising Diffusion Probabilistic Models", 2020.
    Salimans & Ho, "Progressive Distillation for Fast Sampling of Diffusion Models", 2022 (velocity, section 4).
    Hang et al., "Efficient Diffusion Training via Min-SNR Weighting Strategy", 2023.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from safetensors.torch import load_file

from .basis import Basis, load_basis
from .captions import vary_caption
from .data import Pack, crop_square, paste_cutout, vary_colour
from .masks import cover_object, random_mask
from .state import Average, Clock, load_state, save_state
from .text import WIDTH as TEXT_WIDTH
from .text import TokenIds, build_text_encoder

WIDTH = 96
MULTIPLIERS = (1, 2, 2)
BLOCKS = 1
HEADS = 6
STEPS = 1000
BETA_FIRST, BETA_LAST = 0.00085, 0.0120
OUTSIDE_WEIGHT = 0.15
SNR_LIMIT = 5.0


@dataclass(frozen=True)
class SizePlan:
    """One kind of batch: side in pixels, pictures in it, and how often it is drawn."""

    size_px: int
    count: int
    share: float


PLANS = (SizePlan(128, 24, 0.6), SizePlan(192, 11, 0.2), SizePlan(256, 6, 0.2))


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


def build_model(channels: int, text_start: Path | None) -> torch.nn.ModuleDict:
    """Make denoiser and text encoder as one module; the token vectors do not train."""
    text = build_text_encoder()
    tokens = text.get_input_embeddings().weight
    tokens.requires_grad_(False)
    if text_start is not None:
        tokens.copy_(load_file(text_start)["token_embedding"])
    return torch.nn.ModuleDict({"unet": build_unet(channels), "text": text})


@dataclass
class Example:
    """One training picture: (3, size, size) in [-1, 1], its (size, size) mask, its caption."""

    image: torch.Tensor
    mask: torch.Tensor
    caption: str


class Examples:
    """Draws random training examples.

    Args:
        folder: The pack.
        held_out: Draw from the held-out pictures instead.
    """

    def __init__(self, folder: Path, held_out: bool = False):
        self.photos, self.cutouts = Pack(folder, "photos"), Pack(folder, "cutouts")
        self.indices = self.photos.split(held_out)
        kinds = np.array([self.photos.entries[i].kind for i in self.indices])
        weights = {"scene": 1.0, "pet": 3.0, "clothing": 1.0, "grocery": 1.0}
        chance = np.array([weights.get(kind, 1.0) for kind in kinds])
        self.chance = chance / chance.sum()

    def draw(self, size: int, rng: np.random.Generator) -> Example:
        """Draw one; a fifth have a cut-out pasted under the mask."""
        index = int(rng.choice(self.indices, p=self.chance))
        image = crop_square(self.photos.image(index), size, rng, native_share=0.6)
        caption = self.photos.entries[index].caption
        if rng.random() < 0.2:
            number = int(rng.integers(len(self.cutouts)))
            image, alpha = paste_cutout(image, self.cutouts.image(number), rng)
            caption, mask, seen = self.cutouts.entries[number].caption, cover_object(alpha, rng), alpha
        else:
            image = vary_colour(image, rng)
            mask = seen = random_mask(size, rng)
        seen = torch.from_numpy(seen.copy())
        hole = (image * seen).sum((1, 2)) / seen.sum().clamp(min=1)
        caption = vary_caption(caption, hole.add(1).div(2).clamp(0, 1).numpy(), rng)
        return Example(image, torch.from_numpy(mask.copy()), caption)


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
    weight = OUTSIDE_WEIGHT + (1 - OUTSIDE_WEIGHT) * covered
    return latents, torch.cat([latent_mask, masked], 1), weight


def velocity_loss(model, latents, condition, weight, ids, signal) -> torch.Tensor:
    """Weighted squared error of the predicted velocity.

    Args:
        model: As from `build_model`.
        latents: (n, c, h, w), clean.
        condition: (n, 1 + c, h, w).
        weight: (n, 1, h, w).
        ids: (n, 77) token ids.
        signal: (1000,) from `alphas_cumprod`.
    """
    count = len(latents)
    steps = ((torch.arange(count) + torch.rand(count)) / count * STEPS).long().to(latents.device)
    share = signal[steps].view(-1, 1, 1, 1)
    noise = torch.randn_like(latents)
    noisy = share.sqrt() * latents + (1 - share).sqrt() * noise
    target = share.sqrt() * noise - (1 - share).sqrt() * latents
    with torch.autocast(latents.device.type, dtype=torch.bfloat16):
        words = model["text"](ids).last_hidden_state
        found = model["unet"](torch.cat([noisy, condition], 1), steps, words).sample
    snr = share / (1 - share)
    weight = weight * snr.clamp(max=SNR_LIMIT) / (snr + 1) * 2
    error = (found.float() - target).square().mean(1, keepdim=True)
    return (error * weight).sum() / weight.sum().clamp(min=1) * weight.mean().clamp(min=1e-3).sqrt()


def train(args: argparse.Namespace) -> None:
    """Train until the planned minutes are over."""
    torch.manual_seed(1)
    device = torch.device(args.device)
    basis = load_basis(args.basis)
    model = build_model(basis.channels, args.text).to(device)
    if device.type == "cpu":  # the fused attention's backward pass is slow there: a third of a step
        model["unet"].set_attn_processor(AttnProcessor())
        model["text"].set_attn_implementation("eager")
    trained = [p for p in model.parameters() if p.requires_grad]
    print(f"{sum(p.numel() for p in trained) / 1e6:.1f} M weights train", flush=True)
    optimizer = torch.optim.AdamW(trained, lr=args.rate, betas=(0.9, 0.99), weight_decay=1e-2)
    average, step, spent_s = Average(model, args.average), 0, 0.0
    if args.resume:
        step, spent_s = load_state(args.state, model, average, optimizer)
    clock, rng = Clock(args.minutes, spent_s), np.random.default_rng([step, 2])
    torch.manual_seed(step + 1)
    examples, tokens = Examples(args.pack), TokenIds(args.vocabulary)
    signal = alphas_cumprod().to(device)
    running = {}
    while not clock.is_over:
        plan = PLANS[rng.choice(len(PLANS), p=[p.share for p in PLANS])]
        batch = [examples.draw(plan.size_px, rng) for _ in range(plan.count * args.scale)]
        latents, condition, weight = (t.to(device) for t in encode_batch(batch, basis, rng))
        ids = tokens([e.caption for e in batch]).to(device)
        loss = velocity_loss(model, latents, condition, weight, ids, signal)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = clock.learning_rate(args.rate, step)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(model, step)
        step += 1
        running[plan.size_px] = running.get(plan.size_px, loss.item()) * 0.98 + loss.item() * 0.02
        if step % 50 == 0:
            shown = "  ".join(f"{size} px {value:.4f}" for size, value in sorted(running.items()))
            print(f"step {step}  {clock.spent_s / 60:.1f} min  loss {shown}", flush=True)
        if step % args.save_every == 0:
            save_state(args.state, model, average, optimizer, step, clock)
    save_state(args.state, model, average, optimizer, step, clock)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--basis", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True, help="token vectors, from models.training.text")
    parser.add_argument("--vocabulary", type=Path, required=True, help="bpe_simple_vocab_16e6.txt.gz")
    parser.add_argument("--state", type=Path, required=True, help="folder for the training state")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--minutes", type=float, default=125, help="planned length over all sittings")
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--average", type=float, default=0.999)
    parser.add_argument("--scale", type=int, default=1, help="multiplies the batch sizes")
    parser.add_argument("--save-every", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(args)


if __name__ == "__main__":
    main()
