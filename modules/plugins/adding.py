"""Extensions come and go: copied from a folder or a zip file, cloned by the person's own git, put aside when removed."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from modules.base.errors import InvalidRequest, PentimentoError, SaveFailed, UnknownName
from modules.base.paths import Paths, contain
from modules.plugins.extensions import Extension

NAME = re.compile(r"\w[\w.+ -]{0,99}")
GIT_ADDRESS = re.compile(r"(?:https?|ssh|git|file)://\S+|[\w.-]+@[\w.-]+:\S+")
SIGNS = ("scripts", "javascript", "localizations", "install.py", "preload.py", "style.css", "metadata.ini", "html")
"""What an extension has at least one of."""
LEFT_OUT = frozenset({"__pycache__", ".deps", ".deps.building", ".deps.log"})
MOST_BYTES, MOST_FILES = 4 << 30, 50_000
GIT_TIMEOUT_S = 600
SOURCE = "source"


def is_git_address(source: str) -> bool:
    """Whether git, and not this disk, is to be asked; a path is none, and neither are git's `ext::` commands."""
    return GIT_ADDRESS.fullmatch(source.strip()) is not None


def add_extension(source: str, paths: Paths, name: str = "") -> Path:
    """Bring an extension into `extensions/`; nothing of it is run.

    Args:
        source: A folder, a zip file, or an address for git.
        name: Of the new folder; empty = the source's.

    Returns:
        The new folder.

    Raises:
        InvalidRequest: The source is no extension, holds links that lead out of it, or the name is taken.
        SaveFailed: It cannot be copied.
    """
    source = source.strip()
    fetch, found = _choose(source)
    name = name.strip() or found
    if not NAME.fullmatch(name) or name in LEFT_OUT:
        raise InvalidRequest("name", name, "a plain folder name, without slashes")
    target = paths.extensions / name
    if os.path.lexists(target):
        raise InvalidRequest(SOURCE, source, f"another name than {name!r}: there is an extension of that name already")
    adding = paths.extensions / f".adding-{os.getpid()}-{name}"
    try:
        shutil.rmtree(adding, ignore_errors=True)
        adding.parent.mkdir(parents=True, exist_ok=True)
        fetch(adding)
        _check_is_extension(adding, source)
        adding.rename(target)
    except OSError as error:
        raise SaveFailed(f"{source} cannot be copied to {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(adding, ignore_errors=True)
    return target


def remove_extension(extension: Extension, paths: Paths) -> Path | None:
    """Take an extension away: its folder is moved to `cache/removed-extensions`, a link is only unlinked (None is returned).

    Raises:
        InvalidRequest: It is one of the program's own.
        SaveFailed: It cannot be moved.
    """
    if extension.is_builtin:
        raise InvalidRequest("name", extension.name, "an extension of the folder extensions; a built-in one can be disabled")
    aside = paths.cache / "removed-extensions" / f"{extension.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    try:
        if extension.path.is_symlink():
            extension.path.unlink()
            return None
        aside.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(extension.path, aside)
    except OSError as error:
        raise SaveFailed(f"{extension.path} cannot be moved: {error.strerror or error}") from error
    return aside


def pick_extension(extensions: list[Extension], name: str) -> Extension:
    """The one with this folder name. Raises `UnknownName`."""
    for extension in extensions:
        if extension.name == name.strip():
            return extension
    raise UnknownName("name", name, [extension.name for extension in extensions])


def switch(disabled: tuple[str, ...], name: str, *, is_on: bool) -> list[str]:
    """The option `disabled_extensions` with one extension switched on or off."""
    return [other for other in disabled if other != name] + ([] if is_on else [name])


def _choose(source: str) -> tuple[Callable[[Path], None], str]:
    """How to fetch the source, and what its folder would be called."""
    if is_git_address(source):
        last = re.split(r"[/:]", urlsplit(source).path if "://" in source else source)
        words = [word for word in last if word]
        return lambda target: _clone(source, target), words[-1].removesuffix(".git") if words else ""
    try:
        path = Path(source).expanduser()
        is_folder, is_zip = path.is_dir() and bool(source), path.is_file() and zipfile.is_zipfile(path)
    except (OSError, RuntimeError):  # a name that is too long, ~ of nobody
        is_folder = is_zip = False
    if is_folder:
        return lambda target: _copy_folder(path.resolve(), target), path.resolve().name
    if is_zip:
        return lambda target: _unpack(path, target), path.stem
    raise InvalidRequest(SOURCE, source, "a folder or zip file that is there, or an address for git")


def _clone(address: str, target: Path) -> None:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file"}
    command = ["git", "clone", "--quiet", "--", address, str(target)]
    try:
        result = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=False
        )
    except FileNotFoundError:
        raise PentimentoError("git is not installed: install it, or add the extension from a folder or zip file") from None
    except subprocess.TimeoutExpired:
        raise PentimentoError(f"git did not fetch {address} within {GIT_TIMEOUT_S // 60} minutes") from None
    if result.returncode != 0:
        said = [line for line in result.stderr.splitlines() if line.strip()]
        raise PentimentoError(f"git could not fetch {address}: {said[-1] if said else 'it gave no reason'}")
    _check_links(target)


def _copy_folder(source: Path, target: Path) -> None:
    if target.resolve().is_relative_to(source):
        raise InvalidRequest(SOURCE, str(source), "a folder that does not hold the folder extensions itself")
    files = _check_links(source)
    if files > MOST_FILES:
        raise InvalidRequest(SOURCE, str(source), f"a folder of at most {MOST_FILES} files")

    def leave_out(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name in LEFT_OUT or not _is_plain(Path(folder) / name)]

    shutil.copytree(source, target, ignore=leave_out)


def _check_links(folder: Path) -> int:
    """The number of files. Raises `InvalidRequest` for a link that leads out of the folder, or to a folder."""
    count = 0
    for path in _walk(folder):
        count += 1
        if path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(folder.resolve())):
            raise InvalidRequest(SOURCE, str(path.relative_to(folder)), "no links that lead to folders or out of the extension")
    return count


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        yield from (Path(place) / name for name in [*folders, *files])


def _is_plain(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _unpack(file: Path, target: Path) -> None:
    """Unpack a zip file; a single folder around everything is left out."""
    with zipfile.ZipFile(file) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise InvalidRequest(SOURCE, file.name, f"at most {MOST_FILES} files and {MOST_BYTES >> 30} GiB")
        if any(stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG) for entry in entries):
            raise InvalidRequest(SOURCE, file.name, "a zip file of plain files, without links")
        parts = [PurePosixPath(entry.filename.replace("\\", "/")).parts for entry in entries]
        around = len({words[0] for words in parts}) == 1 and all(len(words) > 1 for words in parts) and parts[0][0] not in SIGNS
        target.mkdir()
        for entry, words in zip(entries, parts, strict=True):
            path = contain(target, str(PurePosixPath(*words[1:] if around else words)))
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with archive.open(entry) as packed, path.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)
            except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
                raise InvalidRequest(SOURCE, file.name, f"a whole, unlocked zip file ({error})") from error


def _check_is_extension(folder: Path, source: str) -> None:
    if not any((folder / sign).exists() for sign in SIGNS):
        raise InvalidRequest(SOURCE, source, "an extension, which has one of: " + ", ".join(SIGNS))
