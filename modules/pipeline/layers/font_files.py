"""What a font file holds, read without trusting it: names, weights, and which characters it has."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from fontTools.ttLib import TTFont
from PIL import ImageFont

SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
SIGNATURES = {b"\x00\x01\x00\x00": ".ttf", b"true": ".ttf", b"OTTO": ".otf", b"ttcf": ".ttc"}
PACKED = (b"wOFF", b"wOF2")
OUTLINES = ("glyf", "CFF ", "CFF2")
PLAIN_STYLES = ("", "regular", "book", "roman", "normal")
MAX_FILE_BYTES = 256 << 20
MAX_FACES = 64
MAX_CODES = 0x110000
MAX_SUBTABLES = 64
FULL_UNICODE = ((3, 10), (0, 4), (0, 6))
"""Platform and encoding of tables with all of Unicode (format 12 or 13)."""

REACH_EM = 20
PROOF_PX = 32
"""Size at which a character of a new font is drawn, to see that it can be."""


class UnusableFont(Exception):
    """A font file cannot be used; the text says why."""


@dataclass(frozen=True)
class Face:
    """One style of one font file.

    Attributes:
        path, number: The file, and the face's number in a collection.
        family, style: In English where the font says so: "Noto Sans SC", "Bold".
        aliases: The family's other names, in other languages.
        weight: 100 thin to 900 black; 400 regular.
        axes: Settings of a variable font's axes, in its order; () = not variable.
        origin: "built-in", "uploaded" or "installed".
        edges: Characters it has, as code points: even places begin a range, odd places end one (exclusive).
    """

    path: Path
    number: int
    family: str
    style: str
    aliases: tuple[str, ...]
    weight: int
    is_italic: bool
    axes: tuple[float, ...]
    origin: str
    edges: Sequence[int] = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """What a person chooses: the family, and the style unless it is the plain one."""
        return self.family if self.style.casefold() in PLAIN_STYLES else f"{self.family} {self.style}"


def read_faces(path: Path, origin: str, data: bytes | None = None) -> list[Face]:
    """The faces of a font file.

    Args:
        data: The file's content where it is not on disk yet.

    Raises:
        UnusableFont: Not a font that can be used here: another format, damaged, hostile, without outlines, too large.
    """
    # fontTools says on its logger what fonts do wrong in passing; what counts is raised.
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    try:
        size = len(data) if data is not None else path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise UnusableFont(f"it has {size >> 20} MiB; up to {MAX_FILE_BYTES >> 20} MiB are read")
        head = data[:12] if data is not None else _head(path)
        faces = []
        for number in range(_face_count(head)):
            with TTFont(BytesIO(data) if data is not None else path, fontNumber=number, lazy=True) as font:
                faces += _faces_of(font, path, number, origin)
        return faces
    except UnusableFont:
        raise
    except OSError as error:
        raise UnusableFont(f"it cannot be read: {error.strerror or error}") from error
    except Exception as error:  # a hostile file can make a parser raise anything
        raise UnusableFont(f"it is damaged ({type(error).__name__})") from error


def prove(face: Face, source: Path | BytesIO) -> None:
    """Draw a character of a face, as setting text would.

    Raises:
        UnusableFont: It cannot be drawn, or reaches absurdly far.
    """
    try:
        font = ImageFont.truetype(source, PROOF_PX, index=face.number)
        if face.axes:
            font.set_variation_by_axes(list(face.axes))
        for character in _samples(face):
            if any(abs(edge) > REACH_EM * PROOF_PX for edge in font.getbbox(character)):
                raise UnusableFont("its characters are of absurd size")
            font.getmask(character)
    except UnusableFont:
        raise
    except Exception as error:  # whatever FreeType or Pillow says about it
        raise UnusableFont(f"its characters cannot be drawn ({error})") from error


def _samples(face: Face) -> Iterator[str]:
    """A few visible characters that the face claims to have."""
    wanted = [code for code in map(ord, "Ag永") if has_code(face.edges, code)]
    yield from map(chr, wanted or [code for code in face.edges[::2] if code > 32][:2])


def has_code(edges: Sequence[int], code: int) -> bool:
    """Whether a code point lies in one of the ranges; see `Face.edges`."""
    low, high = 0, len(edges)
    while low < high:
        middle = (low + high) // 2
        if edges[middle] <= code:
            low = middle + 1
        else:
            high = middle
    return low % 2 == 1


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(12)


def _face_count(head: bytes) -> int:
    if head[:4] in PACKED:
        raise UnusableFont("it is packed for the web (WOFF); unpack it to .ttf or .otf first")
    if head[:4] not in SIGNATURES or len(head) < 12:
        raise UnusableFont("it is no TrueType or OpenType font (.ttf, .otf, .ttc)")
    if head[:4] != b"ttcf":
        return 1
    count = struct.unpack(">I", head[8:12])[0]
    if not 1 <= count <= MAX_FACES:
        raise UnusableFont(f"it says that it holds {count} fonts; 1 to {MAX_FACES} are read")
    return int(count)


def _faces_of(font: TTFont, path: Path, number: int, origin: str) -> list[Face]:
    if not any(tag in font.reader for tag in OUTLINES):
        raise UnusableFont("it has no outlines (only pictures of characters)")
    names, edges = font["name"], _edges(font)
    family = (names.getBestFamilyName() or path.stem).strip()[:100]
    style = (names.getBestSubFamilyName() or "Regular").strip()[:100]
    aliases = sorted({str(entry).strip()[:100] for entry in names.names if entry.nameID in (1, 16)} - {family, ""})
    system = font.get("OS/2")
    weight = min(max(int(system.usWeightClass), 1), 1000) if system else 400
    is_italic = bool(system.fsSelection & 1) if system else False
    plain = Face(path, number, family, style, tuple(aliases), weight, is_italic, (), origin, edges)
    return _instances(font, plain) if "fvar" in font else [plain]


def _instances(font: TTFont, plain: Face) -> list[Face]:
    """The named styles of a variable font."""
    axes, found = font["fvar"].axes, []
    for instance in font["fvar"].instances[:MAX_FACES]:
        style = font["name"].getDebugName(instance.subfamilyNameID) or plain.style
        values = tuple(float(instance.coordinates.get(axis.axisTag, axis.defaultValue)) for axis in axes)
        weight = int(instance.coordinates.get("wght", plain.weight))
        family = plain.family.removesuffix(f" {plain.style}") if plain.style.casefold() not in PLAIN_STYLES else plain.family
        found.append(
            Face(
                plain.path,
                plain.number,
                family,
                style,
                tuple(alias for alias in plain.aliases if alias != family),
                weight,
                plain.is_italic or "italic" in style.casefold(),
                values,
                plain.origin,
                plain.edges,
            )
        )
    return found or [plain]


def _edges(font: TTFont) -> tuple[int, ...]:
    """The characters of a font, as ranges: out of the table's own ranges where it has them, without spelling them out."""
    ranges = _ranges(font.reader["cmap"])
    if ranges is None:
        codes = sorted(font.getBestCmap() or ())
        ranges = [(code, code + 1) for code in codes]
    edges: list[int] = []
    for first, end in ranges:
        if edges and edges[-1] >= first:
            edges[-1] = max(edges[-1], end)
        else:
            edges += [first, end]
    if not edges:
        raise UnusableFont("it names no characters (no Unicode table)")
    return tuple(edges)


def _ranges(table: bytes) -> list[tuple[int, int]] | None:
    """Ranges of the full Unicode table (OpenType, "cmap", format 12), first and end; None = the font has only older tables.

    Raises:
        UnusableFont: Tables that would fill the memory when they are spelled out.
    """
    count = struct.unpack(">H", table[2:4])[0]
    if count > MAX_SUBTABLES:
        raise UnusableFont(f"it has {count} tables of characters")
    found: list[tuple[int, int]] | None = None
    for platform, encoding, offset in struct.iter_unpack(">HHI", table[4 : 4 + 8 * count]):
        if struct.unpack(">H", table[offset : offset + 2])[0] not in (12, 13):
            continue
        groups = struct.unpack(">I", table[offset + 12 : offset + 16])[0]
        ranges = [(first, last + 1) for first, last, _ in struct.iter_unpack(">III", table[offset + 16 : offset + 16 + 12 * groups])]
        if any(end > MAX_CODES or end <= first for first, end in ranges) or sum(end - first for first, end in ranges) > MAX_CODES:
            raise UnusableFont("its table of characters names more than there are")
        if (platform, encoding) in FULL_UNICODE:
            found = sorted(ranges)
    return found
