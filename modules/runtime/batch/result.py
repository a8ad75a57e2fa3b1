"""What a batch gives back: counts, and its last pictures, which stay on disk until somebody looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from PIL import Image

from modules.base.errors import InvalidImage
from modules.imaging.picture import open_picture
from modules.runtime.batch.manifest import FileState
from modules.runtime.recipe import Recipe

KEPT_PICTURES = 16
GONE = Image.new("RGB", (64, 64), (128, 128, 128))


class SavedPictures(Sequence[Image.Image]):
    """Pictures of files, each decoded when it is asked for and not kept; grey where the file is gone."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> Image.Image: ...
    @overload
    def __getitem__(self, index: slice) -> SavedPictures: ...
    def __getitem__(self, index: int | slice) -> Image.Image | SavedPictures:
        if isinstance(index, slice):
            return SavedPictures(self._paths[index])
        try:
            return open_picture(self._paths[index], "result").image
        except InvalidImage:
            return GONE.copy()

    def __iter__(self) -> Iterator[Image.Image]:
        return (self[index] for index in range(len(self)))


@dataclass(frozen=True)
class Made:
    """One result that was saved."""

    path: Path
    infotext: str
    seed: int
    changed_outside: int | None
    recipe: Recipe | None = None
    seam: float | None = None


@dataclass
class BatchResult:
    """The result of a batch's job; what a `Processed` offers, for the last pictures that this run made.

    Attributes:
        batch_id: Names manifest and reports.
        counts: Files in each state, over all runs of the batch.
        made: The last results.
        notes: One line about the batch; the files' own notes are in the report.
    """

    batch_id: str
    counts: Mapping[FileState, int]
    made: Sequence[Made] = ()
    notes: list[str] = field(default_factory=list)
    index_of_first_image: int = 0
    is_mask_replaced: bool = False
    comments: str = ""

    @property
    def images(self) -> SavedPictures:
        return SavedPictures(self.paths)

    @property
    def pictures(self) -> SavedPictures:
        return self.images

    @property
    def paths(self) -> list[Path]:
        return [one.path for one in self.made]

    @property
    def infotexts(self) -> list[str]:
        return [one.infotext for one in self.made]

    @property
    def all_seeds(self) -> list[int]:
        return [one.seed for one in self.made]

    @property
    def seed(self) -> int:
        return self.made[0].seed if self.made else -1

    @property
    def info(self) -> str:
        return self.made[0].infotext if self.made else ""

    @property
    def changed_outside_mask(self) -> list[int | None]:
        return [one.changed_outside for one in self.made]

    @property
    def recipes(self) -> list[Recipe | None]:
        """What makes each of them again; the whole job's recipe makes none."""
        return [one.recipe for one in self.made]

    @property
    def seam_scores(self) -> list[float | None]:
        return [one.seam for one in self.made]

    def text_of(self, index: int) -> str:
        return self.made[index].infotext
