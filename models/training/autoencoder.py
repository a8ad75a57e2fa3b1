"""The autoencoder: an LDM KL autoencoder whose encoder is exactly linear, and whose decoder is learned.

python -m models.training.autoencoder --pack PACK --basis basis.safetensors --state STATE [--resume]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from . import pictures
from .basis import PATCH_PX, Basis, load_basis
from .data import Pack, to_tensor
from .sitting import Sitting, add_options

WIDTH = 64
MULTIPLIERS = (1, 1, 2, 2)
BLOCKS = 1
STEADY = 100.0
LOGVAR = -30.0
TEXTURE_WEIGHT = 0.1
"""Of the loss that keeps detail as strong as it was, where squared error alone would smooth what it cannot place."""


def build_autoencoder(channels: int) -> AutoencoderKL:
    """Make the untrained autoencoder; f = 8, `channels` latent channels."""
    return AutoencoderKL(
        block_out_channels=tuple(WIDTH * m for m in MULTIPLIERS),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=channels,
        layers_per_block=BLOCKS,
        norm_num_groups=32,
        scaling_factor=1.0,
        sample_size=256,
    )


def space_to_depth(conv: torch.nn.Conv2d, carried: int, mix: torch.Tensor | None = None) -> int:
    """Make a stride-2 convolution (padded right and below) stack 2x2 neighbours, then mix them.

    Args:
        conv: Overwritten.
        carried: Input channels that carry the signal.
        mix: (outputs, 4 * carried), or None to keep all; the columns are laid out (y, x, channel).

    Returns:
        The number of output channels that carry the signal.
    """
    mix = torch.eye(4 * carried) if mix is None else mix
    for tap in range(4):
        columns = mix[:, tap * carried : (tap + 1) * carried]
        conv.weight[: len(mix), :carried, tap // 2, tap % 2] = columns
    return len(mix)


def stack_order() -> torch.Tensor:
    """For each channel after three `space_to_depth`, which (colour, y, x) entry of the 8x8 patch it holds."""
    order = torch.arange(3 * PATCH_PX * PATCH_PX).view(3, PATCH_PX, PATCH_PX)
    for _ in range(3):
        order = torch.cat([order[:, y::2, x::2] for y in (0, 1) for x in (0, 1)])
    return order.flatten()


@torch.no_grad()
def set_linear_encoder(model: AutoencoderKL, basis: Basis) -> None:
    """Make the encoder equal to `basis.encode`, without training.

    All residual branches end in zero, so the blocks pass their input on. The three downsamplings stack 8x8 pixels and
    project them. The last GroupNorm sees groups (s, -s, K, -K): their mean is zero and their spread is K / sqrt(2) whatever
    s is, as long as s is small beside K. The SiLU after it is undone by silu(v) - silu(-v) = v.
    """
    encoder, channels = model.encoder, basis.channels
    for parameter in [*encoder.parameters(), *model.quant_conv.parameters()]:
        parameter.zero_()
    for name, parameter in encoder.named_parameters():
        if "norm" in name and name.endswith("weight"):
            parameter.fill_(1)
    encoder.conv_in.weight[range(3), range(3), 1, 1] = 1
    for block in encoder.down_blocks:
        shortcut = block.resnets[0].conv_shortcut
        if shortcut is not None:
            count = shortcut.weight.shape[1]
            shortcut.weight[range(count), range(count), 0, 0] = 1
    carried = 3
    for level in range(2):
        carried = space_to_depth(encoder.down_blocks[level].downsamplers[0].conv, carried)
    width = encoder.conv_norm_out.num_channels
    group = width // encoder.conv_norm_out.num_groups
    mix = torch.zeros(width, 4 * carried)
    ordered = basis.analysis[:, stack_order()]
    mix[0 : group * channels : group] = ordered
    mix[1 : group * channels : group] = -ordered
    last = encoder.down_blocks[2].downsamplers[0].conv
    space_to_depth(last, carried, mix)
    offset = -basis.analysis @ basis.mean
    last.bias[0 : group * channels : group] = offset
    last.bias[1 : group * channels : group] = -offset
    last.bias[2::group] = STEADY
    last.bias[3::group] = -STEADY
    for channel in range(channels):
        encoder.conv_out.weight[channel, group * channel, 1, 1] = STEADY / 2**0.5
        encoder.conv_out.weight[channel, group * channel + 1, 1, 1] = -STEADY / 2**0.5
    model.quant_conv.weight[range(channels), range(channels), 0, 0] = 1
    model.quant_conv.bias[channels:] = LOGVAR


@torch.no_grad()
def start_decoder(model: AutoencoderKL, basis: Basis) -> None:
    """Start the decoder as a smooth enlargement of each patch's mean colour, carried past the residual branches."""
    decoder, channels = model.decoder, basis.channels
    model.post_quant_conv.weight.copy_(torch.eye(channels)[:, :, None, None])
    model.post_quant_conv.bias.zero_()
    colour = basis.synthesis.view(3, PATCH_PX**2, channels).mean(1)
    grey = basis.mean.view(3, -1).mean(1)
    carriers = torch.arange(12)
    rows = [(4 * c + 2 * sign, c, 1.0 - 2 * sign) for c in range(3) for sign in range(2)]
    smooth = torch.outer(torch.tensor([0.25, 0.5, 0.25]), torch.tensor([0.25, 0.5, 0.25]))
    for name, module in decoder.named_modules():
        if name.endswith(("conv2", "to_out.0")):
            module.weight.mul_(0.3)
            module.weight[carriers], module.bias[carriers] = 0, 0
        if name.endswith("conv_shortcut"):
            module.weight[carriers], module.bias[carriers] = 0, 0
            module.weight[carriers, carriers, 0, 0] = 1
        if name.endswith("upsamplers.0.conv"):
            module.weight[carriers], module.bias[carriers] = 0, 0
            for row in carriers:
                module.weight[row, row] = smooth
    decoder.conv_in.weight[carriers], decoder.conv_in.bias[carriers] = 0, 0
    last = decoder.up_blocks[2].upsamplers[0].conv
    decoder.conv_out.weight.mul_(0.1)
    decoder.conv_out.weight[:, carriers], decoder.conv_out.bias[:] = 0, 0
    for row, tint, sign in rows:
        decoder.conv_in.weight[row, :, 1, 1] = sign * colour[tint]
        decoder.conv_in.bias[row] = sign * grey[tint]
        last.bias[row + 1] = sign * 3
        last.weight[row + 1] = 0
        decoder.conv_out.weight[tint, row, 1, 1] = sign * 1.5
        decoder.conv_out.weight[tint, row + 1, 1, 1] = -sign * 1.5
        decoder.conv_out.bias[tint] += 1.5


def picture_loss(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """L1, squared error, the L1 of differences between neighbours at full and at half size, and how strong the detail is."""
    loss = (found - truth).abs().mean() + 2 * F.mse_loss(found, truth)
    for scale in (1, 2):
        a, b = (F.avg_pool2d(x, scale) if scale > 1 else x for x in (found, truth))
        error = a - b
        loss = loss + 0.5 * (error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean())
    return loss + TEXTURE_WEIGHT * (texture(found) - texture(truth)).abs().mean()


def texture(images: torch.Tensor) -> torch.Tensor:
    """How strong fine detail is in every 8x8 window: (n, 3, h/4, w/4) roots of the Laplacian's mean square."""
    kernel = images.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]]).expand(3, 1, 3, 3)
    return F.avg_pool2d(F.conv2d(images, kernel, groups=3).square(), 8, 4).add(1e-4).sqrt()


def draw_batch(photos: Pack, cutouts: Pack, indices, count: int, size: int, rng) -> torch.Tensor:
    """Return (count, 3, size, size) random crops, a fifth of them with a cut-out pasted in."""
    images = []
    for index in rng.choice(indices, count):
        image = pictures.vary_colour(pictures.random_square(photos.image(int(index)), size, rng, 0.75)[0], rng)
        if rng.random() < 0.2:
            image, _ = pictures.paste(image, cutouts.image(int(rng.integers(len(cutouts)))), rng)
        images.append(to_tensor(image))
    return torch.stack(images)


def train(args: argparse.Namespace) -> None:
    """Train the decoder until the planned minutes are over."""
    torch.manual_seed(0)
    device = torch.device(args.device)
    basis = load_basis(args.basis)
    model = build_autoencoder(basis.channels)
    set_linear_encoder(model, basis)
    start_decoder(model, basis)
    decoder = torch.nn.ModuleDict({"decoder": model.decoder, "post_quant_conv": model.post_quant_conv}).to(device)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=args.rate, betas=(0.9, 0.99), weight_decay=1e-3)
    sitting = Sitting(args, decoder, optimizer, average=0.998, seed=1)
    photos, cutouts = Pack(args.pack, "photos"), Pack(args.pack, "cutouts")
    indices = photos.split(held_out=False)

    def draw_loss(rng: np.random.Generator) -> tuple[str, torch.Tensor]:
        images = draw_batch(photos, cutouts, indices, args.batch, args.size, rng).to(device)
        latents = basis.encode(images.cpu()).to(device)
        latents = latents + torch.randn_like(latents) * 0.06 * float(rng.random())
        with torch.autocast(device.type, dtype=torch.bfloat16):
            found = decoder["decoder"](decoder["post_quant_conv"](latents))
        return "loss", picture_loss(found.float(), images)

    sitting.run(draw_loss, save_every=300)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser, minutes=40, rate=1e-3)
    parser.add_argument("--basis", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(args)


if __name__ == "__main__":
    main()
