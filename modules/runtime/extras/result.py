"""What post-processing gives back; what a `Processed` offers to those who show or keep it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from modules.pipeline.infotext_parse import parse_infotext, quote
from modules.runtime.batch.result import SavedPictures
from modules.runtime.recipe import Recipe

PARAMETERS, POSTPROCESSING, EXTRAS = "parameters", "postprocessing", "extras"
"""Text chunks of PNG files: the infotext that the picture came with, and what was done to it, under both of A1111's names."""


@dataclass(frozen=True)
class MadePicture:
    """One result.

    Attributes:
        image: RGB or RGBA; None = it is on disk, and read when somebody looks.
        done: What was done, as infotext: "Postprocess upscale by: 4, Postprocess upscaler: ...".
        texts: All texts of the source's file, its infotext under "parameters".
        path: Where it was saved; None = nowhere.
        recipe: What makes it again.
    """

    image: Image.Image | None
    done: str
    texts: Mapping[str, str]
    path: Path | None = None
    recipe: Recipe | None = None

    @property
    def infotext(self) -> str:
        """The source's infotext, if it has one, with what was done at its end."""
        stated = self.texts.get(PARAMETERS, "")
        return f"{stated}, {self.done}" if has_parameters(stated) and self.done else self.done or stated

    @property
    def chunks(self) -> dict[str, str]:
        """Texts for a PNG file, as A1111 writes them: the infotext stays as it was."""
        return {**self.texts, POSTPROCESSING: self.done} if self.done else dict(self.texts)


@dataclass
class ExtrasResult:
    """Results of a job.

    Attributes:
        made: Results in order; of a large batch only the last.
        notes: What the person should know, such as files that could not be read.
        finished: How many pictures gave results.
        failed: Names of files that gave none, with the reason.
    """

    made: Sequence[MadePicture] = ()
    notes: list[str] = field(default_factory=list)
    finished: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    is_interrupted: bool = False
    index_of_first_image: int = 0
    seed: int = -1
    comments: str = ""

    @property
    def images(self) -> Sequence[Image.Image]:
        paths = [one.path for one in self.made]
        in_memory = [one.image for one in self.made]
        if any(image is None for image in in_memory):
            return SavedPictures([path for path in paths if path is not None])
        return [image for image in in_memory if image is not None]

    @property
    def pictures(self) -> Sequence[Image.Image]:
        return self.images

    @property
    def paths(self) -> list[Path | None]:
        return [one.path for one in self.made]

    @property
    def infotexts(self) -> list[str]:
        return [one.infotext for one in self.made]

    @property
    def info(self) -> str:
        return self.made[0].infotext if self.made else ""

    @property
    def recipes(self) -> list[Recipe | None]:
        return [one.recipe for one in self.made]

    @property
    def all_prompts(self) -> list[str]:
        return [str(self._stated(one).get("Prompt", "")) for one in self.made]

    @property
    def all_negative_prompts(self) -> list[str]:
        return [str(self._stated(one).get("Negative prompt", "")) for one in self.made]

    @property
    def all_seeds(self) -> list[int]:
        seeds = [str(self._stated(one).get("Seed", "")) for one in self.made]
        return [int(seed) if seed.isascii() and seed.isdecimal() else -1 for seed in seeds]

    @property
    def changed_outside_mask(self) -> list[int | None]:
        return []

    def text_of(self, index: int) -> str:
        """What is known of entry `index` of `images`."""
        return self.made[index].infotext

    @staticmethod
    def _stated(one: MadePicture) -> dict[str, Any]:
        stated = one.texts.get(PARAMETERS, "")
        return parse_infotext(stated) if has_parameters(stated) else {}


def has_parameters(infotext: str) -> bool:
    """Whether a text is an infotext with a line of parameters, and not just any text."""
    return bool(infotext) and "Steps" in parse_infotext(infotext)


def describe_done(info: Mapping[str, Any]) -> str:
    """What scripts noted, as infotext."""
    return ", ".join(str(key) if key == value else f"{key}: {quote(value)}" for key, value in info.items() if value is not None)
