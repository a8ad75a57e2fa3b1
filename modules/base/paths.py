"""Where things are: one frozen value, made once by `launch.py` and handed down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modules.base.errors import UnsafePath


@dataclass(frozen=True)
class Paths:
    """Folders of one installation.

    Attributes:
        root: The checkout; read-only for the program.
        data: Everything a user makes or adds (`--data-dir`); equals `root` by default.
    """

    root: Path
    data: Path

    @classmethod
    def under(cls, root: Path, data: Path | None = None) -> Paths:
        return cls(root.resolve(), (data or root).resolve())

    @property
    def models(self) -> Path:
        return self.data / "models"

    @property
    def builtin_models(self) -> Path:
        return self.root / "models"

    @property
    def outputs(self) -> Path:
        return self.data / "outputs"

    @property
    def inputs(self) -> Path:
        """Pictures that workflows name."""
        return self.data / "input"

    @property
    def cache(self) -> Path:
        return self.data / "cache"

    @property
    def vocabulary(self) -> Path:
        """CLIP's tokenizer."""
        return self.builtin_models / "tokenizer" / "bpe_simple_vocab_16e6.txt.gz"

    @property
    def styles(self) -> Path:
        return self.data / "styles.csv"

    @property
    def config(self) -> Path:
        return self.data / "config.json"

    @property
    def scripts(self) -> Path:
        return self.root / "scripts"

    @property
    def extensions(self) -> Path:
        return self.data / "extensions"

    @property
    def builtin_extensions(self) -> Path:
        return self.root / "extensions-builtin"


def contain(folder: Path, name: str | Path) -> Path:
    """Resolve `name` below `folder`.

    Raises:
        UnsafePath: The resolved path leaves `folder` (through `..`, an absolute path or a link).
    """
    base = folder.resolve()
    path = (base / name).resolve()
    if not path.is_relative_to(base):
        raise UnsafePath(f"{name!s} leaves the folder {folder.name!r}; give a path inside it")
    return path
