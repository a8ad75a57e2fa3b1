"""Which folders of the server's machine a batch may read and write."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from modules.base.errors import InvalidRequest, SaveFailed, UnsafePath
from modules.base.paths import Paths, contain

PROGRAM_FOLDERS = (
    ".git", ".venv", ".ci", "cache", "docs", "extensions", "extensions-builtin", "models", "modules", "scripts", "tests", "outputs/store",
    "outputs/batches",
)  # fmt: skip
RESULTS = "img2img-batch"
_QUOTES = re.compile(r"""^(["'])(.*)\1$""", re.DOTALL)


@dataclass(frozen=True)
class FolderRules:
    """Whoever sits at this machine may name any folder; over the network, only those of the studio's own data.

    Attributes:
        is_local: The program serves this machine alone.
        results: Folders below which everybody's results are, where people log in and have their own; read over the network only if
            `is_own` says of a folder that all in it is the asking person's.
    """

    paths: Paths
    is_local: bool
    results: tuple[Path, ...] = ()
    is_own: Callable[[Path], bool] = lambda folder: False

    def readable(self, text: str, field: str) -> Path:
        """The folder that a person named; relative to the data folder.

        Raises:
            InvalidRequest: Nothing was named, or it is no folder.
            UnsafePath: It may not be read by visitors, or not by this one.
        """
        folder = self._locate(text, field)
        if not self.is_local and self._is_the_programs(folder):
            raise UnsafePath(f"{text!r} belongs to the program; put the pictures into a folder of your own inside the data folder")
        if not self.is_local and any(folder.is_relative_to(home) for home in self.results) and not self.is_own(folder):
            raise UnsafePath(
                f"{text!r} is a folder of results, and may hold those of other people; only such can be named that were made for a "
                "batch of yours. Put the pictures into another folder inside the data folder, or drop them on the page"
            )
        if not folder.is_dir():
            raise InvalidRequest(field, text, "a folder that is there on the machine the studio runs on")
        return folder

    def writable(self, text: str, field: str) -> Path:
        """The folder that results go to; it need not be there yet.

        Raises:
            InvalidRequest: Nothing was named, or a file is there.
            UnsafePath: It may not be written by visitors, or belongs to the program.
        """
        folder = self._locate(text, field)
        if folder.exists() and not folder.is_dir():
            raise InvalidRequest(field, text, "a folder; a file of this name is there")
        if self._is_the_programs(folder) or folder in (self.paths.data, self.paths.root):
            raise UnsafePath(f"results are not saved into {text!r}, which belongs to the program; choose a folder such as outputs/mine")
        return folder

    def new_output(self, today: date | None = None) -> Path:
        """The first folder `outputs/img2img-batch/<date>-<n>` that is not there."""
        return next(folder for folder in self._outputs(today) if not folder.exists())

    def make_output(self, today: date | None = None) -> Path:
        """Make that folder, so that it is nobody else's.

        Raises:
            SaveFailed: It cannot be made.
        """
        for folder in self._outputs(today):
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise SaveFailed(f"cannot make the folder {folder} for results: {error.strerror or error}") from error
            return folder
        raise AssertionError("numbers do not end")

    def _outputs(self, today: date | None) -> Iterator[Path]:
        parent, day = self.paths.outputs / RESULTS, (today or date.today()).isoformat()
        return (parent / f"{day}-{number}" for number in itertools.count(1))

    def _is_the_programs(self, folder: Path) -> bool:
        return any(folder.is_relative_to(home / name) for home in (self.paths.data, self.paths.root) for name in PROGRAM_FOLDERS)

    def _locate(self, text: str, field: str) -> Path:
        text = _QUOTES.sub(r"\2", text.strip())  # as file managers copy paths
        if not text:
            raise InvalidRequest(field, text, "the path of a folder")
        if "\0" in text:
            raise InvalidRequest(field, text, "the path of a folder, without a NUL")
        try:
            if self.is_local:
                return (self.paths.data / Path(text).expanduser()).resolve()
            return contain(self.paths.data, text)
        except UnsafePath:
            raise UnsafePath(
                f"{text!r} is outside the studio's data folder; because the studio can be reached from other machines (--listen), "
                "only folders inside it can be named. Put the pictures there, or drop the files on the page"
            ) from None
        except (OSError, RuntimeError) as error:
            raise InvalidRequest(field, text, "the path of a folder") from error
