"""The list of checkpoints on disk: found, recognised from their headers, named as A1111 names them. No weights are read."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modules.backends import diffusers_folder
from modules.backends.hashes import HashCache, hash_file
from modules.backends.header import read_header
from modules.backends.ldm_yaml import read_ldm_yaml
from modules.backends.recognise import Recognition, recognise
from modules.base.errors import BrokenCheckpoint, UnknownName
from modules.engine.model import ModelKind, Prediction

log = logging.getLogger(__name__)
BUILTIN_NAME = "pentimento-small-inpaint.safetensors"
BUILTIN_LABEL = "built-in (small)"
_HASHED_AT_ONCE = 512 << 20
_SHORTEST_HASH = 8
_PICKLES = (".ckpt",)
_GGUF = (".gguf",)
_HASH_SUFFIX = re.compile(r"\s*\[[0-9a-f]+\]$")
PICKLE_REASON = (
    "a pickle checkpoint can run code when it is opened, so it is not; convert it, inside .venv: "
    "python -c \"import sys, torch; from safetensors.torch import save_file; d = torch.load(sys.argv[1], map_location='cpu', weights_only=True); "
    "d = d.get('state_dict', d); save_file({k: v.clone() for k, v in d.items() if hasattr(v, 'dtype')}, sys.argv[2])\" "
    "old.ckpt new.safetensors"
)


@dataclass(frozen=True)
class FileStamp:
    """Size and time of change of one file, as they were when it was looked at."""

    path: Path
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        status = path.stat()
        return cls(path, status.st_size, status.st_mtime_ns)

    def has_changed(self) -> bool:
        """Whether the file is gone, or has another size or time now."""
        try:
            return FileStamp.of(self.path) != self
        except OSError:
            return True


@dataclass(frozen=True)
class CheckpointInfo:
    """One entry of the list.

    Attributes:
        path: The `.safetensors` file, or the folder of a diffusers model.
        name: Path below its models folder, "/" between folders, extension included.
        model_name: `name` without extension, "_" between folders.
        title: "name [first 10 of sha256]"; the name alone while the hash is unknown (large files are hashed when first loaded).
        sha256: Lower-case hex of the file (of a folder's UNet weights); "" while unknown.
        config: The YAML beside it; None when there is none.
        kind, latent_channels: None when they could not be recognised.
        prediction_from: Where `prediction` was read: "YAML", "metadata", "weights", "scheduler", "default".
        reason: Why `is_supported` is False, for the list; "" otherwise.
        label: The name that the page shows.
        stamps: Every file it is made of; the first one is the one that is hashed.
    """

    path: Path
    name: str
    model_name: str
    title: str
    sha256: str
    config: Path | None
    kind: ModelKind | None
    prediction: Prediction
    prediction_from: str
    latent_channels: int | None
    is_supported: bool
    reason: str
    label: str
    stamps: tuple[FileStamp, ...]

    @property
    def short_hash(self) -> str:
        return self.sha256[:10]

    @property
    def size(self) -> int:
        """Bytes of all its files together."""
        return sum(stamp.size for stamp in self.stamps)

    @property
    def mtime(self) -> float:
        """Seconds since the epoch of its last change."""
        return max((stamp.mtime_ns for stamp in self.stamps), default=0) / 1e9

    @property
    def is_folder(self) -> bool:
        """Whether it is a diffusers folder."""
        return self.path.is_dir()

    def has_changed(self) -> bool:
        """Whether one of its files was replaced, edited or removed since it was listed."""
        return any(stamp.has_changed() for stamp in self.stamps)

    def with_hash(self, sha256: str) -> CheckpointInfo:
        title = f"{self.name} [{sha256[:10]}]" if sha256 else self.name
        return replace(self, sha256=sha256, title=title)


class Catalog:
    """Checkpoints below some folders. Safe to share between threads.

    Args:
        folders: Searched in this order, links followed; missing ones are empty ones.
        cache_file: Where hashes are remembered.
    """

    def __init__(self, folders: Sequence[Path], cache_file: Path) -> None:
        self.folders = list(folders)
        self._hashes = HashCache(cache_file)
        self._lock = threading.Lock()
        self._known: dict[Path, CheckpointInfo] = {}
        self._listed: list[CheckpointInfo] = []

    def scan(self) -> list[CheckpointInfo]:
        """List what is there now, sorted by name without case; unchanged files are not opened again.

        Files up to 512 MiB are hashed on the way, once; larger ones by `hashed`, which a loader calls.
        """
        with self._lock:
            found: dict[Path, CheckpointInfo] = {}
            for folder in self.folders:
                for path in _find_candidates(folder):
                    if path.resolve() not in found:
                        found[path.resolve()] = self._describe(path, folder)
            self._known = found
            listed = self._hash_small(list(found.values()))
            self._listed = sorted(listed, key=lambda info: info.name.lower())
            return list(self._listed)

    def find(self, name: str) -> CheckpointInfo:
        """The entry that `name` means: title, label, name, file name, stem, absolute path, or the first 8 or more digits of its hash.

        Backslashes count as slashes; a "[hash]" that no longer fits is ignored. Unknown names cause one new scan.

        Raises:
            UnknownName: Nothing matches.
        """
        for listed in (self._listed, None):
            infos = self.scan() if listed is None else listed
            found = _match(infos, name)
            if found is not None:
                return found
        raise UnknownName("sd_model_checkpoint", name, [info.title for info in infos if info.is_supported])

    def hashed(self, info: CheckpointInfo) -> CheckpointInfo:
        """`info` with its hash, computed now if need be (a 4 GiB file takes seconds).

        Raises:
            BrokenCheckpoint: The file cannot be read.
        """
        if info.sha256 or not info.stamps:
            return info
        stamp = info.stamps[0]
        digest = self._hashes.get(stamp.path, stamp.size, stamp.mtime_ns)
        if not digest:
            digest = _hash_or_raise(stamp.path)
            self._hashes.put({stamp.path: (stamp.size, stamp.mtime_ns, digest)})
        result = info.with_hash(digest)
        with self._lock:
            self._listed = [result if other == info else other for other in self._listed]
        return result

    def _describe(self, path: Path, folder: Path) -> CheckpointInfo:
        before = self._known.get(path.resolve())
        config = path.with_suffix(".yaml") if path.suffix == ".safetensors" else None
        has_new_config = before is not None and before.config is None and config is not None and config.is_file()
        if before is not None and before.path == path and before.stamps and not has_new_config and not before.has_changed():
            return before
        name = path.relative_to(folder).as_posix()
        is_folder = path.is_dir()
        stamps = _stamp(diffusers_folder.list_files(path) if is_folder else [path, config])
        try:
            found = diffusers_folder.recognise_folder(path) if is_folder else _recognise_file(path, config)
        except BrokenCheckpoint as error:
            found = Recognition(reason=str(error))
        digest = self._hashes.get(stamps[0].path, stamps[0].size, stamps[0].mtime_ns) if stamps else ""
        stem = name if is_folder else name.rpartition(".")[0]
        return CheckpointInfo(
            path=path, name=name, model_name=stem.replace("/", "_"), title=name, sha256="",
            config=config if config is not None and config.is_file() else None, kind=found.kind, prediction=found.prediction,
            prediction_from=found.prediction_from, latent_channels=found.latent_channels, is_supported=not found.reason,
            reason=found.reason, label=BUILTIN_LABEL if path.name == BUILTIN_NAME else name, stamps=stamps,
        ).with_hash(digest)  # fmt: skip

    def _hash_small(self, infos: list[CheckpointInfo]) -> list[CheckpointInfo]:
        fresh: dict[Path, tuple[int, int, str]] = {}
        result = []
        for info in infos:
            stamp = info.stamps[0] if info.stamps else None
            if stamp is not None and not info.sha256 and info.is_supported and stamp.size <= _HASHED_AT_ONCE:
                try:
                    info = info.with_hash(_hash_or_raise(stamp.path))
                    fresh[stamp.path] = (stamp.size, stamp.mtime_ns, info.sha256)
                except BrokenCheckpoint as error:
                    info = replace(info, is_supported=False, reason=str(error))
            result.append(info)
            self._known[info.path.resolve()] = info
        if fresh:
            self._hashes.put(fresh)
        return result


def _stamp(files: Sequence[Path | None]) -> tuple[FileStamp, ...]:
    """Stamps of those files that are there."""
    stamps = []
    for file in files:
        try:
            if file is not None:
                stamps.append(FileStamp.of(file))
        except OSError:
            continue
    return tuple(stamps)


def _recognise_file(path: Path, config: Path | None) -> Recognition:
    if path.suffix in _PICKLES:
        return Recognition(reason=PICKLE_REASON)
    if path.suffix in _GGUF:
        return Recognition(reason="GGUF: not supported yet")
    return recognise(read_header(path), read_ldm_yaml(config if config is not None and config.is_file() else None))


def _find_candidates(folder: Path) -> Iterator[Path]:
    """Checkpoint files and diffusers folders below `folder`; hidden names, parts of folders and lone VAEs left out."""
    seen: set[Path] = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        place = Path(here)
        if place.resolve() in seen:
            folders.clear()
            continue
        seen.add(place.resolve())
        if "model_index.json" in files and place != folder:
            folders.clear()
            yield place
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            is_vae = name.endswith((".vae.safetensors", ".vae.ckpt"))
            if name.endswith((".safetensors", *_PICKLES, *_GGUF)) and not name.startswith(".") and not is_vae:
                yield place / name


def _match(infos: Sequence[CheckpointInfo], name: str) -> CheckpointInfo | None:
    wanted = name.strip().replace("\\", "/")
    bare = _HASH_SUFFIX.sub("", wanted)
    tests = (
        lambda info: info.title == wanted,
        lambda info: info.name == bare or info.label == bare,
        lambda info: bare in (info.model_name, info.name.rpartition(".")[0]),
        lambda info: bare in (info.path.name, info.path.stem, info.path.as_posix()),
        lambda info: len(wanted) >= _SHORTEST_HASH and info.sha256.startswith(wanted.lower()),
    )
    return next((info for test in tests for info in infos if test(info)), None) if bare else None


def _hash_or_raise(path: Path) -> str:
    try:
        return hash_file(path)
    except OSError as error:
        raise BrokenCheckpoint(f"{path.name} cannot be read: {error.strerror or error}") from error
