"""The content-addressed store: every picture that was opened, painted or made, under the SHA-256 of its file's bytes.

A file appears whole or not at all, is never changed, and a picture that is added twice is kept once. Beside each lies a small JSON file
with its size and name; it can be made again from the picture. Thumbnails and browser-showable views are derived files, also made again
when they are missing or broken.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from modules.base.errors import InvalidRequest, PentimentoError, SaveFailed
from modules.base.files import write_atomically
from modules.base.registry import load_dotted
from modules.imaging.metadata import write_png
from modules.imaging.picture import MAX_PIXELS, Picture, name_format, open_picture
from modules.runtime.picture_cache import PictureCache

logger = logging.getLogger(__name__)

SUFFIXES = {
    "PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "WEBP": ".webp", "AVIF": ".avif", "GIF": ".gif", "BMP": ".bmp",
    "TIFF": ".tif", "PPM": ".ppm", "TGA": ".tga", "JPEG2000": ".jp2", "ICO": ".ico",
}  # fmt: skip
SHOWABLE = (".png", ".jpg", ".webp", ".avif")
THUMBNAIL_SIDES = range(32, 1025)
THUMBNAIL_QUALITY = 82
TOUCH_AFTER_S = 3600.0
DERIVED, HELD = "derived", "held_s"

_ID = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(r"[0-9a-f]{2,64}")


class UnknownAsset(PentimentoError):
    """No picture is kept under that id."""

    def __init__(self, asset_id: object) -> None:
        self.asset_id = asset_id
        super().__init__(f"no picture is kept under the id {str(asset_id)[:80]!r}: it was deleted, or never uploaded; open it again")


@dataclass(frozen=True)
class Asset:
    """What is known of a kept picture.

    Attributes:
        id: SHA-256 of the file's bytes, 64 hexadecimal digits.
        width, height: Upright, in pixels.
        has_alpha: Whether it has any transparency channel.
        name: The file's name when it was first added; may be empty.
        notes: What has to be done to the file when it is opened (`Picture.notes`).
    """

    id: str
    width: int
    height: int
    has_alpha: bool
    name: str = ""
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"notes": list(self.notes)}


class AssetStore:
    """Pictures by id, in a folder; may be used from any thread, and by several processes.

    Args:
        folder: Made when the first picture comes.
        max_pixels: Gives the largest width times height that is accepted now.
    """

    def __init__(self, folder: Path, max_pixels: Callable[[], int] = lambda: MAX_PIXELS) -> None:
        self._folder, self._max_pixels = folder, max_pixels
        self._opened = PictureCache()

    def add(self, data: bytes, name: str = "", field: str = "image", source: Path | None = None) -> Asset:
        """Keep a file as it came.

        Args:
            name: Of the file, for people; folders in it are left out.
            field: Named in errors.
            source: The file that `data` was read from, if it stays: shared by a hard link where the file system can.

        Raises:
            InvalidImage: It is no picture, damaged, or too large.
            SaveFailed: It cannot be written.
        """
        asset_id = hashlib.sha256(data).hexdigest()
        if self.has(asset_id):
            return self.describe(asset_id)
        picture = open_picture(data, field, max_pixels=min(MAX_PIXELS, self._max_pixels()))
        place = self._place(asset_id, SUFFIXES[name_format(data)])
        if source is None or not _share(source, place, asset_id):
            write_atomically(place, data)
        return self._note(asset_id, picture, name)

    def add_picture(self, image: Image.Image, infotext: str | None = None) -> Asset:
        """Keep a picture as PNG.

        Args:
            image: L, RGB or RGBA; a colour profile in its `info` is kept.
            infotext: Written into the file.

        Raises:
            SaveFailed: It cannot be written.
        """
        data = write_png(image, infotext, icc=image.info.get("icc_profile"), compress_level=1)
        asset_id = hashlib.sha256(data).hexdigest()
        if self.has(asset_id):
            return self.describe(asset_id)
        write_atomically(self._place(asset_id, ".png"), data)
        info = {} if infotext is None else {"parameters": infotext}
        return self._note(asset_id, replace(open_picture(image), info=info), "")

    def link(self, path: Path) -> Asset:
        """Keep a file that is already on disk, by a hard link where the file system can, so that it takes no room twice.

        Raises:
            InvalidImage: It is no picture, or gone.
            SaveFailed: It cannot be kept.
        """
        picture = open_picture(path, path.name)
        with path.open("rb") as file:
            asset_id = hashlib.file_digest(file, "sha256").hexdigest()
        if not self.has(asset_id):
            _link(path, self._place(asset_id, SUFFIXES[name_format(path)]))
        return self._note(asset_id, picture, path.name)

    def has(self, asset_id: object) -> bool:
        """Whether the picture itself, not only its thumbnail, is there and is still what its id says."""
        return self._find(asset_id) is not None

    def find_by_prefix(self, digits: str) -> str | None:
        """The id that begins with `digits` (two or more hexadecimal ones); None where there is none, or more than one."""
        if not _PREFIX.fullmatch(digits):
            return None
        found = {path.stem for path in (self._folder / digits[:2]).glob(f"{digits}*") if _ID.fullmatch(path.stem)}
        return next((one for one in found if self.has(one)), None) if len(found) == 1 else None

    def path(self, asset_id: str) -> Path:
        """The file.

        Raises:
            UnknownAsset: There is none, or it was changed by another program.
        """
        found = self._find(asset_id)
        if found is None:
            raise UnknownAsset(asset_id)
        return found

    def describe(self, asset_id: str) -> Asset:
        """What is known of a kept picture; errors as `path`, and `InvalidImage` where the file was damaged on disk."""
        path = self.path(asset_id)
        values = self._read_note(asset_id)
        if values is None:
            return self._note(asset_id, open_picture(path, asset_id), "")
        self._touch(asset_id)
        return Asset(asset_id, values["width"], values["height"], values["has_alpha"], values["name"], tuple(values["notes"]))

    def open(self, asset_id: str) -> Picture:
        """The picture, upright, the caller's own; errors as `describe`."""
        path = self.path(asset_id)
        self._touch(asset_id)
        picture = self._opened.get(asset_id)
        if picture is None:
            picture = open_picture(path, asset_id)
            self._opened.put(asset_id, picture)
        return Picture(picture.image.copy(), picture.notes, dict(picture.info), picture.icc)

    def mask(self, asset_id: str) -> Image.Image:
        """The picture as a mask (L, 255 = repaint): its transparency where it has any, else its luminance; errors as `describe`."""
        path = self.path(asset_id)
        if path.suffix == ".png" and not self.describe(asset_id).notes:
            with Image.open(path, formats=["PNG"]) as image:
                if image.mode == "L" and "transparency" not in image.info:
                    self._touch(asset_id)
                    return image.copy()
        to_mask: Any = load_dotted("modules.imaging.masks:to_mask")  # OpenCV, which changes the environment when imported
        made: Image.Image = to_mask(self.open(asset_id).image, is_rounded=False)
        return made

    def view(self, asset_id: str) -> Path:
        """A file that browsers show as the pipeline sees the picture: the file itself where they can, else a PNG; errors as `path`."""
        asset, path = self.describe(asset_id), self.path(asset_id)
        if path.suffix in SHOWABLE and not asset.notes:
            return path
        view = self._derived(asset_id, "view.png")
        if not _is_whole(view):
            write_atomically(view, _encode(self.open(asset_id).image, "PNG", compress_level=1))
        return view

    def thumbnail(self, asset_id: str, side_px: int = 256) -> Path:
        """A WebP that fits into a square; one that was made before is given also when the picture itself is gone.

        Args:
            side_px: From 32 to 1024.

        Raises:
            UnknownAsset: Neither the picture nor a thumbnail is there.
            InvalidRequest: `side_px` is out of range.
        """
        if side_px not in THUMBNAIL_SIDES:
            raise InvalidRequest("side_px", side_px, f"{THUMBNAIL_SIDES[0]} to {THUMBNAIL_SIDES[-1]}")
        thumbnail = self._derived(asset_id, f"{side_px}.webp")
        if not _is_whole(thumbnail):
            if not self.has(asset_id):
                return self._any_thumbnail(asset_id)
            self.keep_thumbnail(asset_id, self.open(asset_id).image, side_px)
        return thumbnail

    def keep_thumbnail(self, asset_id: str, image: Image.Image, side_px: int = 256) -> None:
        """Make the thumbnail of a picture that is at hand, and leave `image` as it is."""
        scale = min(1.0, side_px / max(image.size))
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        options = {"quality": THUMBNAIL_QUALITY, "method": 2, "icc_profile": image.info.get("icc_profile")}
        write_atomically(self._derived(asset_id, f"{side_px}.webp"), _encode(small, "WEBP", **options))

    def remove(self, asset_id: str) -> int:
        """Drop a picture and all that was derived from it; returns the bytes that came free. What is not there is no error."""
        self._opened.drop(asset_id)
        return sum(_unlink(path) for path in self._files_of(asset_id))

    def room_of(self, asset_id: str) -> int:
        """The bytes that `remove` would free."""
        return sum(_own_bytes(path) for path in self._files_of(asset_id))

    def ids(self) -> Iterator[tuple[str, float]]:
        """All kept pictures, and when each was last used (seconds since the epoch); one that has no note was killed when it came."""
        for bucket in sorted(self._folder.glob("[0-9a-f][0-9a-f]")):
            used: dict[str, float] = {}
            for path in sorted(bucket.iterdir(), key=lambda path: path.suffix == ".json"):
                with suppress(FileNotFoundError):
                    status = path.stat()
                    used[path.stem] = status.st_mtime if path.suffix == ".json" else max(status.st_mtime, status.st_ctime)
            yield from ((asset_id, used_s) for asset_id, used_s in used.items() if _ID.fullmatch(asset_id))

    def is_fresh(self, asset_id: str, within_s: float) -> bool:
        """Whether a picture was added, opened or shown in the last `within_s` seconds, give or take an hour."""
        try:
            return time.time() - self._place(_check(asset_id), ".json").stat().st_mtime < within_s
        except OSError:
            return False

    def hold(self, asset_id: str) -> Asset:
        """What is known of a picture that is put on somebody's canvas, which `is_held` tells from then on; errors as `describe`."""
        asset = self.describe(asset_id)
        self._write_note(asset_id, (self._read_note(asset_id) or {}) | {HELD: time.time()})
        return asset

    def is_held(self, asset_id: str, within_s: float) -> bool:
        """Whether `hold` was told of a picture in the last `within_s` seconds."""
        held_s = (self._read_note(asset_id) or {}).get(HELD, 0.0)
        return isinstance(held_s, float) and time.time() - held_s < within_s

    def size_bytes(self) -> int:
        """Room that deleting everything here would free: results that are also saved elsewhere, by hard links, count nothing."""
        return sum(_own_bytes(Path(folder, name)) for folder, _, names in os.walk(self._folder) for name in names)

    def own_bytes(self, asset_id: str) -> int:
        """Room that a picture takes, its thumbnails not counted; 0 for one that is gone, or also saved elsewhere."""
        path = self._find(asset_id)
        return 0 if path is None else _own_bytes(path)

    def _files_of(self, asset_id: str) -> list[Path]:
        """A picture's file, its note, and all that was derived from it."""
        _check(asset_id)
        return [*self._bucket(asset_id).glob(f"{asset_id}.*"), *self._derived(asset_id, "").parent.glob(f"{asset_id}-*")]

    def _find(self, asset_id: object) -> Path | None:
        if not isinstance(asset_id, str) or not _ID.fullmatch(asset_id):
            return None
        values = self._read_note(asset_id)
        suffixes = list(dict.fromkeys(SUFFIXES.values())) if values is None else [values["suffix"]]
        path = next((path for suffix in suffixes if (path := self._place(asset_id, suffix)).is_file()), None)
        if path is None or (values is not None and values["stamp"] == _stamp(path)) or self._is_same(asset_id, path):
            return path
        logger.warning("%s was changed by another program; what the history knew under it is gone", path.name)
        return None

    def _is_same(self, asset_id: str, path: Path) -> bool:
        """A hard link shares its bytes with the saved file, which an editor may have written over: look at what the bytes are now."""
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != asset_id:
                return False
        values = self._read_note(asset_id)
        if values is not None:
            self._write_note(asset_id, values | {"stamp": _stamp(path)})
        return True

    def _note(self, asset_id: str, picture: Picture, name: str) -> Asset:
        """Remember what `describe` tells, and keep the decoded picture at hand: it is mostly wanted at once."""
        path = next(path for suffix in SUFFIXES.values() if (path := self._place(asset_id, suffix)).is_file())
        image, plain_name = picture.image, re.split(r"[/\\]", name)[-1][:200]
        has_alpha = image.mode == "RGBA"
        asset = Asset(asset_id, image.width, image.height, has_alpha, plain_name, picture.notes)
        known = self._read_note(asset_id)
        if known is not None and known["name"]:
            asset = Asset(asset_id, image.width, image.height, has_alpha, known["name"], picture.notes)
        held = {} if known is None or HELD not in known else {HELD: known[HELD]}
        self._write_note(asset_id, asset.as_json() | {"suffix": path.suffix, "stamp": _stamp(path)} | held)
        self._opened.put(asset_id, picture)
        return asset

    def _write_note(self, asset_id: str, values: dict[str, Any]) -> None:
        write_atomically(self._place(asset_id, ".json"), json.dumps(values, ensure_ascii=False).encode("utf-8", "replace"))

    def _read_note(self, asset_id: str) -> dict[str, Any] | None:
        try:
            values = json.loads(self._place(asset_id, ".json").read_text(encoding="utf-8"))
            has_all = values.keys() >= {"width", "height", "has_alpha", "name", "notes", "suffix", "stamp"}
        except (OSError, ValueError, AttributeError):
            return None
        return values if has_all and values["suffix"] in SUFFIXES.values() else None

    def _touch(self, asset_id: str) -> None:
        """It is in use: see `ids`. Once an hour is enough."""
        note = self._place(asset_id, ".json")
        try:
            if time.time() - note.stat().st_mtime > TOUCH_AFTER_S:
                os.utime(note)
        except OSError:
            logger.debug("cannot touch %s", note.name, exc_info=True)

    def _any_thumbnail(self, asset_id: str) -> Path:
        found = sorted(self._derived(asset_id, "").parent.glob(f"{asset_id}-*.webp"), key=lambda path: -path.stat().st_size)
        whole = next((path for path in found if _is_whole(path)), None)
        if whole is None:
            raise UnknownAsset(asset_id)
        return whole

    def _bucket(self, asset_id: str) -> Path:
        return self._folder / asset_id[:2]

    def _place(self, asset_id: str, suffix: str) -> Path:
        return self._bucket(asset_id) / f"{asset_id}{suffix}"

    def _derived(self, asset_id: object, ending: str) -> Path:
        valid = _check(asset_id)
        return self._folder / DERIVED / valid[:2] / f"{valid}-{ending}"


def _check(asset_id: object) -> str:
    """No path is made of anything else."""
    if not isinstance(asset_id, str) or not _ID.fullmatch(asset_id):
        raise UnknownAsset(asset_id)
    return asset_id


def _link(source: Path, target: Path) -> None:
    """A second name for `source`, in place of what has that name; where the file system has no hard links, a copy that appears whole."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(source, target)
        except OSError:
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".link-", suffix=".part")
            os.close(handle)
            shutil.copyfile(source, temporary)
            os.replace(temporary, target)
    except OSError as error:
        raise SaveFailed(f"cannot keep {source.name} in the history: {error.strerror or error}") from error


def _share(source: Path, target: Path, asset_id: str) -> bool:
    """Make `target` a second name of `source`; False, and nothing for good, where that cannot be or `source` was changed meanwhile."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        os.link(source, target)
        with target.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == asset_id
    except OSError:
        return False


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _own_bytes(path: Path) -> int:
    try:
        status = path.stat()
    except OSError:  # gone meanwhile
        return 0
    return status.st_size if status.st_nlink <= 1 else 0


def _unlink(path: Path) -> int:
    """Remove a file; one that is in use, which Windows does not let go, stays and is an orphan that is collected later."""
    freed = _own_bytes(path)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("%s cannot be removed now: %s", path.name, error)
        return 0
    return freed


def _is_whole(path: Path) -> bool:
    """Whether a derived file is there and can be read to its end."""
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def _encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
