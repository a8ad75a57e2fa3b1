"""The dry run: what would be made, and what stands in the way, by the headers of the files."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modules.base.errors import InvalidImage
from modules.imaging.picture import picture_size
from modules.runtime.batch.listing import PictureFile
from modules.runtime.batch.pairing import Pair, Problem
from modules.runtime.batch.plan import Item
from modules.runtime.batch.requests import is_same_shape, show_sizes
from modules.runtime.jobs import Job, JobState

LOOK_LIMIT_S = 6.0
Size = tuple[int, int]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        item: With the problem that was found, if any.
        size, mask_size: (width, height), upright; None = not read.
    """

    item: Item
    size: Size | None = None
    mask_size: Size | None = None

    @property
    def has_same_size(self) -> bool | None:
        """Whether the mask has the picture's size; None where that is not known."""
        return None if self.size is None or self.mask_size is None else self.size == self.mask_size

    @property
    def is_ready(self) -> bool:
        return self.item.pair.problem is None


@dataclass(frozen=True)
class Check:
    """A dry run.

    Attributes:
        rows: One a picture.
        seen: How many of them were looked into; time may have run out for the rest, whose problems show when they run.
    """

    rows: tuple[Row, ...]
    seen: int

    @property
    def ready(self) -> int:
        return sum(row.is_ready for row in self.rows)


def check_items(items: Sequence[Item], limit_s: float = LOOK_LIMIT_S) -> Check:
    """Read the sizes of pictures and masks, each file once, for at most `limit_s` seconds."""
    until_s = time.monotonic() + limit_s
    known: dict[PictureFile, Size | InvalidImage] = {}
    rows: list[Row] = []
    for item in items:
        if time.monotonic() > until_s:
            break
        rows.append(_look(item, known))
    return Check((*rows, *map(Row, items[len(rows) :])), len(rows))


def estimate_s(jobs: Iterable[Job], width: int, height: int, steps: int, count: int) -> float | None:
    """Seconds for `count` pictures, by the pace of the last job that was finished; None when none was.

    The time of a step is taken to grow with the number of pixels.
    """
    done = [job for job in jobs if job.state is JobState.DONE and job.began_s and job.finished_s and job.recipe is not None]
    for job in reversed(done):
        fields = job.recipe.fields if job.recipe else {}
        work = job.images * job.steps * fields.get("width", 0) * fields.get("height", 0)
        if work and fields.get("steps") and job.finished_s and job.began_s:
            share = job.steps / fields["steps"]  # how many of the steps that were asked for are sampled
            return (job.finished_s - job.began_s) / work * width * height * max(1.0, steps * share) * count
    return None


def _look(item: Item, known: dict[PictureFile, Size | InvalidImage]) -> Row:
    pair = item.pair
    size = _size(pair.picture, known)
    if isinstance(size, InvalidImage):
        return Row(_refuse(item, Problem.UNREADABLE, size.wanted))
    if pair.mask is None:
        return Row(item, size)
    mask_size = _size(pair.mask, known)
    if isinstance(mask_size, InvalidImage):
        return Row(_refuse(item, Problem.UNREADABLE_MASK, mask_size.wanted), size)
    if not is_same_shape(mask_size, size):
        return Row(_refuse(item, Problem.MASK_SHAPE, show_sizes(mask_size, size)), size, mask_size)
    return Row(item, size, mask_size)


def _size(file: PictureFile, known: dict[PictureFile, Size | InvalidImage]) -> Size | InvalidImage:
    if file not in known:
        try:
            known[file] = picture_size(file.path, "picture")
        except InvalidImage as error:
            known[file] = error
        except OSError as error:
            known[file] = InvalidImage("picture", file.path.name, f"a file that can be read ({error.strerror or error})")
    return known[file]


def _refuse(item: Item, problem: Problem, detail: str) -> Item:
    pair: Pair = dataclasses.replace(item.pair, problem=item.pair.problem or problem, detail=item.pair.detail or detail)
    return dataclasses.replace(item, pair=pair)
