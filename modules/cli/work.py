"""Where the results of one picture go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modules.base.errors import InvalidRequest
from modules.runtime.batch.listing import PictureFile, list_folder
from modules.runtime.batch.pairing import pair_masks

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


def find_work(init: Path, mask: Path | None, out: Path, count: int = 1) -> Work:
    """Check one picture, its mask and its results; for a folder of pictures see `folder`.

    Args:
        mask: A file, or a folder with a mask of the picture's stem (or a single one).
        out: A file; or a folder, made when needed, for a result of the picture's stem.
        count: Results.

    Raises:
        InvalidRequest: Something is missing, ambiguous, or would overwrite an input.
    """
    if not init.exists():
        raise InvalidRequest("--init", str(init), "a file or folder that exists")
    is_folder = out.is_dir() or not out.suffix
    if not is_folder and out.suffix.lower() not in RESULTS:
        raise InvalidRequest("--out", str(out), "a file name that ends in " + ", ".join(sorted(RESULTS)))
    work = Work(init, _find_mask(init, mask), out / f"{init.stem}.png" if is_folder else out)
    inputs = {path.resolve() for path in (work.init, work.mask) if path is not None}
    for path in (work.out_path(index) for index in range(count)):
        if path.resolve() in inputs:
            raise InvalidRequest("--out", str(path), "a place that overwrites no input")
    return work


def _find_mask(init: Path, mask: Path | None) -> Path | None:
    if mask is None:
        return None
    if not mask.exists():
        raise InvalidRequest("--mask", str(mask), "a file or folder that exists")
    if not mask.is_dir():
        return mask
    pair = pair_masks([PictureFile(init, init.name, "")], list_folder(mask, "--mask").files)[0]
    if pair.mask is None:
        raise InvalidRequest("--mask", str(mask), f"a folder with one mask named {init.stem}.png (or another picture format)")
    return pair.mask.path
