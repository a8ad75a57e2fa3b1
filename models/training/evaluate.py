"""Measure an exported checkpoint on pictures that training never saw, and draw a sheet to look at.

    python -m models.training.evaluate --checkpoint FILE --basis basis.safetensors --pack PACK \
        --vocabulary bpe_simple_vocab_16e6.txt.gz --sheet sheet.png
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from skimage import data as samples

from .basis import Basis, load_basis
from .data import Pack
from .diffusion import alphas_cumprod
from .export import from_original
from .masks import draw_shape, draw_strokes
from .text import TokenIds

SIDE_PX = 256
PICTURES = ("astronaut", "chelsea", "coffee", "rocket")
PROMPTS = ("the sea", "a forest", "a red apple")


@dataclass
class Painter:
    """A loaded checkpoint that repaints, with the sampler of the studio's preset."""

    unet: torch.nn.Module
    vae: torch.nn.Module
    text: torch.nn.Module
    tokens: TokenIds

    @torch.no_grad()
    def repaint(self, image, mask, prompt: str, start=None, strength=1.0, seed=0, steps=20, guidance=2.0):
        """Repaint the hole of one picture (Euler ancestral, even in time).

        Args:
            image: (1, 3, h, w) in [-1, 1].
            mask: (1, 1, h, w) of zeros and ones.
            prompt: What to paint.
            start: The picture to start from; None for latent noise alone.
            strength: Share of the steps that run.
            seed: Of the noise.
            steps: Of the whole schedule.
            guidance: Classifier-free guidance scale.

        Returns:
            (1, 3, h, w) in [-1, 1]: the repainted picture, pasted into the original.
        """
        signal = alphas_cumprod()
        clean = self.vae.encode(image).latent_dist.mode()
        masked = self.vae.encode(image * (1 - mask)).latent_dist.mode()
        small = F.interpolate(mask, clean.shape[-2:])
        words = self.text(self.tokens([prompt, ""])).last_hidden_state
        condition = torch.cat([small, masked], 1).repeat(2, 1, 1, 1)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(clean.shape, generator=generator)
        times = torch.linspace(999, 0, steps + 1)[int(steps * (1 - strength)) :].long()
        sigma = ((1 - signal) / signal).sqrt()
        origin = torch.zeros_like(clean) if start is None else self.vae.encode(start).latent_dist.mode()
        x = origin * small + clean * (1 - small) + noise * sigma[times[0]]
        for now, then in zip(times[:-1], times[1:], strict=True):
            scaled = x * signal[now].sqrt()
            velocity = self.unet(torch.cat([scaled.repeat(2, 1, 1, 1), condition], 1), now, words).sample
            velocity = velocity[1:] + guidance * (velocity[:1] - velocity[1:])
            found = signal[now].sqrt() * scaled - (1 - signal[now]).sqrt() * velocity
            found = found * small + clean * (1 - small)
            after = sigma[then] if then > 0 else torch.tensor(0.0)
            added = (after.square() * (1 - after.square() / sigma[now].square())).sqrt()
            x = x + (x - found) / sigma[now] * ((after.square() - added.square()).sqrt() - sigma[now])
            x = x + added * torch.randn(clean.shape, generator=generator)
        painted = self.vae.decode(x).sample.clamp(-1, 1)
        soft = F.avg_pool2d(F.pad(mask, (4,) * 4, mode="replicate"), 9, 1)
        return painted * soft + image * (1 - soft)


def load_painter(checkpoint: Path, vocabulary: Path, channels: int) -> Painter:
    """Load an exported checkpoint."""
    return Painter(*from_original(load_file(checkpoint), channels), TokenIds(vocabulary))


def to_tensor(image: np.ndarray) -> torch.Tensor:
    """Cut the middle square of an RGB array and scale it to (1, 3, 256, 256) in [-1, 1]."""
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = Image.fromarray(image[top : top + side, left : left + side]).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    return torch.tensor(np.asarray(square)).permute(2, 0, 1)[None].float() / 127.5 - 1


def to_array(image: torch.Tensor) -> np.ndarray:
    """Turn (1, 3, h, w) in [-1, 1] into (h, w, 3) uint8."""
    return ((image[0].permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5).round().byte().numpy()


@torch.no_grad()
def measure_autoencoder(vae, basis: Basis) -> dict[str, float]:
    """PSNR in dB, mean over four scikit-image pictures at 256 px: ours, and the plain basis."""
    found = {"autoencoder": [], "basis": []}
    for name in PICTURES:
        image = to_tensor(getattr(samples, name)())
        latents = basis.encode(image)
        for kind, again in (("autoencoder", vae.decode(latents).sample), ("basis", basis.decode(latents))):
            error = (again.clamp(-1, 1) - image).div(2).square().mean()
            found[kind].append(-10 * error.log10().item())
    return {kind: float(np.mean(values)) for kind, values in found.items()}


def held_out_photos(pack: Pack, count: int) -> list[int]:
    """Choose held-out photos, all kinds in turn."""
    by_kind: dict[str, list[int]] = {}
    for index in pack.split(held_out=True):
        by_kind.setdefault(pack.entries[index].kind, []).append(index)
    longest = max(len(v) for v in by_kind.values())
    mixed = [group[i] for i in range(longest) for group in by_kind.values() if i < len(group)]
    return mixed[:count]


def measure_colour(painter: Painter, pack: Pack, count: int, guidance: float) -> float:
    """Share of photos where the repainted hole's mean colour is closer to the truth's than mid-grey is."""
    closer = 0
    for number, index in enumerate(held_out_photos(pack, count)):
        image = to_tensor(pack.image(index))
        mask = hole(number)
        painted = painter.repaint(image, mask, pack.entries[index].caption, seed=number, guidance=guidance)
        truth, found = (((x + 1) * 127.5 * mask).sum((0, 2, 3)) / mask.sum() for x in (image, painted))
        closer += int((found - truth).norm() < (127.5 - truth).norm())
    return closer / count


def hole(number: int) -> torch.Tensor:
    """Return the number-th test mask, (1, 1, 256, 256): boxes, ellipses and strokes in turn."""
    rng = np.random.default_rng(1000 + number)
    mask = draw_strokes(SIDE_PX, rng) if number % 3 == 2 else draw_shape(SIDE_PX, rng, is_box=number % 3 == 0)
    return torch.from_numpy(mask.copy()).round()[None, None]


def measure_prompts(painter: Painter, pack: Pack, count: int, guidance: float) -> float:
    """Mean difference, of 255, inside the mask between two prompts with one seed."""
    differences = []
    for number, index in enumerate(held_out_photos(pack, count)):
        image, mask = to_tensor(pack.image(index)), hole(3 * number)
        first, second = (painter.repaint(image, mask, p, seed=number, guidance=guidance) for p in PROMPTS[:2])
        differences.append((((first - second).abs() * 127.5 * mask).sum() / (3 * mask.sum())).item())
    return float(np.mean(differences))


def fill_hole(image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Fill the hole from its rim (Telea), as a stand-in for the studio's own fill."""
    filled = cv2.inpaint(to_array(image), (mask[0, 0].numpy() * 255).astype(np.uint8), 5, cv2.INPAINT_TELEA)
    return to_tensor(filled)


def draw_sheet(painter: Painter, pack: Pack, count: int, guidance: float) -> Image.Image:
    """Draw rows of: truth, hole, from noise, from a fill at half strength, three prompts."""
    rows = []
    pictures = [to_tensor(getattr(samples, name)()) for name in PICTURES]
    pictures += [to_tensor(pack.image(i)) for i in held_out_photos(pack, count)]
    captions = ["a woman", "a cat", "a cup of coffee", "the sky"]
    captions += [pack.entries[i].caption for i in held_out_photos(pack, count)]
    for number, (image, caption) in enumerate(zip(pictures, captions, strict=True)):
        mask = hole(number)
        cells = [image, image * (1 - mask), painter.repaint(image, mask, caption, guidance=guidance)]
        cells.append(painter.repaint(image, mask, caption, start=fill_hole(image, mask), strength=0.5, guidance=guidance))
        cells += [painter.repaint(image, mask, prompt, guidance=guidance) for prompt in PROMPTS]
        rows.append(np.concatenate([to_array(cell) for cell in cells], 1))
    return Image.fromarray(np.concatenate(rows, 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--basis", type=Path, required=True)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, required=True)
    parser.add_argument("--sheet", type=Path, required=True, help="where the picture goes")
    parser.add_argument("--count", type=int, default=50, help="held-out photos measured")
    parser.add_argument("--rows", type=int, default=6, help="held-out photos drawn")
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    basis, pack = load_basis(args.basis), Pack(args.pack, "photos")
    painter = load_painter(args.checkpoint, args.vocabulary, basis.channels)
    scores = measure_autoencoder(painter.vae, basis)
    print(f"autoencoder {scores['autoencoder']:.2f} dB; the {basis.channels}-channel linear basis {scores['basis']:.2f} dB")
    draw_sheet(painter, pack, args.rows, args.guidance).save(args.sheet)
    if args.count:
        share = measure_colour(painter, pack, args.count, args.guidance)
        print(f"mean colour closer than grey on {share:.0%} of {args.count} held-out photos (limit 70 %)")
        prompts = measure_prompts(painter, pack, 10, args.guidance)
        print(f"two prompts differ by {prompts:.1f} of 255 inside the mask (limit 8)")


if __name__ == "__main__":
    main()
