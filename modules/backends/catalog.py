"""The list of checkpoints on disk: found, recognised from their headers, named as A1111 names them. No weights are read."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

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
_CONVERT = (
    "import sys, torch; from safetensors.torch import save_file; d = torch.load(sys.argv[1], 'cpu', weights_only=True); "
    "d = d.get('state_dict', d); save_file({k: v.clone() for k, v in d.items() if hasattr(v, 'dtype')}, sys.argv[2])"
)
PICKLE_REASON = (
    "a pickle checkpoint can run code when it is opened, so it is refused; convert it, with the Python of .venv: "
    f'python -c "{_CONVERT}" old.ckpt new.safetensors'
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


def is_builtin_name(name: str) -> bool:
    """Whether a checkpoint's name, in a folder or not, is that of the one that comes with the program."""
    return PurePosixPath(name.replace("\\", "/")).name == BUILTIN_NAME


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
        hashes: Where `hashed` looks, and remembers.
        family: "Stable Diffusion 1", "Stable Diffusion 2", or "" for what is not recognised.
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
    hashes: HashCache | None = field(default=None, repr=False, compare=False)
    family: str = ""

    @property
    def is_builtin(self) -> bool:
        """Whether it is the one that comes with the program, for which presets and the seam's way are tuned."""
        return is_builtin_name(self.name)

    @property
    def short_hash(self) -> str:
        return self.sha256[:10]

    @property
    def shorthash(self) -> str:
        """The same, as A1111's scripts call it."""
        return self.sha256[:10]

    @property
    def filename(self) -> str:
        """The path as text."""
        return str(self.path)

    @property
    def name_for_extra(self) -> str:
        """File name without its ending."""
        return self.path.name if self.is_folder else self.path.stem

    @property
    def short_title(self) -> str:
        """`name_for_extra`, with the hash where it is known."""
        return f"{self.name_for_extra} [{self.shorthash}]" if self.sha256 else self.name_for_extra

    @property
    def ids(self) -> list[str]:
        """Everything that it may be called."""
        names = (self.title, self.short_title, self.name, self.model_name, self.name_for_extra, self.label, self.shorthash, self.sha256)
        return [name for name in dict.fromkeys(names) if name]

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

    def hashed(self) -> CheckpointInfo:
        """The same with its hash, which is computed now if nobody did (a 4 GiB file takes seconds), and remembered.

        Raises:
            BrokenCheckpoint: The file cannot be read.
        """
        if self.sha256 or not self.stamps:
            return self
        stamp = self.stamps[0]
        digest = self.hashes.get(stamp.path, stamp.size, stamp.mtime_ns) if self.hashes is not None else ""
        if not digest:
            digest = _hash_or_raise(stamp.path)
            if self.hashes is not None:
                self.hashes.put(stamp.path, stamp.size, stamp.mtime_ns, digest)
        return self.with_hash(digest)


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

        Files up to 512 MiB are hashed on the way, once; larger ones by `CheckpointInfo.hashed`, which the loader calls.
        """
        with self._lock:
            found: dict[Path, CheckpointInfo] = {}
            for folder in self.folders:
                for path in _find_candidates(folder):
                    if path.resolve() not in found:
                        found[path.resolve()] = self._with_known_hash(self._describe(path, folder))
            self._known = found
            self._listed = sorted(found.values(), key=lambda info: info.name.lower())
            return list(self._listed)

    def find(self, name: str) -> CheckpointInfo:
        """The entry that `name` means: title, label, name, file name, stem, absolute path, or the first 8 or more digits of its hash.

        Backslashes count as slashes; a "[hash]" that no longer fits is ignored. An unknown name, or a file that changed since the last
        scan, causes a new one.

        Raises:
            UnknownName: Nothing matches.
        """
        found = _match(self._listed, name)
        if found is None or found.has_changed():
            found = _match(self.scan(), name)
        if found is None:
            raise UnknownName("sd_model_checkpoint", name, [info.title for info in self._listed if info.is_supported])
        return found

    def note_hash(self, path: Path, sha256: str) -> None:
        """Remember the hash of a file that somebody has just computed."""
        stamp = FileStamp.of(path)
        self._hashes.put(path, stamp.size, stamp.mtime_ns, sha256)

    def _describe(self, path: Path, folder: Path) -> CheckpointInfo:
        is_folder = path.is_dir()
        config = path.with_suffix(".yaml") if path.suffix == ".safetensors" and not is_folder else None
        stamps = _stamp(diffusers_folder.list_files(path) if is_folder else [path, config])
        before = self._known.get(path.resolve())
        if before is not None and before.path == path and stamps and stamps == before.stamps:
            return before
        name = path.relative_to(folder).as_posix()
        try:
            found = diffusers_folder.recognise_folder(path) if is_folder else _recognise_file(path, config)
        except BrokenCheckpoint as error:
            found = Recognition(reason=str(error))
        stem = name if is_folder else name.rpartition(".")[0]
        return CheckpointInfo(
            path=path, name=name, model_name=stem.replace("/", "_"), title=name, sha256="",
            config=config if config is not None and config.is_file() else None, kind=found.kind, prediction=found.prediction,
            prediction_from=found.prediction_from, latent_channels=found.latent_channels, is_supported=not found.reason,
            reason=found.reason, label=BUILTIN_LABEL if is_builtin_name(name) else name, stamps=stamps,
            hashes=self._hashes, family=found.family,
        )  # fmt: skip

    def _with_known_hash(self, info: CheckpointInfo) -> CheckpointInfo:
        """Hash small files at once; of larger ones only what is remembered."""
        if info.sha256 or not info.stamps or not info.is_supported:
            return info
        stamp = info.stamps[0]
        if stamp.size > _HASHED_AT_ONCE:
            return info.with_hash(self._hashes.get(stamp.path, stamp.size, stamp.mtime_ns))
        try:
            return info.hashed()
        except BrokenCheckpoint as error:
            return replace(info, is_supported=False, reason=str(error))


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
