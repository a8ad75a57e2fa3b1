"""Which picture goes with which mask, and where its result goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modules.base.errors import InvalidRequest

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"})
RESULTS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif"})


@dataclass(frozen=True)
class Work:
    """One picture to repaint."""

    init: Path
    mask: Path | None
    out: Path

    def out_path(self, index: int) -> Path:
        """Where result `index` goes: result.png, result-2.png, ..."""
        return self.out if index == 0 else self.out.with_stem(f"{self.out.stem}-{index + 1}")


def list_work(init: Path, mask: Path | None, out: Path, count: int = 1) -> list[Work]:
    """Pair pictures, masks and results.

    Args:
        init: A file, or a folder whose pictures are taken in order of their names.
        mask: One for all, or a folder with a mask of the same stem for each picture (or a single one for all).
        out: A file for one picture; else a folder, made when needed, with the stems of the pictures.
        count: Results for each picture.

    Raises:
        InvalidRequest: Something is missing, ambiguous, or would overwrite an input.
    """
    if not init.exists():
        raise InvalidRequest("--init", str(init), "a file or folder that exists")
    inits = _list_pictures(init) if init.is_dir() else [init]
    if not inits:
        raise InvalidRequest("--init", str(init), "a folder with at least one picture")
    is_folder = init.is_dir() or out.is_dir() or not out.suffix
    if not is_folder and out.suffix.lower() not in RESULTS:
        raise InvalidRequest("--out", str(out), "a file name that ends in " + ", ".join(sorted(RESULTS)))
    if is_folder and out.is_file():
        raise InvalidRequest("--out", str(out), "a folder, because --init is one")
    work = [Work(path, _find_mask(path, mask), out / f"{path.stem}.png" if is_folder else out) for path in inits]
    _refuse_collisions(work, count)
    return work


def _list_pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in PICTURES)


def _find_mask(init: Path, mask: Path | None) -> Path | None:
    if mask is None:
        return None
    if not mask.exists():
        raise InvalidRequest("--mask", str(mask), "a file or folder that exists")
    if not mask.is_dir():
        return mask
    masks = _list_pictures(mask)
    found = [path for path in masks if path.stem == init.stem] or (masks if len(masks) == 1 else [])
    if len(found) != 1:
        raise InvalidRequest("--mask", str(mask), f"a folder with one mask named {init.stem}.png (or another picture format)")
    return found[0]


def _refuse_collisions(work: list[Work], count: int) -> None:
    inputs = {path.resolve() for item in work for path in (item.init, item.mask) if path is not None}
    outs: set[Path] = set()
    for path in (item.out_path(index) for item in work for index in range(count)):
        place = path.resolve()
        if place in inputs:
            raise InvalidRequest("--out", str(path), "a place that overwrites no input")
        if place in outs:
            raise InvalidRequest("--out", str(path), "inputs with different names: two would give this result")
        outs.add(place)
