"""What a picture file says about itself, whole or damaged: kind, size, and every text in it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError

from modules.base.errors import InvalidImage
from modules.imaging.metadata import read_infotext
from modules.imaging.picture import FORMATS, Picture, open_picture

EXIF_TEXTS = ("ImageDescription", "Make", "Model", "Software", "Artist", "Copyright", "XPTitle", "XPComment", "XPKeywords")
COMFYUI_NAMES = ("workflow", "prompt")
"""Names of ComfyUI's texts: PNG chunks, or "name:" before the text of an EXIF tag in WebP."""
READABLE_SIGNS = {0: (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*"), 8: (b"WEBP",), 4: (b"ftypavif",)}
FOREIGN_SIGNS = {
    "HEIC": (4, (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc")),
    "JPEG XL": (0, (b"\xff\x0a", b"\0\0\0\x0cJXL ")),
    "PSD": (0, (b"8BPS",)),
    "PDF": (0, (b"%PDF",)),
    "ZIP": (0, (b"PK\x03\x04",)),
    "HTML": (0, (b"<!doctype html", b"<html")),
    "SVG": (0, (b"<svg",)),
    "XML": (0, (b"<?xml",)),
    "JSON": (0, (b"{", b"[")),
}
"""How files begin that are often taken for pictures we read: place of the sign, and its spellings."""
HEAD_BYTES = 64
TECHNICAL = ("compression",)
"""What Pillow lists with a file's texts, though nobody wrote it."""


class Problem(Enum):
    """Why a file has no picture for us."""

    NONE = "none"
    EMPTY = "empty"
    FOREIGN = "foreign"
    BROKEN = "broken"
    TOO_LARGE = "too_large"


@dataclass(frozen=True)
class Inspection:
    """One file, looked at.

    Attributes:
        size_bytes: Of the file.
        format: Pillow's name of it; "" when the header cannot be read.
        width, height: As stored, in px, before any turning upright; 0 when unknown.
        mode: Pillow's name of the kind of pixel.
        frames: 1 for a still.
        infotext: None when there is none.
        texts: All other texts by name, in the order of the file.
        picture: The decoded picture; None when it cannot be had.
        problem: Why `picture` is None.
        detail: What the decoder said, in English, or what a foreign file seems to be; "" = nothing more is known.
    """

    size_bytes: int
    format: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    frames: int = 1
    infotext: str | None = None
    texts: dict[str, str] = field(default_factory=dict)
    picture: Picture | None = None
    problem: Problem = Problem.NONE
    detail: str = ""


def inspect_file(path: Path) -> Inspection:
    """Look at a file that may be anything.

    The header is read on its own first: a picture whose pixels are cut off still tells what it was made with.

    Raises:
        OSError: The file cannot be read at all.
    """
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    Image.init()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
                return _inspect(path, size_bytes, image)
    except UnidentifiedImageError:
        return Inspection(size_bytes, problem=_problem_of(head), detail=_guess(head))
    except Image.DecompressionBombError as error:
        return Inspection(size_bytes, problem=Problem.TOO_LARGE, detail=str(error))
    except Exception as error:  # Pillow's format plug-ins raise nearly anything on damaged headers
        return Inspection(size_bytes, problem=Problem.BROKEN, detail=str(error))


def _inspect(path: Path, size_bytes: int, image: Image.Image) -> Inspection:
    kind, (width, height), mode = str(image.format), image.size, image.mode
    picture, problem, detail = None, Problem.NONE, ""
    try:
        picture = open_picture(path)
        image.load()  # finds the texts behind a PNG's pixels
    except InvalidImage as error:
        problem, detail = Problem.BROKEN, str(error.__cause__ or error.wanted)
    frames = getattr(image, "n_frames", 1) if picture is not None else 1
    infotext, texts = read_infotext(image)
    texts = {name: text for name, text in texts.items() if name not in TECHNICAL}
    return Inspection(size_bytes, kind, width, height, mode, frames, infotext, texts | _read_exif(image), picture, problem, detail)


def _problem_of(head: bytes) -> Problem:
    if not head:
        return Problem.EMPTY
    begins_well = any(head[place:].startswith(signs) for place, signs in READABLE_SIGNS.items())
    return Problem.BROKEN if begins_well else Problem.FOREIGN


def _guess(head: bytes) -> str:
    """The kind of a foreign file by its first bytes; "" = unknown."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for name, (place, signs) in FOREIGN_SIGNS.items():
        if head[place:].startswith(signs) or (place == 0 and text.startswith(signs)):
            return name
    return ""


def _read_exif(image: Image.Image) -> dict[str, str]:
    """Texts of a photo's EXIF block, under "EXIF name"; ComfyUI's under their own names."""
    try:
        tags = dict(image.getexif())
    except Exception:  # EXIF of unknown origin; a damaged block is no reason to refuse the picture
        return {}
    texts: dict[str, str] = {}
    for name in EXIF_TEXTS:
        value = tags.get(ExifTags.Base[name])
        text = value.decode("utf-16-le", "replace") if name.startswith("XP") and isinstance(value, bytes) else value
        if not isinstance(text, str) or not text.strip("\0 "):
            continue
        text = text.strip("\0 ")
        prefix, _, body = text.partition(":")
        texts |= {prefix.lower(): body} if prefix.lower() in COMFYUI_NAMES else {f"EXIF {name}": text}
    return texts
