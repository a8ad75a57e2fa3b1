"""Saving results: numbered names that nobody else has, complete files or none."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from PIL import Image

from modules.base.errors import SaveFailed
from modules.base.paths import contain
from modules.imaging.metadata import encode_image
from modules.imaging.naming import MAX_NAME_BYTES, NameFacts, expand_pattern, fit_name, sanitize_part

MAX_TRIES = 10_000


@dataclass(frozen=True)
class SaveFormat:
    """How a file is encoded; see `metadata.encode_image`."""

    extension: str = "png"
    quality: float = 80
    is_lossless: bool = False


@dataclass(frozen=True)
class SaveNaming:
    """How a file is called; A1111's options of the same meaning.

    Attributes:
        pattern: `samples_filename_pattern`; empty means `[seed]` in dated folders, else `[seed]-[prompt_spaces]`.
        directory_pattern: `directories_filename_pattern`; the folder below the output folder. None saves right into it.
        has_number: Begin with the next free number of the folder: `00000-`; `grid-0000-` behind a basename.
        basename: Comes before the number: `grid`.
        suffix: Comes last: `-mask`.
        is_short: Number alone, no pattern (grids).
        forced_name: Takes the place of everything but the folder, as batches over files want it.
    """

    pattern: str = ""
    directory_pattern: str | None = "[date]"
    has_number: bool = True
    basename: str = ""
    suffix: str = ""
    is_short: bool = False
    forced_name: str | None = None


@dataclass
class Draft:
    """A picture that is about to be written.

    Attributes:
        image: RGB or RGBA.
        path: The file it would get; its suffix tells the format.
        infotext, items: Texts that go into it.
    """

    image: Image.Image
    path: Path
    infotext: str | None
    items: dict[str, str]


def save_image(
    image: Image.Image,
    folder: Path,
    *,
    infotext: str | None = None,
    facts: NameFacts | None = None,
    naming: SaveNaming | None = None,
    fmt: SaveFormat | None = None,
    items: Mapping[str, str] | None = None,
    icc: bytes | None = None,
    revise: Callable[[Draft], None] | None = None,
) -> Path:
    """Write a picture under a new name below `folder`.

    The file appears whole or not at all, and never takes the place of another, also when several
    processes save at once.

    Args:
        image: RGB or RGBA.
        folder: Output folder; made if missing.
        infotext: Written into the file.
        facts: Values for the patterns of `naming`.
        naming: Patterns.
        fmt: Encoding.
        items: Further PNG text chunks.
        icc: Colour profile to embed.
        revise: Sees the picture before it is written, and may change it, its texts and its name; the folder it names is taken as it is.

    Returns:
        The file's path.

    Raises:
        SaveFailed: Disk full, no permission, too many files of that name.
        InvalidRequest: Unknown format, or the picture is too large for it.
        UnsafePath: A pattern leads out of `folder`.
    """
    facts, naming, fmt = facts or NameFacts(seed=None), naming or SaveNaming(), fmt or SaveFormat()
    extension = fmt.extension.lower().lstrip(".")
    stem = _decoration(naming, facts, image)
    target = contain(folder, _subfolder(naming, facts, image))
    *folders, name = _split(stem)
    target = contain(target, Path(*folders))
    names, draft = _candidates(target, naming, name, extension), Draft(image, target / f"any.{extension}", infotext, dict(items or {}))
    if revise is not None:
        names = _revise(draft, names, revise)
    data = encode_image(
        draft.image, draft.path.suffix, draft.infotext, quality=fmt.quality, is_lossless=fmt.is_lossless, items=draft.items, icc=icc
    )
    return write_new(draft.path.parent, names, data)


def _revise(draft: Draft, names: Iterator[str], revise: Callable[[Draft], None]) -> Iterator[str]:
    """Let `revise` see the picture under the first free name; returns the names to try."""
    folder = draft.path.parent
    with suppress(OSError):  # told when the file is written
        folder.mkdir(parents=True, exist_ok=True)
    first = next((name for name in names if not (folder / name).exists()), draft.path.name)
    proposed = draft.path = folder / first
    revise(draft)
    if draft.path == proposed:
        return chain([first], names)
    stem, suffix = draft.path.stem, draft.path.suffix
    return chain([draft.path.name], (f"{stem}-{number}{suffix}" for number in range(1, MAX_TRIES)))


def write_new(folder: Path, names: Iterator[str], data: bytes) -> Path:
    """Write `data` under the first of `names` that no file in `folder` has.

    Raises:
        SaveFailed: Any `OSError`, or no name was free; nothing is left behind.
    """
    temporary: str | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".saving-", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        for name in names:
            if _claim(temporary, folder / name):
                return folder / name
        raise SaveFailed(f"cannot save in {folder}: no free file name was left; clear the folder or add [datetime] to the pattern")
    except OSError as error:
        raise SaveFailed(f"cannot save in {folder}: {error.strerror or error}; nothing was written") from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def next_number(folder: Path, basename: str = "") -> int:
    """One more than the largest number that files of `folder` begin with (behind `basename-`); 0 in an empty folder."""
    prefix = f"{basename}-" if basename else ""
    number = re.compile(rf"{re.escape(prefix)}(\d+)(?=[-.])")
    try:
        found = [int(match.group(1)) for name in os.listdir(folder) if (match := number.match(name))]
    except FileNotFoundError:
        return 0
    return max(found, default=-1) + 1


def _claim(temporary: str, target: Path) -> bool:
    """Give the finished file its name, unless the name is taken."""
    try:
        os.link(temporary, target)
        return True
    except FileExistsError:
        return False
    except OSError:
        if target.exists():
            return False
    try:  # no hard links here (FAT, some network drives): hold the name with an empty file, then fill it in one move
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    try:
        os.replace(temporary, target)
    except OSError:
        os.unlink(target)
        raise
    return True


def _subfolder(naming: SaveNaming, facts: NameFacts, image: Image.Image) -> Path:
    if not naming.directory_pattern:
        return Path()
    return Path(*_split(expand_pattern(naming.directory_pattern, facts, image)))


def _split(text: str) -> list[str]:
    """Folders and name, clean; `..` stays, so that it is refused and not hidden. At least one part."""
    parts = [part if part.strip() == ".." else sanitize_part(part, limit=MAX_NAME_BYTES) for part in re.split(r"[/\\]", text)]
    return [part for part in parts if part] or [""]


def _decoration(naming: SaveNaming, facts: NameFacts, image: Image.Image) -> str:
    """The name without number and extension; may hold folders."""
    if naming.forced_name is not None:
        return sanitize_part(naming.forced_name)
    if naming.is_short or facts.seed is None:
        return naming.suffix
    pattern = naming.pattern or ("[seed]" if naming.directory_pattern else "[seed]-[prompt_spaces]")
    return expand_pattern(pattern, facts, image) + naming.suffix


def _candidates(folder: Path, naming: SaveNaming, decoration: str, extension: str) -> Iterator[str]:
    """Names to try, in order."""
    if naming.forced_name is None and (naming.has_number or not decoration):
        start, tail = next_number(folder, naming.basename), f"-{decoration.lstrip('-')}" if decoration else ""
        for number in range(start, start + MAX_TRIES):
            head = f"{naming.basename}-{number:04}" if naming.basename else f"{number:05}"
            yield fit_name(head + tail, extension)
        return
    stem = decoration or "image"
    yield fit_name(stem, extension)
    for number in range(1, MAX_TRIES):
        yield fit_name(f"{stem[:200]}-{number}", extension)
