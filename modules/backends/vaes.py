"""VAE files that stand beside checkpoints or in their own folder, by the names that the option `sd_vae` takes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

AUTOMATIC, NONE = "Automatic", "None"
_BESIDE = ".vae.safetensors"
_ALONE = ".safetensors"


def find_vaes(folders: Sequence[Path], checkpoint_folders: Sequence[Path] = ()) -> dict[str, Path]:
    """VAE files by file name, sorted without case.

    Args:
        folders: Hold VAEs only: every `.safetensors` counts.
        checkpoint_folders: Hold checkpoints: only `.vae.safetensors` counts. Of equal names, the first found wins, `folders` first.
    """
    found: dict[str, Path] = {}
    for places, ending in ((folders, _ALONE), (checkpoint_folders, _BESIDE)):
        for folder in places:
            for here, _, files in os.walk(folder, followlinks=False):
                for name in sorted(files):
                    if name.endswith(ending) and not name.startswith("."):
                        found.setdefault(name, Path(here) / name)
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def choose_vae(wanted: str, checkpoint: Path, vaes: Mapping[str, Path]) -> Path | None:
    """The VAE file to load with a checkpoint; None means the checkpoint's own.

    Args:
        wanted: "Automatic" (the file named as the checkpoint, with `.vae` or without), "None", or a name of `vaes`, with or without
            its extension.
        checkpoint: File or folder of the checkpoint.
        vaes: From `find_vaes`.
    """
    if wanted in (NONE, ""):
        return None
    stem = checkpoint.name.removesuffix(_ALONE) if wanted == AUTOMATIC else wanted
    names = (stem + _BESIDE, stem + _ALONE) if wanted == AUTOMATIC else (wanted, wanted + _ALONE, wanted + _BESIDE)
    return next((vaes[name] for name in names if name in vaes and vaes[name] != checkpoint), None)
