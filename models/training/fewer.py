"""Fewer steps: a LoRA with which the denoiser does in one step, and without a second pass for guidance, what took it two of each.

Progressive distillation along the time steps that the studio's Euler sampler visits; the guidance scale is distilled along.

    python -m models.training.fewer --pack PACK --basis basis.safetensors --text text.safetensors --vocabulary VOCABULARY \\
        --diffusion UNET --state FEWER --out models/Lora/pentimento-small-fast.safetensors [--resume]

References:
    Salimans & Ho, "Progressive Distillation for Fast Sampling of Diffusion Models", 2022 (algorithm 2).
    Meng et al., "On Distillation of Guided Diffusion Models", 2023.
    Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor
from torch import nn
from torch.nn.utils import parametrize

from .basis import load_basis
from .diffusion import STEPS, alphas_cumprod, build_unet, draw_plan, encode_batch
from .examples import Examples
from .export import load_average
from .sitting import Sitting, add_options, add_word_options
from .state import write_safely
from .text import CaptionVectors

RANK = 32


class LowRank(nn.Module):
    """A weight plus the product of two thin matrices; zero at the start.

    Args:
        weight: Of a linear layer or a convolution; not trained.
        rank: Columns of the thin matrices, at most.
    """

    def __init__(self, weight: torch.Tensor, rank: int):
        super().__init__()
        rows, columns = weight.shape[0], weight[0].numel()
        self.rank = min(rank, rows, columns)
        self.down = nn.Parameter(torch.randn(self.rank, columns) / columns**0.5)
        self.up = nn.Parameter(torch.zeros(rows, self.rank))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + (self.up @ self.down).view_as(weight)


def add_low_rank(unet: nn.Module, rank: int) -> nn.ModuleDict:
    """Put a `LowRank` on every linear layer and convolution; returns them by the layer's name, dots as underscores."""
    found = {}
    for name, layer in unet.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            found[name.replace(".", "_")] = LowRank(layer.weight, rank)
            layer.weight.requires_grad_(False)
    for name, layer in list(unet.named_modules()):
        if (key := name.replace(".", "_")) in found:
            parametrize.register_parametrization(layer, "weight", found[key])
    return nn.ModuleDict(found)


def euler_times(steps: int) -> torch.Tensor:
    """The time steps that Euler visits with the default schedule: (steps,) evenly from 999 to 0."""
    return torch.linspace(STEPS - 1, 0, steps)


def signal_at(times: torch.Tensor, signal: torch.Tensor) -> torch.Tensor:
    """The signal's share of the variance at fractional times, log sigma being interpolated.

    Args:
        times: (n,) in [0, 999].
        signal: (1000,) from `alphas_cumprod`.
    """
    log_sigma = ((1 - signal) / signal).log() / 2
    low = times.floor().long()
    high = (low + 1).clamp(max=STEPS - 1)
    mixed = torch.lerp(log_sigma[low], log_sigma[high], times - low)
    return 1 / (1 + (2 * mixed).exp())


def to_clean(noisy, velocity, share):
    """The clean latents that a velocity stands for."""
    return share.sqrt() * noisy - (1 - share).sqrt() * velocity


def move(noisy, clean, share, after):
    """One DDIM step from signal share `share` to `after`, given the clean latents."""
    noise = (noisy - share.sqrt() * clean) / (1 - share).sqrt()
    return after.sqrt() * clean + (1 - after).sqrt() * noise


class Teacher:
    """The trained denoiser with guidance, two steps at a time.

    Args:
        unet: As trained; not changed.
        guidance: Scale of classifier-free guidance where there are words.
        signal: (1000,) from `alphas_cumprod`.
    """

    def __init__(self, unet: nn.Module, guidance: float, signal: torch.Tensor):
        self.unet, self.guidance, self.signal = unet, guidance, signal

    @torch.no_grad()
    def clean(self, noisy, times, condition, words, wordless, known, hole):
        """Guided estimate of the clean latents; what lies outside the hole is known."""
        share = signal_at(times, self.signal).view(-1, 1, 1, 1)
        doubled = torch.cat([torch.cat([noisy, condition], 1)] * 2)
        with torch.autocast(noisy.device.type, dtype=torch.bfloat16):
            with_words, without = self.unet(doubled, times.repeat(2), torch.cat([words, wordless])).sample.float().chunk(2)
        velocity = without + self.guidance * (with_words - without)
        return to_clean(noisy, velocity, share) * hole + known * (1 - hole)

    @torch.no_grad()
    def target(self, noisy, times, afters, condition, words, wordless, known, hole):
        """The velocity at `times` that leads in one step to where two of the teacher's lead: shaped as `noisy`."""
        middle = (times + afters) / 2
        share, half, last = (signal_at(t, self.signal).view(-1, 1, 1, 1) for t in (times, middle, afters))
        between = move(noisy, self.clean(noisy, times, condition, words, wordless, known, hole), share, half)
        end = move(between, self.clean(between, middle, condition, words, wordless, known, hole), half, last)
        ratio = ((1 - last) / (1 - share)).sqrt()
        clean = (end - ratio * noisy) / (last.sqrt() - ratio * share.sqrt())
        noise = (noisy - share.sqrt() * clean) / (1 - share).sqrt()
        return share.sqrt() * noise - (1 - share).sqrt() * clean


def write_lora(layers: nn.ModuleDict, weights: dict[str, torch.Tensor], shapes: dict[str, torch.Size], out: Path) -> None:
    """Write the thin matrices as a LoRA file in the naming that most programs read, fp16."""
    found = {}
    for name, layer in layers.items():
        shape = shapes[name]
        down, up = weights[f"{name}.down"], weights[f"{name}.up"]
        is_conv = len(shape) == 4
        found[f"lora_unet_{name}.lora_down.weight"] = down.view(-1, *shape[1:]) if is_conv else down
        found[f"lora_unet_{name}.lora_up.weight"] = up[:, :, None, None] if is_conv else up
        found[f"lora_unet_{name}.alpha"] = torch.tensor(float(layer.rank))
    out.parent.mkdir(parents=True, exist_ok=True)
    about = {"ss_base_model_version": "pentimento-small", "modelspec.title": out.stem, "modelspec.license": "Apache-2.0"}
    write_safely({name: tensor.half() for name, tensor in found.items()}, out, about)


def train(args: argparse.Namespace) -> None:
    """Distil until the planned minutes are over, then write the LoRA."""
    torch.manual_seed(3)
    device, basis, signal = torch.device(args.device), load_basis(args.basis), alphas_cumprod()
    student, original = (build_unet(basis.channels).to(device).requires_grad_(False) for _ in range(2))
    for unet in (student, original):
        load_average(nn.ModuleDict({"unet": unet}), args.diffusion)
        if device.type == "cpu":
            unet.set_attn_processor(AttnProcessor())
    shapes = {n.replace(".", "_"): m.weight.shape for n, m in student.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)}
    layers = add_low_rank(student, args.rank).to(device)
    teacher = Teacher(original.eval(), args.guidance, signal)
    optimizer = torch.optim.AdamW(layers.parameters(), lr=args.rate, betas=(0.9, 0.99), weight_decay=0)
    sitting = Sitting(args, layers, optimizer, average=0.995, seed=5, warmup_steps=50)
    examples, captions = Examples(args.pack), CaptionVectors(args.vocabulary, args.text)
    grid = euler_times(args.steps)

    def draw_loss(rng: np.random.Generator) -> tuple[str, torch.Tensor]:
        plan = draw_plan(rng)
        batch = [examples.draw(plan.size_px, rng) for _ in range(plan.count)]
        latents, condition, weight = (t.to(device) for t in encode_batch(batch, basis, rng))
        words = captions([e.caption for e in batch]).to(device)
        wordless = captions([""] * len(batch)).to(device)
        places = torch.from_numpy(rng.integers(0, args.steps - 1, len(batch)))
        times, afters = grid[places].to(device), grid[places + 1].to(device)
        share = signal_at(times, signal).view(-1, 1, 1, 1)
        noisy = share.sqrt() * latents + (1 - share).sqrt() * torch.randn_like(latents)
        wanted = teacher.target(noisy, times, afters, condition, words, wordless, latents, condition[:, :1])
        with torch.autocast(device.type, dtype=torch.bfloat16):
            found = student(torch.cat([noisy, condition], 1), times, words).sample
        error = (found.float() - wanted).square().mean(1, keepdim=True)
        return "loss", (error * weight).sum() / weight.sum().clamp(min=1)

    sitting.run(draw_loss, told_every=20, save_every=100)
    write_lora(layers, sitting.average.weights, shapes, args.out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser, minutes=30, rate=1e-3)
    add_word_options(parser)
    parser.add_argument("--diffusion", type=Path, required=True, help="state folder of the denoiser's training")
    parser.add_argument("--out", type=Path, required=True, help="the LoRA file")
    parser.add_argument("--steps", type=int, default=8, help="Euler steps that the student shall need")
    parser.add_argument("--guidance", type=float, default=3.0, help="scale that is distilled along; the student is used at 1")
    parser.add_argument("--rank", type=int, default=RANK)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(args)


if __name__ == "__main__":
    main()
