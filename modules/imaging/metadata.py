"""Infotext inside picture files: PNG text chunk `parameters`, EXIF UserComment for JPEG, WEBP and AVIF."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from modules.base.errors import InvalidRequest

FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP", "avif": "AVIF"}
UNICODE_PREFIX = b"UNICODE\0"  # character code of an EXIF UserComment, Exif 2.32 table 9
WORKFLOW_TAGS = {"workflow": ExifTags.Base.Make, "prompt": ExifTags.Base.Model}
"""Where ComfyUI puts its graphs in a WEBP: before each text stands its name and a colon."""
MAX_JPEG_EXIF_BYTES = 65_533 - 6

_log = logging.getLogger(__name__)


def write_png(
    image: Image.Image, infotext: str | None, items: Mapping[str, str] | None = None, icc: bytes | None = None, *, compress_level: int = 6
) -> bytes:
    """Encode as PNG, the infotext in a text chunk named `parameters`.

    Args:
        image: Any mode PNG can hold.
        infotext: None writes no chunk.
        items: Further text chunks by name.
        icc: Colour profile to embed.
        compress_level: 0 to 9; 1 takes a third of the time of 6, and a tenth more room.
    """
    chunks = PngInfo()
    for key, value in {**({} if infotext is None else {"parameters": infotext}), **(items or {})}.items():
        chunks.add_text(key, _encodable(value))
    return _save(image, "PNG", {"pnginfo": chunks, "icc_profile": icc, "compress_level": compress_level})


def encode_image(
    image: Image.Image,
    fmt: str,
    infotext: str | None = None,
    *,
    quality: float = 80,
    is_lossless: bool = False,
    items: Mapping[str, str] | None = None,
    icc: bytes | None = None,
) -> bytes:
    """Encode for a file or an answer.

    Args:
        image: RGB or RGBA; JPEG drops alpha.
        fmt: png, jpg, jpeg, webp or avif, with or without a dot, in any case.
        infotext: Goes where the format keeps it; None leaves it out.
        quality: 1 to 100, for the lossy formats.
        is_lossless: WEBP only.
        items: Further PNG text chunks; of these a WEBP holds `prompt` and `workflow`, as ComfyUI writes them, other formats none.
        icc: Colour profile to embed; None = the one in `image.info`, if any.

    Raises:
        InvalidRequest: Unknown format, or a picture larger than the format can hold.
    """
    kind = FORMATS.get(fmt.lower().lstrip("."))
    if kind is None:
        raise InvalidRequest("samples_format", fmt, "one of " + ", ".join(FORMATS))
    limit = {"JPEG": 65_500, "WEBP": 16_383, "AVIF": 65_536}.get(kind)
    if limit is not None and max(image.size) > limit:
        raise InvalidRequest("samples_format", f"{fmt} for {image.width}x{image.height}", f"png; {kind} ends at {limit} px a side")
    icc = image.info.get("icc_profile") if icc is None else icc
    if kind == "PNG":
        return write_png(image, infotext, items, icc)
    options: dict[str, object] = {"quality": round(quality), "icc_profile": icc}
    if kind == "WEBP":
        options |= {"lossless": is_lossless, "exact": is_lossless}
    graphs = {name: (items or {})[name] for name in WORKFLOW_TAGS if kind == "WEBP" and name in (items or {})}
    if infotext is not None or graphs:
        exif = _write_exif(infotext, graphs)
        if kind == "JPEG" and len(exif) > MAX_JPEG_EXIF_BYTES:
            _log.warning("the infotext has %d bytes, more than a JPEG can hold; saved without it (PNG has no such limit)", len(exif))
        else:
            options["exif"] = exif
    return _save(image.convert("RGB") if kind == "JPEG" or image.mode not in ("RGB", "RGBA") else image, kind, options)


def keep_profile(source: Image.Image, result: Image.Image) -> Image.Image:
    """`result`, marked with the colour profile of the picture that it was made of: the same numbers are the same colours only then."""
    if "icc_profile" in source.info:
        result.info["icc_profile"] = source.info["icc_profile"]
    return result


def read_infotext(image: Image.Image) -> tuple[str | None, dict[str, str]]:
    """The infotext of an opened picture, and all other text found in it.

    Args:
        image: As Pillow opened it; PNG chunks behind the pixels count once it was loaded.

    Returns:
        The infotext, or None; the remaining texts by name.
    """
    items = {str(key): text for key, value in image.info.items() if (text := _as_text(key, value)) is not None}
    infotext = items.pop("parameters", None)
    if infotext is None:
        infotext = _read_user_comment(image)
    comment = items.get("comment")
    if infotext is None and comment is not None and "Steps: " in comment:
        infotext = items.pop("comment")
    return infotext, items


def _save(image: Image.Image, kind: str, options: dict[str, object]) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _encodable(text: str) -> str:
    """Lone surrogates (half an emoji, cut by some editor) cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _write_exif(infotext: str | None, graphs: Mapping[str, str]) -> bytes:
    """An EXIF block: the infotext as UserComment, UTF-16 big-endian as A1111 and piexif write it; ComfyUI's graphs where it has them."""
    exif = Image.Exif()
    for name, text in graphs.items():
        exif[WORKFLOW_TAGS[name]] = f"{name}:{_encodable(text)}"
    if infotext is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = UNICODE_PREFIX + _encodable(infotext).encode("utf-16-be")
    return exif.tobytes()


def _read_user_comment(image: Image.Image) -> str | None:
    try:
        value = image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    except Exception:  # EXIF of unknown origin; a damaged block is no reason to refuse the picture
        return None
    if isinstance(value, str):
        return value or None
    if not isinstance(value, bytes) or len(value) <= 8:
        return None
    code, body = value[:8], value[8:]
    if code != UNICODE_PREFIX:
        return body.decode("utf-8", "replace").strip("\0 ") or None
    # The standard leaves the byte order open; text of this kind is mostly ASCII, so the zero bytes give it away.
    order = "utf-16-be" if body[0::2].count(0) >= body[1::2].count(0) else "utf-16-le"
    return body.decode(order, "replace").strip("\0") or None


def _as_text(key: object, value: object) -> str | None:
    if isinstance(value, str):
        return str(value)  # PNG chunks are a subclass with a language tag
    return value.decode("utf-8", "replace") if key == "comment" and isinstance(value, bytes) else None
