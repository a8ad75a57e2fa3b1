"""The result of a job of before a restart, as far as the history has it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from PIL import Image

from modules.runtime.history.entry import Entry
from modules.runtime.store import AssetStore


class RememberedResult:
    """Offers what `pipeline.processed.Processed` does to those who show it; pictures are read when they are first asked for.

    Args:
        entries: Of the job, in order; those whose pictures are gone are left out.
        notes: What the person should know.
    """

    index_of_first_image = 0

    def __init__(self, entries: Sequence[Entry], notes: Sequence[str], store: AssetStore, *, is_interrupted: bool = False) -> None:
        self._store, self._entries = store, [entry for entry in entries if not entry.is_missing]
        self.notes, self.is_interrupted = list(notes), is_interrupted
        shown = self._entries
        self.recipes = [entry.recipe for entry in shown]
        self.infotexts = [entry.infotext for entry in shown]
        self.all_prompts, self.all_negative_prompts = [entry.prompt for entry in shown], [entry.negative_prompt for entry in shown]
        self.all_seeds, self.all_subseeds = [entry.seed for entry in shown], [-1] * len(shown)
        self.seed, self.info = (self.all_seeds[0], self.infotexts[0]) if shown else (-1, "")
        self.prompt, self.negative_prompt = (self.all_prompts[0], self.all_negative_prompts[0]) if shown else ("", "")
        self.width, self.height = (shown[0].width, shown[0].height) if shown else (0, 0)
        self.changed_outside_mask: list[int | None] = [entry.changed_outside for entry in shown]
        self.paths: list[Path | None] = [_existing(entry.saved_path) for entry in shown]

    @cached_property
    def images(self) -> list[Image.Image]:
        """Upright, RGB or RGBA."""
        return [self._store.open(entry.result).image for entry in self._entries]

    @property
    def pictures(self) -> list[Image.Image]:
        """All of `images`: grids and masks are not kept."""
        return self.images

    def text_of(self, index: int) -> str:
        """The infotext of entry `index` of `images`."""
        return self.infotexts[index]


def _existing(path: Path | None) -> Path | None:
    return path if path is not None and path.is_file() else None
