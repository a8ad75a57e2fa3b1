"""A picture that is to be post-processed, wherever it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PIL import Image

from modules.base.errors import InvalidImage
from modules.imaging.picture import Picture, open_picture
from modules.runtime.store import Asset


class Store(Protocol):
    """What is needed of the `AssetStore`."""

    def add(self, data: bytes, name: str = "") -> Asset: ...

    def add_picture(self, image: Image.Image, infotext: str | None = None) -> Asset: ...


@dataclass(frozen=True)
class ExtrasSource:
    """One picture.

    Attributes:
        name: What the person calls the file; empty = it has no name.
        path: Its file; None = `picture` is there already.
        picture: Decoded, where it came without a file.
    """

    name: str = ""
    path: Path | None = None
    picture: Picture | None = None

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return Path(self.name).stem

    def open(self, max_pixels: int) -> Picture:
        """The picture, upright.

        Raises:
            InvalidImage: The file is none, is damaged, too large, or gone.
        """
        if self.picture is not None:
            return self.picture
        if self.path is None:
            raise InvalidImage("image", None, "a picture")
        try:
            return open_picture(self.path, "image", max_pixels=max_pixels)
        except OSError as error:
            raise InvalidImage("image", self.name, f"a file that can be read ({error.strerror or error})") from error

    def keep(self, picture: Picture, store: Store) -> str:
        """Put it into the store; returns its id there."""
        if self.path is not None:
            return store.add(self.path.read_bytes(), self.name).id
        return store.add_picture(picture.image, picture.info.get("parameters")).id
