"""ZIP files and folders from strangers: nothing is unpacked, names are judged first, sizes before bytes."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Protocol

from modules.base.errors import InvalidRequest

MAX_ENTRIES = 8000
MAX_ENTRY_BYTES = 1 << 30
MAX_TOTAL_BYTES = 4 << 30
MAX_RATIO = 2000
"""Unpacked to packed bytes of an entry over 16 MiB: deflate gives at most 1,032, other packings are not used for pictures."""
FREE_BYTES = 16 << 20
MAX_TEXT_BYTES = 64 << 20


class Files(Protocol):
    """Named files, wherever they lie."""

    @property
    def names(self) -> list[str]:
        """Of all files, with `/` between folders, in the container's order."""
        ...

    def read(self, name: str, limit: int = MAX_ENTRY_BYTES) -> bytes:
        """Raises `InvalidRequest`: not there, damaged, or of more than `limit` bytes."""
        ...


class ZipFiles:
    """Entries of a ZIP file.

    Args:
        data: The file's bytes, or its path.
        file_name: For errors.

    Raises:
        InvalidRequest: No ZIP file, too many or too large entries, names that climb out or appear twice.
    """

    def __init__(self, data: bytes | Path, file_name: str) -> None:
        self.file_name = file_name
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise InvalidRequest(file_name, str(error), "a whole ZIP file") from error
        infos = [info for info in self._archive.infolist() if not info.is_dir()]
        _check_count(len(infos), file_name)
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            _check_name(info.filename, file_name)
            if info.filename in self._infos:
                raise InvalidRequest(file_name, f"two entries {info.filename}", "entries of different names")
            _check_size(info, file_name)
            self._infos[info.filename] = info
        if sum(info.file_size for info in infos) > MAX_TOTAL_BYTES:
            raise InvalidRequest(file_name, "entries that unpack to more", f"at most {MAX_TOTAL_BYTES >> 30} GiB together")

    @property
    def names(self) -> list[str]:
        return list(self._infos)

    def read(self, name: str, limit: int = MAX_ENTRY_BYTES) -> bytes:
        info = self._infos.get(name)
        if info is None:
            raise InvalidRequest(self.file_name, f"no entry {name}", "a file with all the entries that it names")
        if info.file_size > limit:
            raise InvalidRequest(name, f"{info.file_size} bytes", f"at most {limit}")
        try:
            data = self._archive.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
            raise InvalidRequest(name, str(error), "an entry that can be unpacked") from error
        return data


class FolderFiles:
    """Files of a folder and the folders in it; links that lead out of it are refused.

    Raises:
        InvalidRequest: No folder, or too many files.
    """

    def __init__(self, folder: Path) -> None:
        self.file_name = folder.name
        self._folder = folder.resolve()
        if not self._folder.is_dir():
            raise InvalidRequest("folder", str(folder), "a folder that exists")
        paths: list[Path] = []
        for path in self._folder.rglob("*"):
            _check_count(len(paths), self.file_name)
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(self._folder).parts):
                paths.append(path)
        self._paths = {path.relative_to(self._folder).as_posix(): path for path in sorted(paths)}

    @property
    def names(self) -> list[str]:
        return list(self._paths)

    def read(self, name: str, limit: int = MAX_ENTRY_BYTES) -> bytes:
        path = self._paths.get(name)
        if path is None:
            raise InvalidRequest(self.file_name, f"no file {name}", "a folder with all the files that it names")
        if not path.resolve().is_relative_to(self._folder):
            raise InvalidRequest(name, "a link out of the folder", "files that lie in the folder")
        try:
            if path.stat().st_size > limit:
                raise InvalidRequest(name, f"{path.stat().st_size} bytes", f"at most {limit}")
            return path.read_bytes()
        except OSError as error:
            raise InvalidRequest(name, error.strerror or str(error), "a file that can be read") from error


def _check_count(count: int, file_name: str) -> None:
    if count > MAX_ENTRIES:
        raise InvalidRequest(file_name, f"more than {MAX_ENTRIES} files", "a document of at most 1000 layers")


def _check_name(name: str, file_name: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or parts[0].startswith("/") or ".." in parts or ":" in parts[0] or "\0" in name:
        raise InvalidRequest(file_name, f"an entry {name}", "entries whose paths stay inside")


def _check_size(info: zipfile.ZipInfo, file_name: str) -> None:
    if info.flag_bits & 1:
        raise InvalidRequest(file_name, f"{info.filename} behind a password", "entries that are not encrypted")
    if info.file_size > MAX_ENTRY_BYTES:
        raise InvalidRequest(info.filename, f"{info.file_size} bytes unpacked", f"at most {MAX_ENTRY_BYTES}")
    if info.file_size > FREE_BYTES and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise InvalidRequest(info.filename, f"{info.compress_size} bytes that unpack to {info.file_size}", "an entry packed in earnest")
