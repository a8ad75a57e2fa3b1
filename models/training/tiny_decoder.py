"""Tiny decoders for live previews: latents of our own encoder, or colours at an eighth of the size, to a picture.

python -m models.training.tiny_decoder --pack PACK --basis basis.safetensors --state STATE --out models/preview/NAME.safetensors [--resume]

Without --basis, the network learns to enlarge the colours that a linear map sees in the latents of any model.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F

from modules.engine.preview import LatentPreview, fit_preview
from modules.engine.tiny_decoder import FACTOR, TinyDecoder, TinyShape, draw_probe, measure_psnr

from .basis import Basis, load_basis
from .data import Pack, to_tensor
from .evaluate import yardstick_photos
from .fills import SIDE_PX
from .pictures import random_square, vary_colour
from .sitting import Sitting, add_options
from .state import write_safely

NOISE = {"latent": 0.3, "colour": 0.12}
"""Largest spread of the noise on the input: what is half made is neither clean nor sharp."""
CLEAN_SHARE, BLURRED_SHARE = 0.5, 0.2


class Space:
    """Where the inputs come from: our linear encoder, or the mean colour of every cell (`basis` None)."""

    def __init__(self, basis: Basis | None) -> None:
        self.basis, self.name = basis, "colour" if basis is None else "latent"
        self.channels = 3 if basis is None else basis.channels

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 3, H, W) in [-1, 1] to (n, channels, H/8, W/8)."""
        return F.avg_pool2d(images, FACTOR) if self.basis is None else self.basis.encode(images)

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that differ between encoders; empty for colours."""
        if self.basis is None:
            return ""
        return hashlib.sha256(self.basis.analysis.numpy().tobytes() + self.basis.mean.numpy().tobytes()).hexdigest()[:12]


@torch.no_grad()
def start_linear(network: TinyDecoder, space: Space) -> None:
    """Start from the basis's own reconstruction, or from bilinear enlargement; the rest begins at nothing."""
    for module in (network.linear, network.leave):
        module.weight.zero_()
        module.bias.zero_()
    if space.basis is not None:
        network.linear.weight[:, :, 1, 1] = space.basis.synthesis
        network.linear.bias.copy_(space.basis.mean)
        return
    cells = torch.eye(9).view(9, 1, 3, 3)
    shares = F.interpolate(cells, scale_factor=FACTOR, mode="bilinear")[:, 0, FACTOR : 2 * FACTOR, FACTOR : 2 * FACTOR]
    for colour in range(3):
        rows = slice(colour * FACTOR**2, (colour + 1) * FACTOR**2)
        network.linear.weight[rows, colour] = shares.permute(1, 2, 0).reshape(FACTOR**2, 3, 3)


def draw_photos(photos: Pack, indices: list[int], count: int, size: int, rng: np.random.Generator) -> torch.Tensor:
    """(count, 3, size, size) crops in [-1, 1], some of them blurred: unfinished pictures are."""
    images = []
    for index in rng.choice(indices, count):
        image = to_tensor(vary_colour(random_square(photos.image(int(index)), size, rng, 0.7)[0], rng))
        if rng.random() < BLURRED_SHARE:
            small = F.interpolate(image[None], scale_factor=1 / float(rng.uniform(2, 8)), mode="bilinear", antialias=True)
            image = F.interpolate(small, (size, size), mode="bicubic")[0].clamp(-1, 1)
        images.append(image)
    return torch.stack(images)


def add_noise(latents: torch.Tensor, limit: float, rng: np.random.Generator) -> torch.Tensor:
    """Half of the batch stays clean, the other half gets noise of any spread up to `limit`."""
    spread = torch.from_numpy(rng.uniform(0, limit, len(latents)) * (rng.random(len(latents)) > CLEAN_SHARE)).float()
    return latents + torch.randn_like(latents) * spread[:, None, None, None]


def loss_of(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """L1, squared error, L1 of the differences between neighbours, and L1 of the cells' mean colours, which are to stay as they are."""
    error = found - truth
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return error.abs().mean() + 4 * error.square().mean() + 0.5 * edges + F.avg_pool2d(error, FACTOR).abs().mean()


def train(args: argparse.Namespace, space: Space, network: TinyDecoder) -> tuple[int, float]:
    """Train until the planned minutes are over; `network` ends with the averaged weights.

    Returns:
        Steps, and seconds of all sittings.
    """
    start_linear(network, space)
    optimizer = torch.optim.AdamW(network.parameters(), lr=args.rate, betas=(0.9, 0.99), weight_decay=1e-4)
    sitting = Sitting(args, network, optimizer, average=0.998, seed=2)
    photos = Pack(args.pack, "photos")
    indices = photos.split(held_out=False)

    def draw_loss(rng: np.random.Generator) -> tuple[str, torch.Tensor]:
        truth = draw_photos(photos, indices, args.batch, args.size, rng)
        return "loss", loss_of(network(add_noise(space.encode(truth), NOISE[space.name], rng)), truth)

    sitting.run(draw_loss, told_every=100, save_every=500)
    sitting.average.copy_to(network)
    return sitting.step, sitting.clock.spent_s


def held_out_photos(pack: Path, count: int = 40) -> torch.Tensor:
    """(count, 3, 256, 256) crops of photos that were not trained on."""
    photos, rng = Pack(pack, "photos"), np.random.default_rng(0)
    indices = photos.split(held_out=True)[:count]
    return torch.stack([to_tensor(random_square(photos.image(index), SIDE_PX, rng, 1.0)[0]) for index in indices])


def decode_plainly(latents: torch.Tensor, linear: LatentPreview) -> torch.Tensor:
    """The studio's linear preview: the colours that its fitted map sees, enlarged bilinearly."""
    colours = torch.stack([linear.colours(latent) for latent in latents])
    return F.interpolate(colours, scale_factor=FACTOR, mode="bilinear")


def edge_share(found: torch.Tensor, truth: torch.Tensor) -> float:
    """Mean size of the differences between neighbours, as a share of the photo's own; 1 = as sharp."""
    found = found.clamp(-1, 1)
    return float(sum(found.diff(dim=d).abs().mean() for d in (-1, -2)) / sum(truth.diff(dim=d).abs().mean() for d in (-1, -2)))


@torch.inference_mode()
def measure(network: TinyDecoder, space: Space, held_out: torch.Tensor) -> None:
    """Print PSNR and sharpness beside the linear preview's."""
    network.eval()
    model = SimpleNamespace(encode=space.encode, latent_factor=FACTOR, device="cpu")
    linear = fit_preview(model)
    print(f"{'':14}{'linear dB':>10}{'tiny dB':>10}{'linear edges':>14}{'tiny edges':>12}")
    rows = [(name, to_tensor(image)[None]) for name, image in yardstick_photos().items()]
    rows.append(("held out", held_out))
    noisy = [("noise 0.5", 0.5), ("noise 1.0", 1.0)]
    for name, share in [(name, 0.0) for name, _ in rows] + noisy:
        pictures = dict(rows).get(name, held_out)
        latents = space.encode(pictures)
        latents = latents + torch.randn(latents.shape, generator=torch.Generator().manual_seed(0)) * NOISE[space.name] * share
        plain, tiny = decode_plainly(latents, linear), network(latents)
        decibels = [measure_psnr(found, pictures) for found in (plain, tiny)]
        edges = [edge_share(found, pictures) for found in (plain, tiny)]
        print(f"{name:14}{decibels[0]:10.2f}{decibels[1]:10.2f}{edges[0]:14.2f}{edges[1]:12.2f}")
    means = [F.avg_pool2d(pictures, FACTOR) for pictures in (network(space.encode(held_out)).clamp(-1, 1), held_out)]
    errors = (means[0] - means[1]).abs().flatten() * 127.5
    print(f"colours of cells are off by {errors.mean():.2f} of 255 on average, 99 % by at most {np.quantile(errors.numpy(), 0.99):.1f}")
    for side in (32, 64):
        print(f"{side * FACTOR} px: {time_once(network, side):.0f} ms on {torch.get_num_threads()} thread(s)")


def time_once(network: TinyDecoder, side: int) -> float:
    """Milliseconds of the quickest of nine decodings of side x side latents."""
    latents, best = torch.randn(1, network.shape.channels, side, side), float("inf")
    for _ in range(9):
        began = time.perf_counter()
        network(latents)
        best = min(best, time.perf_counter() - began)
    return best * 1000


@torch.inference_mode()
def export(network: TinyDecoder, space: Space, path: Path, step: int, spent_s: float) -> None:
    """Write the weights in half precision, with what tells the studio which latents they are for."""
    metadata = {
        "pentimento": "tiny-decoder",
        "space": space.name,
        "shape": json.dumps(vars(network.shape)),
        "encoder": space.fingerprint,
        "steps": str(step),
        "minutes": f"{spent_s / 60:.1f}",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = network.state_dict() | {"probe": space.encode(draw_probe())[0]}
    write_safely({name: tensor.half() for name, tensor in tensors.items()}, path, metadata)
    print(f"wrote {path.name}: {path.stat().st_size / 1e6:.2f} MB, {metadata}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser, minutes=11, rate=1.5e-3)
    parser.add_argument("--basis", type=Path, help="the linear encoder whose latents are decoded; without it, colours are enlarged")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=128)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    space = Space(load_basis(args.basis) if args.basis else None)
    network = TinyDecoder(TinyShape(space.channels))
    step, spent_s = train(args, space, network)
    measure(network, space, held_out_photos(args.pack))
    export(network, space, args.out, step, spent_s)


if __name__ == "__main__":
    main()
