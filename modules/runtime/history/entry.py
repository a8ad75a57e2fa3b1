"""What the history tells: entries, pages of them, and how much there is."""

from __future__ import annotations

import itertools
import json
import logging
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest
from modules.pipeline.modes import Mode
from modules.runtime.recipe import Recipe

logger = logging.getLogger(__name__)

_ASSET_IDS = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
MAX_TERMS = 64
"""SQLite takes no expression of a thousand conditions."""

_TERMS = re.compile(r'"([^"]+)"|(\S+)')


@dataclass(frozen=True)
class Entry:
    """One result.

    Attributes:
        id: Grows with every entry, and is never given twice.
        created_s: Seconds since the epoch.
        owner: Login of the person, else the page or client that asked.
        mode: Of the recipe: "inpaint" ...
        prompt, negative_prompt: As they were used, styles applied.
        model: The checkpoint's name.
        seed: The one that was used; -1 = unknown.
        recipe: What was asked for; its seed may say "random".
        result: Asset id of the picture.
        saved_path: Where the picture was also saved; None = nowhere. The file may be gone.
        changed_outside: Pixels that changed outside the mask; None = there was no mask.
        is_missing: The picture is gone from the store; its thumbnail may be there.
    """

    id: int
    job_id: str
    created_s: float
    owner: str
    mode: str
    prompt: str
    negative_prompt: str
    model: str
    seed: int
    width: int
    height: int
    infotext: str
    recipe: Recipe
    result: str
    saved_path: Path | None
    changed_outside: int | None
    is_missing: bool

    def as_json(self) -> dict[str, Any]:
        """For the API: the saved file by its name alone, and nothing about whose it is."""
        names = ("id", "job_id", "created_s", "mode", "prompt", "negative_prompt", "model", "seed", "width", "height", "infotext", "result")
        values = {name: getattr(self, name) for name in (*names, "changed_outside", "is_missing")}
        return values | {"recipe": self.recipe.as_json(), "saved_as": self.saved_path.name if self.saved_path else None}


@dataclass(frozen=True)
class Page:
    """Entries, newest first.

    Attributes:
        total: How many the search found in all.
        next: Give it as `before` for the following page; None = this is the last.
    """

    entries: tuple[Entry, ...]
    total: int
    next: int | None


@dataclass(frozen=True)
class Usage:
    """How much there is.

    Attributes:
        bytes: Room that the store takes; results that are also saved elsewhere count nothing.
    """

    bytes: int
    entries: int


def entry_of(row: sqlite3.Row, data_folder: Path, *, is_missing: bool) -> Entry:
    """The entry in a row of `entries` joined with `details`."""
    plain = ("id", "job_id", "created_s", "owner", "mode", "prompt", "negative_prompt", "model", "seed", "width", "height", "infotext")
    values = {name: row[name] for name in (*plain, "result", "changed_outside")}
    saved = data_folder / row["saved_path"] if row["saved_path"] else None
    return Entry(**values, recipe=recipe_in(row["recipe"], row["mode"]), saved_path=saved, is_missing=is_missing)


def recipe_in(text: str, mode: str) -> Recipe:
    """The recipe that was written; where it makes no sense to this version, an empty one that says so."""
    try:
        return Recipe.from_json(json.loads(text))
    except (ValueError, InvalidRequest):
        logger.warning("a recipe in the history cannot be read: %.80s", text)
        return Recipe(Mode(mode) if mode in [known.value for known in Mode] else Mode.IMG2IMG, is_whole=False)


def assets_in(text: str) -> set[str]:
    """Everything in a text that could be an asset's id: rather one too many than a picture lost."""
    return set(_ASSET_IDS.findall(text))


def plain(text: str) -> str:
    """Without lone surrogates (half an emoji, cut by some editor), which no database holds."""
    return text.encode("utf-8", "replace").decode("utf-8")


def fold(text: str) -> str:
    """Text as it is searched: without case, and without the differences of full and half width and of white space."""
    return " ".join(unicodedata.normalize("NFKC", plain(text)).casefold().split())


def terms(words: str) -> Iterator[str]:
    """What must be found, word by word, of the first `MAX_TERMS`; "quoted words" stay together."""
    for phrase, word in itertools.islice(_TERMS.findall(fold(words)), MAX_TERMS):
        yield phrase.strip() or word
