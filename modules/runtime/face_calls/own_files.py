"""Files that scripts are handed by the page: only what lies in the data folder or among temporary files is opened."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image

from modules.base.errors import UnsafePath
from modules.imaging.picture import open_picture
from modules.runtime.shared_objects import SHARED


def open_own_picture(name: str) -> Image.Image:
    """The picture in a file, or at a path that the page shows as "file=..." .

    Raises:
        UnsafePath: It lies elsewhere.
        InvalidImage: It is no picture.
    """
    path = Path(name.removeprefix("file=").partition("?")[0]).resolve()
    places = (SHARED.paths.data, Path(tempfile.gettempdir()).resolve())
    if not any(path.is_relative_to(place) for place in places):
        raise UnsafePath(f"{path.name} lies outside the program's data folder and is not opened")
    return open_picture(path).image
