"""The fonts that text can be set in: the built-in one, uploaded ones, and those of the system."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import ImageFont

from modules.base.errors import InvalidRequest, SaveFailed
from modules.base.files import write_atomically
from modules.base.paths import Paths
from modules.pipeline.layers.font_files import SIGNATURES, SUFFIXES, Face, UnusableFont, has_code, prove, read_faces

BUILT_IN, UPLOADED, INSTALLED = "built-in", "uploaded", "installed"
ORDER = (BUILT_IN, UPLOADED, INSTALLED)
MAX_UPLOAD_BYTES = 64 << 20
MAX_OPENED = 256
CACHE_VERSION = 1
STYLE_WORDS = {
    "thin": 100,
    "hairline": 100,
    "extralight": 200,
    "ultralight": 200,
    "light": 300,
    "demilight": 350,
    "medium": 500,
    "semibold": 600,
    "demibold": 600,
    "extrabold": 800,
    "ultrabold": 800,
    "bold": 700,
    "black": 900,
    "heavy": 900,
}
SERIF_WORDS = ("serif", "song", "ming", "times", "roman", "georgia", "garamond", "palatino", "cambria", "宋", "明")
MONO_WORDS = ("mono", "courier", "consolas", "typewriter", "menlo", "code")
NARROW_WORDS = ("condensed", "narrow", "compressed")
OTHER_REGIONS = ("hk", "jp", "kr", "tc")
"""Fonts whose Chinese characters have the forms of other places; behind those of the mainland where nobody chose."""

STAND_INS = {
    "arial": "liberationsans",
    "helvetica": "liberationsans",
    "timesnewroman": "liberationserif",
    "times": "liberationserif",
    "couriernew": "liberationmono",
    "courier": "liberationmono",
    "simhei": "notosanssc",
    "黑体": "notosanssc",
    "microsoftyahei": "notosanssc",
    "微软雅黑": "notosanssc",
    "pingfangsc": "notosanssc",
    "sourcehansanssc": "notosanssc",
    "思源黑体": "notosanssc",
    "simsun": "notoserifcjksc",
    "宋体": "notoserifcjksc",
}
"""Fonts of the same widths or the same character as ones that often are not there."""


@dataclass(frozen=True)
class Choice:
    """A face for a string.

    Attributes:
        notes: What a person should know: "font-stands-in: WANTED -> TAKEN" or nothing.
    """

    face: Face
    notes: tuple[str, ...] = ()


def font_folders(paths: Paths) -> dict[str, tuple[Path, ...]]:
    """Where fonts lie, by origin."""
    return {
        BUILT_IN: (paths.builtin_models / "fonts",),
        UPLOADED: (paths.data / "fonts",),
        INSTALLED: tuple(system_folders(sys.platform, os.environ, Path.home())),
    }


def open_catalog(paths: Paths) -> FontCatalog:
    """The catalogue of one installation; nothing is read before it is asked for."""
    return FontCatalog(font_folders(paths), paths.cache / "fonts.json")


def system_folders(platform: str, environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    """The folders in which a platform keeps fonts."""
    if platform == "win32":
        yield Path(environment.get("WINDIR", r"C:\Windows")) / "Fonts"
        if local := environment.get("LOCALAPPDATA"):
            yield Path(local) / "Microsoft" / "Windows" / "Fonts"
    elif platform == "darwin":
        yield from (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts")
    else:
        shared = environment.get("XDG_DATA_DIRS") or os.pathsep.join(("/usr/local/share", "/usr/share"))
        yield from (Path(folder) / "fonts" for folder in shared.split(os.pathsep) if folder)
        yield from (home / ".local" / "share" / "fonts", home / ".fonts")


class FontCatalog:
    """All fonts that are there. Files are read once and remembered on disk; broken ones are skipped and named. Safe between threads.

    Args:
        folders: By origin ("built-in", "uploaded", "installed"); those that are not there are passed over.
        cache: A JSON file of what was read before, by each file's time and size; None = not kept.
    """

    def __init__(self, folders: Mapping[str, Sequence[Path]], cache: Path | None = None) -> None:
        self._folders, self._cache = folders, cache
        self._lock = threading.RLock()
        self._faces: list[Face] | None = None
        self._problems: dict[str, str] = {}
        self._opened: dict[tuple[Face, float], ImageFont.FreeTypeFont] = {}

    def faces(self) -> list[Face]:
        """All usable faces: built-in, then uploaded, then installed; by name within, those for other regions' characters last."""
        with self._lock:
            if self._faces is None:
                self._faces = self._read_all()
            return self._faces

    def problems(self) -> dict[str, str]:
        """File name to why that file is not used."""
        self.faces()
        return dict(self._problems)

    def refresh(self) -> None:
        """Look at the folders again when asked next."""
        with self._lock:
            self._faces = None

    def names(self) -> list[str]:
        """What a person chooses from, each once."""
        return sorted({face.name for face in self.faces()}, key=str.casefold)

    def as_json(self) -> dict[str, Any]:
        """{"fonts": [{name, family, style, weight, italic, origin, chinese, latin}], "problems": [{file, why}]}."""
        rows = {face.name: face for face in reversed(self.faces())}
        fonts = [
            {
                "name": name,
                "family": face.family,
                "style": face.style,
                "weight": face.weight,
                "italic": face.is_italic,
                "origin": face.origin,
                "chinese": has_code(face.edges, ord("的")),
                "latin": has_code(face.edges, ord("a")),
            }
            for name, face in sorted(rows.items(), key=lambda row: row[0].casefold())
        ]
        return {"fonts": fonts, "problems": [{"file": file, "why": why} for file, why in sorted(self.problems().items())]}

    def closest(self, name: str, string: str = "") -> Choice:
        """The font of that name, or the nearest to it that has the string's characters.

        Args:
            name: As `names` gives them, in any case and spacing; "" = any.

        Raises:
            InvalidRequest: No font is there at all.
        """
        wanted, faces = _key(name), self.faces()
        if not faces:
            raise InvalidRequest("font", name, "a font: none is installed; upload one, or start again with a network")
        codes = {ord(character) for character in string if not character.isspace()}
        named = [face for face in faces if wanted and wanted in (_key(face.name), _key(f"{face.family} {face.style}"))]
        named += [face for face in faces if wanted and wanted in map(_key, (face.family, *face.aliases))]
        for face in sorted(named, key=lambda face: (_key(face.name) != wanted, abs(face.weight - 400), face.is_italic)):
            if self._opens(face):
                return Choice(face)
        usable = (face for face in sorted(faces, key=lambda face: _distance(face, name, codes)) if self._opens(face))
        taken = next(usable, None)
        if taken is None:
            raise InvalidRequest("font", name, "a font that can be drawn: all that are there are damaged")
        return Choice(taken, (f"font-stands-in: {name} -> {taken.name}",) if wanted else ())

    def covering(self, character: str, like: Face) -> Face | None:
        """A face that has the character, as near to `like` in style as there is; None = no font has it."""
        code = ord(character)
        if has_code(like.edges, code):
            return like
        having = [face for face in self.faces() if has_code(face.edges, code)]
        having.sort(key=lambda face: _distance(face, like.name, {code}))
        return next((face for face in having if self._opens(face)), None)

    def open(self, face: Face, size_px: float) -> ImageFont.FreeTypeFont:
        """The face at a size, ready to draw with.

        Raises:
            OSError: The file is gone or damaged.
        """
        with self._lock:
            if (font := self._opened.get((face, size_px))) is None:
                font = ImageFont.truetype(face.path, size_px, index=face.number)
                if face.axes:
                    font.set_variation_by_axes(list(face.axes))
                if len(self._opened) >= MAX_OPENED:
                    del self._opened[next(iter(self._opened))]
                self._opened[face, size_px] = font
            return font

    def add(self, data: bytes) -> list[str]:
        """Keep a font that a person brings.

        Returns:
            The names of its faces.

        Raises:
            InvalidRequest: No font that can be used, with the reason; nothing is kept.
            SaveFailed: It could not be written.
        """
        if len(data) > MAX_UPLOAD_BYTES:
            raise InvalidRequest("font", f"{len(data) >> 20} MiB", f"a file of at most {MAX_UPLOAD_BYTES >> 20} MiB")
        folders = self._folders.get(UPLOADED, ())
        if not folders:
            raise SaveFailed("no folder for uploaded fonts")
        suffix = SIGNATURES.get(data[:4], ".ttf")
        try:
            faces = read_faces(Path(f"uploaded{suffix}"), UPLOADED, data)
            for face in faces:
                prove(face, BytesIO(data))
        except UnusableFont as error:
            raise InvalidRequest("font", f"{len(data)} bytes", f"a TrueType or OpenType font; this cannot be used: {error}") from error
        stem = re.sub(r"[^A-Za-z0-9]+", "-", faces[0].family).strip("-")[:40] or "font"
        write_atomically(folders[0] / f"{stem}-{hashlib.sha256(data).hexdigest()[:8]}{suffix}", data)
        self.refresh()
        return list(dict.fromkeys(face.name for face in faces))

    def _opens(self, face: Face) -> bool:
        """Whether the face can be drawn; one that cannot is named among the problems and not offered again."""
        try:
            self.open(face, 16)
        except (OSError, ValueError) as error:
            with self._lock:
                self._problems[face.path.name] = f"it cannot be opened ({error})"
                self._faces = [other for other in self.faces() if other.path != face.path]
            return False
        return True

    def _read_all(self) -> list[Face]:
        known, self._problems = self._read_cache(), {}
        kept: dict[str, Any] = {}
        faces: list[Face] = []
        for origin in ORDER:
            found: list[Face] = []
            for path in _font_files(self._folders.get(origin, ())):
                entry = _entry(path, origin, known.get(str(path)))
                kept[str(path)] = entry
                if "problem" in entry:
                    self._problems[path.name] = entry["problem"]
                found += [_face(path, origin, row) for row in entry["faces"]]
            faces += sorted(found, key=lambda face: (_is_special(face), face.name.casefold(), str(face.path), face.number))
        if kept != known:
            self._write_cache(kept)
        return faces

    def _read_cache(self) -> dict[str, Any]:
        try:
            stored = json.loads(self._cache.read_text(encoding="utf-8")) if self._cache else {}
            return dict(stored["files"]) if stored.get("version") == CACHE_VERSION else {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _write_cache(self, files: Mapping[str, Any]) -> None:
        if self._cache is not None:
            with contextlib.suppress(SaveFailed):  # they are read again next time
                write_atomically(self._cache, json.dumps({"version": CACHE_VERSION, "files": files}).encode())


def _font_files(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _entry(path: Path, origin: str, known: Any) -> dict[str, Any]:
    """What the cache keeps of a file: {"stamp", "faces": [...], "problem"?}."""
    try:
        stat = path.stat()
        stamp = [stat.st_mtime_ns, stat.st_size]
    except OSError as error:
        return {"stamp": [], "faces": [], "problem": f"it cannot be read: {error.strerror or error}"}
    if isinstance(known, dict) and known.get("stamp") == stamp and _is_entry(known):
        return known
    try:
        faces = read_faces(path, origin)
    except UnusableFont as error:
        return {"stamp": stamp, "faces": [], "problem": str(error)}
    return {"stamp": stamp, "faces": [_row(face) for face in faces]}


def _row(face: Face) -> list[Any]:
    shown = [face.number, face.family, face.style, list(face.aliases), face.weight, face.is_italic, list(face.axes)]
    return [*shown, list(face.edges)]


def _face(path: Path, origin: str, row: Sequence[Any]) -> Face:
    number, family, style, aliases, weight, is_italic, axes, edges = row
    return Face(path, number, family, style, tuple(aliases), weight, is_italic, tuple(axes), origin, tuple(edges))


def _is_entry(known: Mapping[str, Any]) -> bool:
    rows = known.get("faces")
    return isinstance(rows, list) and all(isinstance(row, list) and len(row) == 8 for row in rows)


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    """A name as it is compared: without case, spaces, marks, and the word for the plain style."""
    return re.sub(r"[\W_]+", "", name.casefold()).removesuffix("regular")


def _distance(face: Face, name: str, codes: set[int]) -> tuple[Any, ...]:
    """How far a face is from a name and a string; smaller is nearer."""
    wanted, own = _key(name), _key(face.name)
    bare = _bare(wanted)
    stand_in = STAND_INS.get(bare, bare)
    missing = sum(not has_code(face.edges, code) for code in codes)
    is_same_family = bool(bare) and stand_in == _key(face.family)
    return (
        missing,
        not is_same_family,
        _kind(own) != _kind(stand_in),
        ("italic" in wanted or "oblique" in wanted) != face.is_italic,
        _has(own, NARROW_WORDS) != _has(wanted, NARROW_WORDS),
        abs(_weight(wanted) - face.weight),
        _is_special(face),
        ORDER.index(face.origin),
        own,
        str(face.path),
        face.number,
    )


def _is_special(face: Face) -> bool:
    """Whether a font is for another region's forms of characters, or for formulas: not what is taken where nobody chose."""
    words = face.family.casefold().split()
    return "math" in words or bool(set(OTHER_REGIONS) & set(words))


def _weight(key: str) -> int:
    return next((weight for word, weight in STYLE_WORDS.items() if word in key), 400)


def _bare(key: str) -> str:
    """A compared name without its words of style."""
    for word in (*sorted(STYLE_WORDS, key=len, reverse=True), "italic", "oblique"):
        key = key.replace(word, "")
    return key


def is_monospaced(name: str) -> bool:
    """Whether a font's name says that its characters are equally wide."""
    return _kind(_key(name)) == "mono"


def _kind(key: str) -> str:
    if _has(key, MONO_WORDS):
        return "mono"
    return "serif" if _has(key, SERIF_WORDS) and "sans" not in key else "sans"


def _has(key: str, words: Sequence[str]) -> bool:
    return any(word in key for word in words)
