"""Texts that ComfyUI puts into pictures: its `prompt` (what ran) and its `workflow` (what was on screen)."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator

from PIL import ExifTags, Image

PNG = b"\x89PNG\r\n\x1a\n"
MAX_TEXT_BYTES = 32 * 2**20
NAMES = ("prompt", "workflow", "parameters")


def is_picture(data: bytes) -> bool:
    """Whether a file begins as a picture of a kind that may carry a workflow."""
    return data.startswith((PNG, b"\xff\xd8\xff")) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP") or data[4:8] == b"ftyp"


def find_texts(data: bytes) -> dict[str, str]:
    """The texts of a picture by name: those of `NAMES` that it has.

    Damage behind the texts, as in a picture that was cut off, is no reason to fail; texts of more than `MAX_TEXT_BYTES` are left out.

    Args:
        data: A PNG, WebP, JPEG or AVIF file.
    """
    pairs = _png_texts(data) if data.startswith(PNG) else _exif_texts(data)
    found: dict[str, str] = {}
    for name, text in pairs:
        if name in NAMES and text:
            found.setdefault(name, text)
    return found


def _png_texts(data: bytes) -> Iterator[tuple[str, str]]:
    # Pillow refuses compressed texts over 1 MiB, and reads texts behind the pixels only once it has decoded them.
    at = len(PNG)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        at += 12 + length
        if kind in READERS and len(body) == length <= MAX_TEXT_BYTES:
            name, _, rest = body.partition(b"\0")
            text = READERS[kind](rest)
            if text is not None:
                yield name.decode("latin-1"), text


def _plain_text(rest: bytes) -> str | None:
    return _decode(rest)


def _compressed_text(rest: bytes) -> str | None:
    return _decode(_inflate(rest[1:])) if rest[:1] == b"\0" else None


def _international_text(rest: bytes) -> str | None:
    text = rest[2:].split(b"\0", 2)[-1]  # behind language and translated name
    return _decode(_inflate(text) if rest[:1] == b"\1" else text)


READERS = {b"tEXt": _plain_text, b"zTXt": _compressed_text, b"iTXt": _international_text}


def _inflate(packed: bytes) -> bytes | None:
    """At most `MAX_TEXT_BYTES`; None = damaged, or a bomb."""
    machine = zlib.decompressobj()
    try:
        text = machine.decompress(packed, MAX_TEXT_BYTES)
    except zlib.error:
        return None
    return text if machine.eof else None


def _decode(text: bytes | None) -> str | None:
    if text is None:
        return None
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")  # what the standard says of tEXt


def _exif_texts(data: bytes) -> Iterator[tuple[str, str]]:
    """EXIF texts that open with a name and a colon, whichever their tags."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # nothing is decoded
            exif = Image.open(io.BytesIO(data)).getexif()
        values = [*exif.values(), *exif.get_ifd(ExifTags.IFD.Exif).values()]
    except Exception:  # files of unknown origin; Pillow raises many kinds of errors on damaged ones
        return
    for value in values:
        text = _decode(value.removeprefix(b"ASCII\0\0\0")) if isinstance(value, bytes) else value
        if isinstance(text, str) and len(text) <= MAX_TEXT_BYTES:
            name, colon, rest = text.partition(":")
            if colon:
                yield name.strip().lower(), rest.strip().rstrip("\0")
