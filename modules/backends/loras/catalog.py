"""The list of LoRA files on disk, and how a name in a prompt, or a hash in an infotext, finds one. No tensor is read."""

from __future__ import annotations

import difflib
import json
import logging
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from modules.backends.catalog import FileStamp
from modules.backends.hashes import HashCache, hash_file
from modules.backends.header import read_header
from modules.backends.loras.memory import ByteCache
from modules.base.errors import BrokenCheckpoint, UnusableNetwork

log = logging.getLogger(__name__)
SHORT_HASH = 12
LARGEST_HEADER_BYTES = 32 << 20
_KEPT_TENSOR_BYTES = 512 << 20
_HASHED_AT_ONCE = 2 << 30
_PICKLES = (".pt", ".ckpt", ".bin")
_LENGTH_BYTES = 8
_HEX = re.compile(r"[0-9a-fA-F]{8,128}")
_MENTION = re.compile(r"<lora:([^:>]+)(?=[:>])")
_LONGEST_NAME = 200
PICKLE_REASON = (
    "a pickle file can run code when it is opened, so it is refused; get the .safetensors version of this LoRA, or convert it on a machine "
    "where you trust it"
)


@dataclass(frozen=True)
class LoraInfo:
    """One LoRA file.

    Attributes:
        name: What a prompt calls it: the file name without folder and extension.
        place: Path below its folder, without extension, "/" between folders; finds it where several have the same name.
        stamp: Size and time when it was listed.
    """

    name: str
    place: str
    stamp: FileStamp
    hashes: HashCache = field(repr=False, compare=False)

    @property
    def path(self) -> Path:
        return self.stamp.path

    @property
    def is_pickle(self) -> bool:
        return self.path.suffix.lower() in _PICKLES

    @cached_property
    def problem(self) -> str:
        """Why it cannot be used, as far as its header shows; "" for nothing."""
        return self._read[1]

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """What the file says of itself; texts that hold a JSON object are parsed, as A1111 does."""
        return {key: _parse_object(value) for key, value in self._read[0].items() if key != "ssmd_cover_images"}

    @property
    def alias(self) -> str:
        """The name its maker gave it (`ss_output_name`), or else `name`."""
        return self._read[0].get("ss_output_name", "").strip() or self.name

    @property
    def known_hash(self) -> str:
        """`sha256` if it need not be computed; "" otherwise."""
        stated = self._read[0].get("sshs_model_hash", "")
        return stated.lower() if _HEX.fullmatch(stated) else self.hashes.get(self.path, self.stamp.size, self.stamp.mtime_ns)

    def sha256(self) -> str:
        """Lower-case hex of the tensors' bytes, without the header (A1111's and kohya's "addnet" hash); remembered.

        A file that states its own (`sshs_model_hash`) is believed.

        Raises:
            UnusableNetwork: The file cannot be read.
        """
        digest = self.known_hash
        if not digest:
            try:
                with self.path.open("rb") as file:
                    start = _LENGTH_BYTES + int.from_bytes(file.read(_LENGTH_BYTES), "little")
                digest = hash_file(self.path, min(start, self.stamp.size))
            except OSError as error:
                raise UnusableNetwork(f"LoRA {self.name!r} cannot be read: {error}") from error
            self.hashes.put(self.path, self.stamp.size, self.stamp.mtime_ns, digest)
        return digest

    @cached_property
    def _read(self) -> tuple[Mapping[str, str], str]:
        if self.is_pickle:
            return {}, PICKLE_REASON
        try:
            return read_header(self.path, longest=LARGEST_HEADER_BYTES).metadata, ""
        except BrokenCheckpoint as error:
            return {}, str(error)


class LoraCatalog:
    """LoRA files below some folders. Safe to share between threads.

    Args:
        folders: Searched in this order, links followed; missing ones are empty ones. Of files with the same name the last one counts.
        cache_file: Where hashes are remembered.

    Attributes:
        memory: Tensors of files that were merged lately.
    """

    def __init__(self, folders: Sequence[Path], cache_file: Path) -> None:
        self.folders = list(folders)
        self.memory = ByteCache(_KEPT_TENSOR_BYTES)
        self._hashes = HashCache(cache_file)
        self._lock = threading.Lock()
        self._listed: list[LoraInfo] = []

    def scan(self) -> list[LoraInfo]:
        """List what is there now, sorted by name without case; no file is opened."""
        with self._lock:
            before = {info.path: info for info in self._listed}
            found: dict[Path, LoraInfo] = {}
            for folder in self.folders:
                for path in _find_files(folder):
                    info = self._describe(path, folder, before.get(path))
                    if info is not None:
                        found.setdefault(path.resolve(), info)
            self._listed = list(found.values())
        return sorted(self._listed, key=lambda info: info.name.casefold())

    def find(self, name: str) -> LoraInfo | None:
        """The file that a prompt's `name` means: its file name, its place, its alias, or one of these in other case; None = none.

        Of several files with this name the last in the order of folders counts (A1111's rule); an alias that several share, and a name
        that fits several only without case, mean none of them. What is not found causes a new look at the folders.
        """
        info = _match(self._listed, name)
        if info is None or info.stamp.has_changed():
            self.scan()
            info = _match(self._listed, name)
        return info

    def close_matches(self, name: str) -> list[str]:
        """Up to three names that resemble `name`."""
        names = {info.name.casefold(): info.name for info in self._listed}
        close = difflib.get_close_matches(name.casefold()[:_LONGEST_NAME], list(names), n=3, cutoff=0.5)
        return [names[key] for key in close]

    def find_by_hash(self, digest: str, like: str = "") -> LoraInfo | None:
        """The file whose `sha256` begins with `digest` (8 digits or more), whatever it is called; None = none.

        Files whose hash is not known yet are hashed, those named like `like` first, up to 2 GiB a call; the next call goes on there.
        """
        if not _HEX.fullmatch(digest):
            return None
        wanted, budget = digest.lower(), _HASHED_AT_ONCE
        usable = [info for info in self.scan() if not info.is_pickle]
        known = [(info, info.known_hash) for info in usable]
        for info, found in known:
            if found.startswith(wanted):
                return info
        unknown = [info for info, found in known if not found and not info.problem]
        likeness = {info.path: difflib.SequenceMatcher(None, info.name[:_LONGEST_NAME], like[:_LONGEST_NAME]).ratio() for info in unknown}
        for info in sorted(unknown, key=lambda info: -likeness[info.path]):
            budget -= info.stamp.size
            if budget < 0:
                break
            if info.sha256().startswith(wanted):
                return info
        return None

    def rename_by_hashes(self, prompt: str, hashes: str) -> str:
        """A pasted prompt with its LoRAs called as the files with the same content are called here.

        Args:
            hashes: The infotext's "Lora hashes": "name: hash, name: hash".
        """
        stated = dict(_parse_hashes(hashes))
        names: dict[str, str] = {}
        for name in dict.fromkeys(_MENTION.findall(prompt)):
            found = self.find_by_hash(stated.get(name.replace(",", ""), ""), name)
            names[name] = name if found is None else found.name
        return _MENTION.sub(lambda match: f"<lora:{names[match[1]]}", prompt)

    def _describe(self, path: Path, folder: Path, before: LoraInfo | None) -> LoraInfo | None:
        try:
            stamp = FileStamp.of(path)
        except OSError:
            return None
        if before is not None and before.stamp == stamp:
            return before
        return LoraInfo(path.stem, path.relative_to(folder).with_suffix("").as_posix(), stamp, self._hashes)


def _match(infos: Sequence[LoraInfo], name: str) -> LoraInfo | None:
    for value in (lambda info: info.name, lambda info: info.place):
        found = [info for info in infos if value(info) == name]
        if found:
            return min(reversed(found), key=lambda info: info.is_pickle)
    for change in (str, str.casefold):
        for value in (lambda info: info.name, lambda info: info.alias):
            found = [info for info in infos if change(value(info)) == change(name)]
            if len(found) == 1:
                return found[0]
    return None


def _find_files(folder: Path) -> Iterator[Path]:
    """LoRA files below `folder`, in A1111's order: folder by folder, names as a person counts; hidden ones left out."""
    seen: set[Path] = set()
    places: list[tuple[Path, list[str]]] = []
    for here, folders, files in os.walk(folder, followlinks=True):
        place = Path(here)
        if place.resolve() in seen:
            folders.clear()
            continue
        seen.add(place.resolve())
        folders[:] = [name for name in folders if not name.startswith(".")]
        places.append((place, files))
    for place, files in sorted(places, key=lambda item: _natural(str(item[0]))):
        for name in sorted(files, key=_natural):
            if name.lower().endswith((".safetensors", *_PICKLES)) and not name.startswith("."):
                yield place / name


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in re.split(r"(\d+)", text)]


def _parse_hashes(text: str) -> Iterator[tuple[str, str]]:
    for entry in text.split(","):
        name, colon, digest = entry.rpartition(":")
        if colon:
            yield name.strip(), digest.strip()


def _parse_object(value: str) -> Any:
    if not value.startswith("{"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
