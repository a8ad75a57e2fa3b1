"""One known model onto the disk: resumable, checked against its sums, and put in its place only when it is whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from modules.backends.known_models import KnownModel
from modules.base.errors import DownloadFailed, SaveFailed
from modules.base.folder_lock import FolderInUse, FolderLock
from modules.base.paths import contain

if TYPE_CHECKING:
    from modules.runtime.downloads.hub import Hub, RemoteFile

STAGING = ".fetching"
"""Folder beside the models, where files grow; catalogues leave hidden folders out."""
SPARE_BYTES = 256 << 20
GB = 1_000_000_000
_CHUNK = 1 << 20


class Stopped(Exception):
    """Somebody asked to stop; what came stays, and the next call goes on from there."""


class Watch(Protocol):
    """Who waits."""

    def tell(self, done: int, total: int, doing: str) -> None:
        """`done` of `total` bytes are here; `doing` is "fetching" or "checking"."""
        ...

    def is_interrupted(self) -> bool:
        """Whether to stop."""
        ...


def place_of(model: KnownModel, models: Path) -> Path:
    """Where a model lies, or will."""
    return models / model.folder / model.name


def is_there(model: KnownModel, models: Path) -> bool:
    """Whether something of that name is in its place; nobody but this module puts half a file there."""
    return place_of(model, models).exists()


def begun_bytes(model: KnownModel, models: Path) -> int:
    """What an interrupted fetch has left."""
    folder = _staging(model, models)
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else 0


def fetch_model(model: KnownModel, models: Path, hub: Hub, watch: Watch) -> str:
    """Fetch a model that is not there yet.

    Args:
        models: The folder with `Stable-diffusion`, `Layered` ...

    Returns:
        The sha256 of a single file; "" for a folder, or where the model was there already.

    Raises:
        DownloadFailed: The hub cannot be reached or has another file, or what came is damaged.
        SaveFailed: Too little room, or no permission.
        Stopped: `watch` asked for it.
    """
    target, staging = place_of(model, models), _staging(model, models)
    if target.exists():
        return ""
    files = hub.list_files(model)
    try:
        staging.mkdir(parents=True, exist_ok=True)
        with FolderLock(staging.with_name(f"{staging.name}.lock"), staging, f"fetching {model.name}"):
            _drop_others(staging, files)
            _check_room(model, staging, files)
            _fetch_all(model, staging, files, hub, watch)
            os.replace(staging if model.is_folder else staging / files[0].path, target)
            shutil.rmtree(staging, ignore_errors=True)
    except FolderInUse as error:
        raise DownloadFailed(f"{model.name} is being fetched already, by another program or job; wait for that one") from error
    except OSError as error:
        raise SaveFailed(f"{model.name} cannot be kept in {target.parent}: {error.strerror or error}") from error
    return files[0].sha256 if not model.is_folder else ""


def _fetch_all(model: KnownModel, staging: Path, files: Sequence[RemoteFile], hub: Hub, watch: Watch) -> None:
    total, done = sum(file.size for file in files), 0
    for file in files:
        whole, part = contain(staging, file.path), _part(staging, file)
        if whole.is_file():  # checked before it got this name
            done += file.size
            continue
        count = _Count(done + (part.stat().st_size if part.is_file() else 0), total, watch)
        count.add(0)
        hub.fetch(model.repo, file, part, count.add)
        _check(file, part, watch, done, total)
        whole.parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, whole)
        done += file.size
    watch.tell(total, total, "checking")


@dataclass
class _Count:
    """Bytes that are here."""

    done: int
    total: int
    watch: Watch

    def add(self, more: int) -> None:
        self.done += more
        if self.watch.is_interrupted():
            raise Stopped
        self.watch.tell(self.done, self.total, "fetching")


def _check(file: RemoteFile, part: Path, watch: Watch, before: int, total: int) -> None:
    """Compare a whole file with the hub's sum; one that differs is removed, for it cannot be gone on with."""
    if part.stat().st_size == file.size:
        digest = hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
        with part.open("rb") as data:
            while chunk := data.read(_CHUNK):
                digest.update(chunk)
                if watch.is_interrupted():
                    raise Stopped
        watch.tell(before + file.size, total, "checking")
        if digest.hexdigest() == (file.sha256 or file.git_sha1):
            return
    part.unlink(missing_ok=True)
    raise DownloadFailed(f"{file.path} arrived damaged (its sum is not the hub's), and was removed; fetch it again")


def _check_room(model: KnownModel, staging: Path, files: Sequence[RemoteFile]) -> None:
    wanted = sum(file.size for file in files) - sum(file.stat().st_size for file in staging.rglob("*") if file.is_file())
    free = shutil.disk_usage(staging).free
    if wanted + SPARE_BYTES > free:
        needed, left = (wanted + SPARE_BYTES) / GB, free / GB
        raise SaveFailed(f"{model.name} needs {needed:.1f} GB more, and {staging.parent.parent} has {left:.1f} GB left; make room first")


def _drop_others(staging: Path, files: Sequence[RemoteFile]) -> None:
    """What an earlier state of the repository has left is of no use."""
    kept = {path for file in files for path in (contain(staging, file.path), _part(staging, file))}
    for path in list(staging.rglob("*")):
        if path.is_file() and path not in kept:
            path.unlink(missing_ok=True)


def _part(staging: Path, file: RemoteFile) -> Path:
    """Where a file grows; the name tells which version of it."""
    return contain(staging, f"{file.path}.{(file.sha256 or file.git_sha1)[:16]}.part")


def _staging(model: KnownModel, models: Path) -> Path:
    return (models / model.folder / STAGING / model.name).resolve()
