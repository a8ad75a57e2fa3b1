"""The one door for pictures: bytes, files and base64 become an upright 8-bit RGB or RGBA `Picture`."""

from __future__ import annotations

import base64
import binascii
import io
import re
import warnings
from dataclasses import dataclass
from dataclasses import field as default_field
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
from PIL import ExifTags, Image, ImageColor, ImageOps

from modules.base.errors import InvalidImage, InvalidRequest
from modules.imaging.metadata import read_infotext

FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM", "TGA", "JPEG2000", "ICO")
WANTED = "a picture file (PNG, JPEG, WEBP, AVIF, GIF, BMP or TIFF)"
MAX_PIXELS = 178_956_970  # Pillow's own last line against decompression bombs; it cannot be raised without touching Pillow's globals

_DATA_URL = re.compile(r"\s*data:[^,]{0,200},", re.IGNORECASE)
_EXIF_ERRORS = (KeyError, OSError, SyntaxError, ValueError, TypeError, ZeroDivisionError)


@dataclass(frozen=True)
class Picture:
    """A decoded picture, ready for the pipeline.

    Attributes:
        image: Mode RGB or RGBA, 8 bits a channel, upright; colour below alpha 0 is kept.
        notes: What had to be done to the file to get here, one clause each; empty for a plain file.
        info: Text found in the file: PNG chunks, comments, and `parameters` wherever the infotext was.
        icc: The RGB colour profile to write back into results, if the file had one.
    """

    image: Image.Image
    notes: tuple[str, ...] = ()
    info: dict[str, str] = default_field(default_factory=dict)
    icc: bytes | None = None


def open_picture(data: bytes | Path | Image.Image, field: str = "image", *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode a picture of any common format and kind.

    The size is read from the header and judged before a pixel is decoded.

    Args:
        data: The file's bytes, its path, or an already opened image (not modified).
        field: Name of the request's field, for errors.
        max_pixels: Width times height that is still accepted; at most `MAX_PIXELS` for bytes and paths.

    Returns:
        The upright picture in RGB, or in RGBA if it had any transparency, with notes on what was converted.

    Raises:
        InvalidImage: Not a picture, truncated, without pixels, or too large.
    """
    if isinstance(data, Image.Image):
        _check_size(data.size, field, max_pixels)
        return _convert(data, field)
    with _open(data, field) as image:
        _check_size(image.size, field, max_pixels)
        return _convert(image, field)


def open_frames(data: bytes | Path, field: str = "image", *, max_pixels: int = MAX_PIXELS) -> list[Image.Image]:
    """All frames of a picture file, upright, in their own mode and depth, for rules that look at these; MPO files count as one frame.

    Raises:
        InvalidImage: As for `open_picture`, of all frames together.
    """
    frames = []
    with _open(data, field) as image:
        try:
            count = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
            _check_size((image.width, image.height * max(1, count)), field, max_pixels)
            for index in range(count):
                image.seek(index)
                image.load()
                frames.append(_turn_upright(image, []).copy())
        except InvalidImage:
            raise
        except Exception as error:  # see _open
            raise InvalidImage(field, f"{image.format} {image.width}x{image.height}", f"a whole picture: {error}") from error
    return frames


def name_format(data: bytes | Path, field: str = "image") -> str:
    """Pillow's name of a picture file's format, one of `FORMATS`, by its first bytes; errors as for `open_picture`."""
    with _open(data, field) as image:
        return str(image.format)


def picture_size(data: bytes | Path, field: str = "image") -> tuple[int, int]:
    """Upright width and height of a picture file, read from its header alone; pixels behind it may still be damaged.

    Raises:
        InvalidImage: Not a picture, without pixels, or too large.
    """
    with _open(data, field) as image:
        _check_size(image.size, field, MAX_PIXELS)
        try:
            is_turned = image.getexif().get(ExifTags.Base.Orientation, 1) in range(5, 9)
        except _EXIF_ERRORS:
            is_turned = False
        return (image.height, image.width) if is_turned else image.size


def decode_base64_image(text: str, field: str = "image", *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode a picture given as base64: bare, as a data URL, url-safe, with or without padding and line breaks.

    Raises:
        InvalidImage: Not base64, or the bytes are not a usable picture.
    """
    if not isinstance(text, str):
        raise InvalidImage(field, text, "a picture encoded in base64")
    head = _DATA_URL.match(text)
    body = text[head.end() :] if head else text
    raw = unquote_to_bytes(body) if head and "%" in body else body.encode("ascii", "replace")
    raw = b"".join(raw.split()).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    try:
        data = base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidImage(field, text[:80], "a picture encoded in base64, or a data URL") from None
    if not data:
        raise InvalidImage(field, text[:80], "a picture encoded in base64; this is empty")
    return open_picture(data, field, max_pixels=max_pixels)


def flatten(image: Image.Image, background: str = "#ffffff") -> Image.Image:
    """Put a transparent picture on one colour; pictures without alpha are only converted to RGB.

    Args:
        image: Any mode; only RGBA is composited.
        background: A colour as CSS writes it: `#20c040`, `white`.

    Raises:
        InvalidRequest: `background` names no colour.
    """
    if image.mode != "RGBA":
        return image.convert("RGB")
    try:
        colour = ImageColor.getcolor(background, "RGBA")
    except ValueError:
        raise InvalidRequest("img2img_background_color", background, "a colour such as #ffffff") from None
    canvas = Image.new("RGBA", image.size, colour)
    canvas.paste(image, mask=image)
    return canvas.convert("RGB")


def _open(data: bytes | Path, field: str) -> Image.Image:
    Image.init()
    source = io.BytesIO(data) if isinstance(data, bytes | bytearray) else data
    shown = data.name if isinstance(data, Path) else f"{len(data)} bytes"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(source, formats=[name for name in FORMATS if name in Image.OPEN])
    except Image.DecompressionBombError as error:
        raise InvalidImage(field, str(error), f"at most {MAX_PIXELS // 1_000_000} megapixels") from None
    except FileNotFoundError:
        raise InvalidImage(field, shown, "a picture file that exists") from None
    except Exception as error:  # Pillow's format plug-ins raise nearly anything on damaged headers
        raise InvalidImage(field, shown, f"{WANTED}; this cannot be read as one") from error


def _check_size(size: tuple[int, int], field: str, max_pixels: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise InvalidImage(field, f"{width}x{height}", "a picture of at least 1x1 pixel")
    if width * height > max_pixels:
        raise InvalidImage(field, f"{width}x{height}", f"at most {max_pixels / 1_000_000:g} megapixels")


def _convert(image: Image.Image, field: str) -> Picture:
    notes: list[str] = []
    try:
        if getattr(image, "n_frames", 1) > 1:
            notes.append(f"the first of {image.n_frames} frames is used")  # type: ignore[attr-defined]
            image.seek(0)
        if image.mode[0] not in "IF" and ";16" in str(getattr(image, "tile", "")):
            notes.append("16 bits a channel were reduced to 8")  # Pillow does so while loading
        image.load()
        upright = _turn_upright(image, notes)
        converted = _to_eight_bit_colour(upright, notes)
    except Exception as error:  # see _open: broken pixel data fails in as many ways
        raise InvalidImage(field, f"{image.format or 'image'} {image.width}x{image.height}", f"a whole picture: {error}") from error
    infotext, items = read_infotext(image)
    converted.info.clear()  # results must not inherit GPS positions, comments or an orientation already applied
    info = items if infotext is None else {**items, "parameters": infotext}
    profile = _rgb_profile(image)
    if profile is not None:
        converted.info["icc_profile"] = profile
    return Picture(converted, tuple(notes), info, profile)


def _turn_upright(image: Image.Image, notes: list[str]) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        upright = ImageOps.exif_transpose(image) if orientation in range(2, 9) else image
    except _EXIF_ERRORS:
        notes.append("damaged EXIF data was ignored")
        return image
    if upright is not image:
        notes.append(f"turned upright (EXIF orientation {orientation})")
    return upright


def _to_eight_bit_colour(image: Image.Image, notes: list[str]) -> Image.Image:
    """RGB, or RGBA for whatever has transparency; always a new image."""
    mode = image.mode
    if mode in ("RGB", "RGBA") and "transparency" not in image.info:
        return image.copy()
    if mode.startswith("I") or mode == "F":
        notes.append(f"{'32' if mode in 'IF' else '16'}-bit grey was reduced to 8 bits")
        return _reduce_depth(image).convert("RGB")
    target = "RGBA" if image.has_transparency_data else "RGB"
    if mode not in ("1", "L", "RGB"):
        words = {"P": "palette", "PA": "palette", "LA": "grey with alpha", "La": "grey with alpha", "RGBX": "padded RGB"}
        notes.append(f"{words.get(mode, mode)} was converted to {target}")
    if mode == "La":
        image = image.convert("LA")
    if mode == "RGBa":
        target = "RGBA"
    return image.convert(target)


def _reduce_depth(image: Image.Image) -> Image.Image:
    """Grey of 16 bits, 32 bits or floating point to L; 32-bit files that hold small numbers are taken at their word."""
    values = np.asarray(image).astype(np.float64)
    values = np.nan_to_num(values, posinf=values[np.isfinite(values)].max(initial=0), neginf=0.0)
    peak = values.max(initial=0)
    if image.mode == "F":
        values = values * 255 if peak <= 1 else values
    elif image.mode.startswith("I;16") or peak > 255:
        values = values / 257 if peak <= 65535 else values / peak * 255
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _rgb_profile(image: Image.Image) -> bytes | None:
    """The embedded ICC profile if it describes RGB (bytes 16-19 of its header, ICC.1:2022 table 17)."""
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile[16:20] == b"RGB " else None
