"""The folders that workflows name pictures in: `input/`, what workflows saved, and what they only showed.

With logins each person has folders of their own inside these; pictures that lie right in `input/` are everybody's to read.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from modules.base.errors import InvalidRequest, UnknownName, UnsafePath
from modules.base.files import write_atomically
from modules.base.paths import Paths, contain
from modules.imaging.naming import sanitize_part
from modules.imaging.picture import open_picture
from modules.imaging.saving import write_new
from modules.runtime.store import AssetStore

INPUT, OUTPUT, TEMPORARY = "input", "output", "temp"
KINDS = (INPUT, OUTPUT, TEMPORARY)
KEPT = "pentimento"
"""Folder of names such as `pentimento/0123456789abcdef.png`: pictures of the store, by the beginning of their ids."""
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".ppm", ".tga", ".jp2", ".ico"})
MAX_LISTED = 5000
MAX_NAME_CHARS = 1000
_ANNOTATED = re.compile(r"^(?P<name>.*?)\s*\[(?P<kind>input|output|temp)\]\s*$", re.DOTALL)
_KEPT_NAME = re.compile(rf"{KEPT}/([0-9a-f]{{16,64}})\.\w+")
_PERSON = "@"


@dataclass(frozen=True)
class FileName:
    """A picture file as ComfyUI's API names it.

    Attributes:
        filename: Without folders.
        subfolder: With forward slashes; "" = none.
        type: "input", "output" or "temp".
    """

    filename: str
    subfolder: str = ""
    type: str = INPUT

    @property
    def path(self) -> str:
        """As a widget holds it: subfolder and name."""
        return f"{self.subfolder}/{self.filename}" if self.subfolder else self.filename


def split_annotation(name: str) -> tuple[str, str]:
    """A widget's value without " [input]", " [output]" or " [temp]" at its end, and which folder that means."""
    match = _ANNOTATED.match(name)
    return (match["name"], match["kind"]) if match else (name, INPUT)


class PictureFolders:
    """Pictures by the names that workflows have for them.

    Args:
        store: Has the pictures below `pentimento/`.
    """

    def __init__(self, paths: Paths, store: AssetStore) -> None:
        self._store = store
        self._roots = {INPUT: paths.inputs, OUTPUT: paths.outputs / "workflows", TEMPORARY: paths.cache / "workflows" / "temp"}

    def folder(self, kind: str, user: str | None = None) -> Path:
        """Where a person's files of a kind are.

        Raises:
            InvalidRequest: There is no such kind.
        """
        if kind not in self._roots:
            raise InvalidRequest("type", kind, "one of " + ", ".join(KINDS))
        return self._roots[kind] if user is None else self._roots[kind] / (_PERSON + quote(user, safe=""))

    def subfolder(self, kind: str, name: str, user: str | None = None) -> tuple[Path, str]:
        """A folder to write into, and its name as files there have it ("" = the kind's own).

        Raises:
            InvalidRequest: There is no such kind.
            UnsafePath: The name leads out of the kind's folder, or into that of a person.
        """
        folder = contain(root := self.folder(kind, user), check_name(name))
        if user is None and _is_personal(str(folder.relative_to(root.resolve()))):
            raise UnsafePath(f"{name!r} is a person's own folder; choose another name")
        return folder, "" if folder == root.resolve() else folder.relative_to(root.resolve()).as_posix()

    def find(self, name: str, user: str | None = None) -> Path:
        """The file that a widget's value means, with its suffix " [output]" or the like.

        Raises:
            UnknownName: There is none.
            UnsafePath: The name leads out of the folder.
        """
        plain, kind = split_annotation(name)
        kept = _KEPT_NAME.fullmatch(plain) if kind == INPUT else None
        if kept is not None and (asset := self._store.find_by_prefix(kept[1])) is not None:
            return self._store.path(asset)
        return self.locate(plain, kind, user)

    def find_file(self, file: FileName, user: str | None = None) -> Path:
        """As `find`, by what ComfyUI's API says; a name may have its folder at its end all the same.

        Raises:
            InvalidRequest: There is no such kind.
        """
        plain, annotated = split_annotation(file.filename)
        kind = file.type if plain == file.filename else annotated
        self.folder(kind, user)
        return self.find(f"{FileName(plain, file.subfolder).path} [{kind}]", user)

    def locate(self, name: str, kind: str = INPUT, user: str | None = None) -> Path:
        """The file of a plain name in a kind's folder; errors as `find`, and `InvalidRequest` for an unknown kind."""
        places = [self.folder(kind, user)]
        if kind == INPUT and user is not None and not _is_personal(name):
            places.append(self.folder(kind))
        for place in places:
            path = contain(place, check_name(name))
            if user is None and _is_personal(str(path.relative_to(place.resolve()))):
                break
            if path.is_file():
                return path
        raise UnknownName("image", name, [])

    def name_of(self, path: Path, user: str | None = None) -> FileName | None:
        """What a saved result is called; None where it is none of a person's."""
        root = self.folder(OUTPUT, user).resolve()
        if not path.resolve().is_relative_to(root):
            return None
        place = path.resolve().relative_to(root)
        return FileName(place.name, "" if place.parent == Path() else place.parent.as_posix(), OUTPUT)

    def read(self, name: str, user: str | None = None) -> bytes:
        """The bytes of a picture; errors as `find`."""
        try:
            return self.find(name, user).read_bytes()
        except OSError as error:
            raise UnknownName("image", name, []) from error

    def has(self, name: str, user: str | None = None) -> bool:
        """Whether `find` finds it."""
        try:
            return bool(self.find(name, user))
        except (UnknownName, UnsafePath, InvalidRequest):
            return False

    def put(self, name: str, source: Path, user: str | None = None) -> None:
        """Give a picture the name that a workflow has for it; one that has it already stays, and so does a name that is none."""
        plain, kind = split_annotation(name)
        if kind != INPUT or self.has(name, user):
            return
        subfolder, _, filename = plain.replace("\\", "/").rpartition("/")
        with suppress(InvalidRequest, UnsafePath):
            self.add(source.read_bytes(), filename, subfolder, user=user)

    def names(self, user: str | None = None, kind: str = INPUT) -> list[str]:
        """Pictures of a kind's folder, as a widget lists them; the first `MAX_LISTED` by name."""
        shared = [self.folder(kind)] if user is None or kind == INPUT else []
        places = shared if user is None else [*shared, self.folder(kind, user)]
        found = {name for place in places for name in itertools.islice(_list(place), MAX_LISTED)}
        return sorted(found, key=str.casefold)[:MAX_LISTED]

    def add(
        self, data: bytes, filename: str, subfolder: str = "", kind: str = INPUT, *, replaces: bool = False, user: str | None = None
    ) -> FileName:
        """Keep an uploaded picture; equal content of the same name is kept once, other content becomes "name (1).png".

        Args:
            replaces: Write over what has that name.

        Raises:
            InvalidImage: It is no picture.
            InvalidRequest: The name cannot be one, or the kind is unknown.
            UnsafePath: It leads out of the folder.
            SaveFailed: It cannot be written.
        """
        open_picture(data, "image")
        name = check_file_name(filename)
        folder, where = self.subfolder(kind, subfolder, user)
        stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
        if replaces:
            write_atomically(contain(folder, name), data)
            return FileName(name, where, kind)
        for candidate in itertools.chain([name], (f"{stem} ({number}){suffix}" for number in range(1, 10_000))):
            path = contain(folder, candidate)
            if not path.exists():
                name = write_new(folder, iter([candidate, *(f"{stem} ({number}){suffix}" for number in range(1, 10_000))]), data).name
                return FileName(name, where, kind)
            if path.is_file() and _digest(path) == hashlib.sha256(data).hexdigest():
                return FileName(candidate, where, kind)
        raise InvalidRequest("image", filename, "a file name that is not taken ten thousand times")


def check_name(name: str) -> str:
    """A relative path with forward slashes.

    Raises:
        UnsafePath: It has control characters, a drive or is too long for any file.
    """
    plain = name.replace("\\", "/")
    if len(plain) > MAX_NAME_CHARS or any(ord(sign) < 32 for sign in plain) or ":" in plain:
        raise UnsafePath(f"{name[:80]!r} is no name of a file inside the folder")
    if plain.startswith(("/", "~")) or ".." in plain.split("/"):
        raise UnsafePath(f"{name[:80]!r} leaves the folder; give a path inside it")
    return plain


def check_file_name(name: str) -> str:
    """An uploaded picture's name, without folders, that every system takes.

    Raises:
        InvalidRequest: It is empty, or does not end as pictures do.
        UnsafePath: As `check_name`.
    """
    plain = check_name(name)
    stem, suffix = PurePosixPath(plain).stem, PurePosixPath(plain).suffix
    if not plain.strip() or "/" in plain or suffix.lower() not in SUFFIXES:
        raise InvalidRequest("image", name, "a file name without folders that ends as pictures do: .png, .jpg, .webp ...")
    return (sanitize_part(stem) or "picture") + suffix


def _is_personal(path: str) -> bool:
    return path.startswith(_PERSON)


def _list(folder: Path) -> Iterator[str]:
    """Pictures below a folder, not those of persons and not hidden ones."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        place = path.relative_to(folder)
        if place.parts[0].startswith(_PERSON) or any(part.startswith(".") for part in place.parts):
            continue
        if path.suffix.lower() in SUFFIXES and path.is_file():
            yield place.as_posix()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
