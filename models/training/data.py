"""Training pictures: packing them once, and drawing random batches from the pack.

A pack is a folder with `photos.u8` (all pixels, one after another), `photos.json` (where each photo lies, its size, caption and
whether it is held out), and the same pair for RGBA cut-outs. It is memory-mapped, so two training runs share one copy.

    python -m models.training.data --photos PHOTOS --cutouts FOLDER [--cutouts FOLDER ...] --names UNICODE_CODES --out PACK

`cutouts` says which folders of cut-outs are understood. `models.training.objects` adds masks of what the photos show.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .cutouts import read_cutouts

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
    caption_zh: str = ""


class Pack:
    """Read-only view of one packed picture set.

    Args:
        folder: The folder that `write_pack` wrote to.
        name: "photos" (RGB) or "cutouts" (RGBA).
    """

    def __init__(self, folder: Path, name: str):
        self.entries = [Entry(**row) for row in json.loads((folder / f"{name}.json").read_text())]
        self.pixels = np.memmap(folder / f"{name}.u8", dtype=np.uint8, mode="r")
        self.channels = 4 if name == "cutouts" else 3
        listing = folder / "objects.json"
        has_masks = name == "photos" and listing.exists()
        self.mask_offsets: dict[str, int | None] = json.loads(listing.read_text()) if has_masks else {}
        has_pixels = any(offset is not None for offset in self.mask_offsets.values())
        self.masks = np.memmap(folder / "objects.u8", dtype=np.uint8, mode="r") if has_pixels else None

    def __len__(self) -> int:
        return len(self.entries)

    def image(self, index: int) -> np.ndarray:
        """Return (height, width, channels) uint8, a view that must not be written to."""
        entry = self.entries[index]
        size = entry.height * entry.width * self.channels
        flat = self.pixels[entry.offset : entry.offset + size]
        return flat.reshape(entry.height, entry.width, self.channels)

    def object_mask(self, index: int) -> np.ndarray | None:
        """Return what stands out in a photo as (height, width) uint8, 255 = certainly; None where nothing does or none was looked for."""
        offset = self.mask_offsets.get(str(index))
        if offset is None or self.masks is None:
            return None
        entry = self.entries[index]
        return self.masks[offset : offset + entry.height * entry.width].reshape(entry.height, entry.width)

    def split(self, held_out: bool) -> list[int]:
        """Return the indices of the held-out pictures, or of all the others."""
        return [i for i, entry in enumerate(self.entries) if entry.held_out == held_out]


def replace_text(file: Path, text: str) -> None:
    """Write a file whole: whoever reads it meanwhile sees the old one."""
    temporary = file.with_name(f".{file.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(file)


def write_pack(out: Path, name: str, items) -> int:
    """Write pictures as one pixel file and one index.

    Args:
        out: Folder, made when missing.
        name: "photos" or "cutouts".
        items: Iterable of (uint8 array, caption, kind) or (uint8 array, caption, kind, caption in Chinese).

    Returns:
        The number of pictures written.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows, offset = [], 0
    temporary = out / f".{name}.u8.new"
    with open(temporary, "wb") as stream:
        for number, (array, caption, kind, *chinese) in enumerate(items):
            stream.write(array.tobytes())
            held_out = number % HELD_OUT_EVERY == HELD_OUT_EVERY // 2
            entry = Entry(offset, array.shape[0], array.shape[1], caption, kind, held_out, *chinese)
            rows.append(vars(entry))
            offset += array.size
    temporary.replace(out / f"{name}.u8")
    replace_text(out / f"{name}.json", json.dumps(rows))
    return len(rows)


def read_photos(folder: Path):
    """Yield (RGB array, caption, kind) for every line of every captions.jsonl under `folder`."""
    for listing in sorted(folder.rglob("captions.jsonl")):
        for line in listing.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            with Image.open(listing.parent / row["file"]) as image:
                yield np.asarray(image.convert("RGB")), row["caption"], row["kind"]


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """(height, width, 3) uint8 as (3, height, width) float32 in [-1, 1]."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    return torch.from_numpy(planes).float().div_(127.5).sub_(1)


def to_pixels(image: torch.Tensor) -> np.ndarray:
    """(3, height, width) float in [-1, 1] as (height, width, 3) uint8; what lies outside is cut off."""
    return np.ascontiguousarray(image.float().add(1).mul(127.5).add(0.5).clamp(0, 255).byte().permute(1, 2, 0).numpy())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, help="folder with pictures and captions.jsonl files")
    parser.add_argument("--cutouts", type=Path, action="append", default=[], help="folder of RGBA pictures with names; may be given again")
    parser.add_argument("--names", type=Path, help="unicode_codes folder of the emoji package, for pictures named by code point")
    parser.add_argument("--out", type=Path, required=True, help="where the pack goes")
    args = parser.parse_args()
    if args.photos:
        print("photos packed:", write_pack(args.out, "photos", read_photos(args.photos)))
    if args.cutouts:
        print("cut-outs packed:", write_pack(args.out, "cutouts", read_cutouts(args.cutouts, args.names)))


if __name__ == "__main__":
    main()
