"""All upscalers by name: the built-in ones first, then those of model files and of extensions. Nothing here needs torch."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from modules.backends.upscalers.computing import Computing
from modules.backends.upscalers.foreign import FOREIGN
from modules.base.errors import MissingModel, UnknownName
from modules.base.registry import load_dotted
from modules.imaging.upscalers import NO_UPSCALER, UPSCALERS, NamedUpscaler

SUFFIXES = (".safetensors", ".pth", ".pt", ".param")
_SCALE_IN_NAME = re.compile(r"(?<![0-9a-z])(?:x([1248])|([1248])x)(?![0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class KnownModel:
    """A published Real-ESRGAN model.

    Attributes:
        name: What A1111 calls it.
        stems: Names of its file, without suffix and in lower case: the published one, and ncnn's.
    """

    name: str
    scale: int
    stems: tuple[str, ...]


REAL_ESRGAN = (
    KnownModel("R-ESRGAN General 4xV3", 4, ("realesr-general-x4v3",)),
    KnownModel("R-ESRGAN General WDN 4xV3", 4, ("realesr-general-wdn-x4v3",)),
    KnownModel("R-ESRGAN AnimeVideo", 4, ("realesr-animevideov3", "realesr-animevideov3-x4")),
    KnownModel("R-ESRGAN 4x+", 4, ("realesrgan_x4plus", "realesrgan-x4plus")),
    KnownModel("R-ESRGAN 4x+ Anime6B", 4, ("realesrgan_x4plus_anime_6b", "realesrgan-x4plus-anime")),
    KnownModel("R-ESRGAN 2x+", 2, ("realesrgan_x2plus",)),
)
FETCHED = {
    "R-ESRGAN AnimeVideo": "python launch.py",
    "R-ESRGAN 4x+": 'python launch.py fetch "R-ESRGAN 4x+"',
    "R-ESRGAN 4x+ Anime6B": 'python launch.py fetch "R-ESRGAN 4x+ Anime6B"',
}
"""Those that our own set-up can get, and the command that does."""


@dataclass(frozen=True)
class ModelFolder:
    """A folder of model files.

    Attributes:
        is_real_esrgan: Published Real-ESRGAN models get A1111's names here; elsewhere a model is called like its file.
    """

    path: Path
    is_real_esrgan: bool = False


class UpscalerCatalog:
    """Upscalers that can be chosen. Safe to share between threads.

    Args:
        folders: Searched with what is below them; of models with the same name the first one counts.
        computing: How networks run, asked before each picture.
        enabled: Names of the published Real-ESRGAN models that are listed; None = all.
    """

    def __init__(
        self,
        folders: Sequence[ModelFolder] = (),
        computing: Callable[[], Computing] = Computing,
        enabled: Callable[[], Sequence[str] | None] = lambda: None,
    ) -> None:
        self.folders = list(folders)
        self._computing, self._enabled = computing, enabled
        self._lock = threading.Lock()
        self._runner: Any = None

    def all(self) -> list[NamedUpscaler]:
        """Every upscaler, in the order in which they are listed: "None", "Lanczos", "Nearest", then the others by name."""
        first = [upscaler for _, upscaler in UPSCALERS.items()]
        found = {upscaler.name.casefold(): upscaler for upscaler in [*FOREIGN.all(), *reversed(list(self.files()))]}
        others = [found[key] for key in sorted(found) if key not in UPSCALERS]
        return [*first, *others]

    def names(self) -> list[str]:
        """What can be asked for, in the same order."""
        return [upscaler.name for upscaler in self.all()]

    def find(self, name: str | None, field: str = "upscaler") -> NamedUpscaler | None:
        """The upscaler of that name, matched without case; None for "None" and an empty name: a plain resize.

        Args:
            field: The request's field that named it, for the error.

        Raises:
            UnknownName: There is none of that name.
            MissingModel: Its file is not there, and a command would get it.
        """
        wanted = (name or NO_UPSCALER).strip().casefold()
        if wanted == NO_UPSCALER.casefold():
            return None
        known = self.all()
        for upscaler in known:
            if upscaler.name.casefold() == wanted:
                return upscaler
        for fetched, command in FETCHED.items():
            if fetched.casefold() == wanted and fetched in self._listed():
                raise MissingModel(f"{field}: the file of {fetched} is not in models/RealESRGAN; `{command}` fetches it, given a network")
        raise UnknownName(field, name, [upscaler.name for upscaler in known])

    def files(self) -> Iterator[NamedUpscaler]:
        """Those of model files, folder by folder; no file is opened."""
        listed = self._listed()
        for folder in self.folders:
            for path in _find_files(folder.path):
                known = _known(path) if folder.is_real_esrgan else None
                if known is None:
                    yield self._describe(path.stem, path, _scale_by(path.stem))
                elif known.name in listed:
                    yield self._describe(known.name, path, known.scale)

    def real_esrgan(self) -> list[NamedUpscaler]:
        """The published Real-ESRGAN models that are there."""
        names = {known.name for known in REAL_ESRGAN}
        return [upscaler for upscaler in self.all() if upscaler.name in names]

    def _listed(self) -> set[str]:
        enabled = self._enabled()
        return {known.name for known in REAL_ESRGAN if enabled is None or known.name in enabled}

    def _describe(self, name: str, path: Path, scale: float) -> NamedUpscaler:
        return NamedUpscaler(name, lambda image, _: self._enlarge(path, image), scale, str(path), name)

    def _enlarge(self, path: Path, image: Image.Image) -> Image.Image:
        with self._lock:
            if self._runner is None:
                make_runner: Any = load_dotted("modules.backends.upscalers.runner:NetworkRunner")
                self._runner = make_runner(self._computing)
        enlarged: Image.Image = self._runner.enlarge(path, image)
        return enlarged


def _find_files(folder: Path) -> Iterator[Path]:
    """Model files below `folder`, hidden ones left out; of an ncnn pair its `.param`."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files, key=str.casefold):
            path = Path(here, name)
            is_whole = path.suffix.lower() != ".param" or path.with_suffix(".bin").is_file()
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES and is_whole:
                yield path


def _known(path: Path) -> KnownModel | None:
    return next((known for known in REAL_ESRGAN if path.stem.casefold() in known.stems), None)


def _scale_by(stem: str) -> float:
    """What a file's name says of its factor (4x_..., ..._x2), else 4: the network itself is only read when it is used."""
    found = _SCALE_IN_NAME.search(stem.replace("_", "-"))
    return float(found[1] or found[2]) if found else 4.0
