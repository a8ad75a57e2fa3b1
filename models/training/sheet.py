"""Contact sheets of what the bar measured, good and bad alike: chosen by rank, not by eye."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from .prompted import Fill

CELL_PX = 192
LABEL_PX = 16
GAP_PX = 4


def spread(count: int, wanted: int) -> list[int]:
    """Evenly spaced places from the first to the last of `count`."""
    return sorted(set(np.linspace(0, count - 1, min(wanted, count)).round().astype(int).tolist()))


def show_hole(truth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The picture with a pale hole."""
    return np.where(mask[..., None] > 0, (truth * 0.15 + 200).astype(np.uint8), truth)


def lay_out(rows: list[list[tuple[str, np.ndarray]]]) -> Image.Image:
    """Draw rows of labelled pictures."""
    width = max(len(row) for row in rows) * (CELL_PX + GAP_PX)
    height = len(rows) * (CELL_PX + LABEL_PX + GAP_PX)
    canvas = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(canvas)
    for y, row in enumerate(rows):
        for x, (label, pixels) in enumerate(row):
            left, top = x * (CELL_PX + GAP_PX), y * (CELL_PX + LABEL_PX + GAP_PX)
            draw.text((left + 2, top + 2), label, fill="black")
            cell = Image.fromarray(np.asarray(pixels).round().clip(0, 255).astype(np.uint8))
            canvas.paste(cell.resize((CELL_PX, CELL_PX), Image.Resampling.BICUBIC), (left, top + LABEL_PX))
    return canvas


def prompted_row(fill: Fill) -> list[tuple[str, np.ndarray]]:
    """Truth, hole and results of one prompted hole, each with what the classifier took it for."""
    start = [("truth", fill.truth), (f'hole: "{fill.prompt}"', show_hole(fill.truth, fill.mask))]
    judged = zip(fill.ranks, fill.results, strict=True)
    return start + [(("yes: " if rank[0] == fill.wanted else "no: ") + rank[0], result) for rank, result in judged]


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write beside `path`, then rename."""
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    picture.save(temporary)
    temporary.replace(path)
