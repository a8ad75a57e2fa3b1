"""Training pictures: packing them once, and drawing random batches from the pack.

A pack is a folder with `photos.u8` (all pixels, one after another), `photos.json` (where each photo lies, its size, caption and
whether it is held out) and the same pair for RGBA cut-outs. It is memory-mapped, so two training runs share one copy.

    python -m models.training.data --photos PHOTOS --cutouts CUTOUTS --out PACK
"""

from __future__ import annotations

import argparse
import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

CUTOUT_PX = 160
HELD_OUT_EVERY = 200


@dataclass(frozen=True)
class Entry:
    """Where one picture lies in the pack, and what it shows."""

    offset: int
    height: int
    width: int
    caption: str
    kind: str
    held_out: bool


class Pack:
    """Read-only view of one packed picture set.

    Args:
        folder: The folder that `pack_photos` or `pack_cutouts` wrote.
        name: "photos" (RGB) or "cutouts" (RGBA).
    """

    def __init__(self, folder: Path, name: str):
        self.entries = [Entry(**row) for row in json.loads((folder / f"{name}.json").read_text())]
        self.pixels = np.memmap(folder / f"{name}.u8", dtype=np.uint8, mode="r")
        self.channels = 4 if name == "cutouts" else 3

    def __len__(self) -> int:
        return len(self.entries)

    def image(self, index: int) -> np.ndarray:
        """Return (height, width, channels) uint8, a view that must not be written to."""
        entry = self.entries[index]
        size = entry.height * entry.width * self.channels
        flat = self.pixels[entry.offset : entry.offset + size]
        return flat.reshape(entry.height, entry.width, self.channels)

    def split(self, held_out: bool) -> list[int]:
        """Return the indices of the held-out pictures, or of all the others."""
        return [i for i, entry in enumerate(self.entries) if entry.held_out == held_out]


def write_pack(out: Path, name: str, pictures) -> int:
    """Write pictures as one pixel file and one index.

    Args:
        out: Folder, made when missing.
        name: "photos" or "cutouts".
        pictures: Iterable of (uint8 array, caption, kind).

    Returns:
        The number of pictures written.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows, offset = [], 0
    with open(out / f"{name}.u8", "wb") as stream:
        for number, (array, caption, kind) in enumerate(pictures):
            stream.write(array.tobytes())
            held_out = number % HELD_OUT_EVERY == HELD_OUT_EVERY // 2
            entry = Entry(offset, array.shape[0], array.shape[1], caption, kind, held_out)
            rows.append(vars(entry))
            offset += array.size
    (out / f"{name}.json").write_text(json.dumps(rows))
    return len(rows)


def read_photos(folder: Path):
    """Yield (RGB array, caption, kind) for every line of every captions.jsonl under `folder`."""
    for listing in sorted(folder.rglob("captions.jsonl")):
        for line in listing.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            with Image.open(listing.parent / row["file"]) as image:
                yield np.asarray(image.convert("RGB")), row["caption"], row["kind"]


def name_of_codepoints(stem: str) -> str | None:
    """Name an emoji file such as "1f34e" or "2716-fe0f"; None for sequences (skin tones, flags, families)."""
    codes = [int(part, 16) for part in stem.split("-") if part != "fe0f"]
    if len(codes) != 1:
        return None
    return unicodedata.name(chr(codes[0]), "").lower() or None


def read_cutouts(folder: Path):
    """Yield (RGBA array of CUTOUT_PX squared, name, "cutout") for every emoji picture under `folder`."""
    for path in sorted(folder.rglob("*.webp")):
        name = name_of_codepoints(path.stem)
        if name:
            with Image.open(path) as image:
                small = image.convert("RGBA").resize((CUTOUT_PX, CUTOUT_PX), Image.Resampling.LANCZOS)
                yield np.asarray(small), name, "cutout"


def crop_square(image: np.ndarray, size_px: int, rng: np.random.Generator, native_share: float) -> torch.Tensor:
    """Cut a random square and scale it to `size_px`.

    Args:
        image: (height, width, 3) uint8.
        size_px: Side of the result.
        rng: Source of chance.
        native_share: Chance of a crop without scaling, where the picture is large enough for one.

    Returns:
        (3, size_px, size_px) float32 in [-1, 1].
    """
    height, width = image.shape[:2]
    short = min(height, width)
    if short >= size_px and rng.random() < native_share:
        side = size_px
    else:
        side = int(rng.integers(int(short * 0.6), short + 1))
    top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
    crop = torch.from_numpy(image[top : top + side, left : left + side].copy())
    crop = crop.permute(2, 0, 1).float().div_(127.5).sub_(1)
    if side != size_px:
        mode = "bicubic" if side < size_px else "bilinear"
        crop = F.interpolate(crop[None], (size_px, size_px), mode=mode, antialias=side > size_px)[0].clamp_(-1, 1)
    return crop.flip(-1) if rng.random() < 0.5 else crop


def vary_colour(image: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Change brightness, contrast and saturation a little; (3, height, width) in [-1, 1], in and out."""
    contrast, saturation = rng.uniform(0.8, 1.2, 2)
    grey = image.mean(0, keepdim=True)
    image = grey + (image - grey) * float(saturation)
    return (image * float(contrast) + float(rng.uniform(-0.12, 0.12))).clamp(-1, 1)


def paste_cutout(image: torch.Tensor, cutout: np.ndarray, rng: np.random.Generator) -> tuple[torch.Tensor, np.ndarray]:
    """Paste one cut-out at a random place, size and small rotation, with a soft shadow now and then.

    Args:
        image: (3, size, size) float32 in [-1, 1].
        cutout: (height, width, 4) uint8.
        rng: Source of chance.

    Returns:
        The picture with the object, and the object's alpha as (size, size) float32 in [0, 1].
    """
    size = image.shape[-1]
    side = int(size * rng.uniform(0.3, 0.75))
    sprite = Image.fromarray(cutout).resize((side, side), Image.Resampling.BILINEAR)
    sprite = sprite.rotate(float(rng.normal(0, 12)), Image.Resampling.BILINEAR)
    if rng.random() < 0.5:
        sprite = sprite.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    canvas = Image.new("RGBA", (size, size))
    low, high = -side // 8, size - side + side // 8
    canvas.paste(sprite, (int(rng.integers(low, high + 1)), int(rng.integers(low, high + 1))))
    layer = torch.from_numpy(np.asarray(canvas).copy()).permute(2, 0, 1).float()
    alpha = layer[3:] / 255
    if rng.random() < 0.5:
        shadow = F.avg_pool2d(alpha[None], 9, 1, 4)[0].roll((size // 24, size // 32), (-2, -1))
        image = image - (image + 1) * shadow * 0.4
    pasted = image * (1 - alpha) + (layer[:3] / 127.5 - 1) * alpha
    return pasted, alpha[0].numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder with pictures and captions.jsonl files")
    parser.add_argument("--cutouts", type=Path, required=True, help="folder of RGBA emoji named by code point")
    parser.add_argument("--out", type=Path, required=True, help="where the pack goes")
    args = parser.parse_args()
    print("photos packed:", write_pack(args.out, "photos", read_photos(args.photos)))
    print("cut-outs packed:", write_pack(args.out, "cutouts", read_cutouts(args.cutouts)))


if __name__ == "__main__":
    main()
