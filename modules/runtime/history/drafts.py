"""From a finished job to rows of the history: its pictures go to the store first, then all rows are written at once."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from modules.base.errors import InvalidImage
from modules.pipeline.infotext_parse import parse_infotext
from modules.pipeline.modes import Mode
from modules.runtime.history.entry import assets_in, fold, plain
from modules.runtime.jobs import Job
from modules.runtime.recipe import Recipe
from modules.runtime.store import Asset, AssetStore


@dataclass(frozen=True)
class Draft:
    """An entry that is about to be written; see `entry.Entry`."""

    job_id: str
    owner: str
    recipe: Recipe
    prompt: str
    negative_prompt: str
    model: str
    seed: int
    width: int
    height: int
    infotext: str
    result: str
    saved_path: str | None
    changed_outside: int | None


def draft_entries(job: Job, store: AssetStore, data_folder: Path, *, has_info: bool) -> list[Draft]:
    """One for each picture of a job's result; grids, masks and the like are none. The pictures are in the store when this returns.
    A batch's whole job has none: its files were drafted one by one.

    Args:
        data_folder: Saved files below it are remembered relative to it.
        has_info: Write the infotext into files that the store makes.

    Raises:
        SaveFailed: A picture cannot be kept.
    """
    result, recipe = job.result, job.recipe
    if recipe is None or recipe.mode is Mode.BATCH or not getattr(result, "images", None):
        return []
    drafts = []
    for number, index in enumerate(picture_indexes(result)):
        image, infotext = result.images[index], str(result.text_of(index) or "")
        saved = _at(result.paths, index)
        asset = _keep(image, saved, infotext if has_info else "", store)
        stated = parse_infotext(infotext) if infotext else {}
        draft = Draft(
            job.id, job.user or job.owner, recipe,
            _of(result, "all_prompts", number) or str(recipe.fields.get("prompt", "")),
            _of(result, "all_negative_prompts", number) or str(recipe.fields.get("negative_prompt", "")),
            str(getattr(result, "sd_model_name", None) or stated.get("Model") or ""),
            int(_of(result, "all_seeds", number, -1)), image.width, image.height, infotext, asset.id,
            _relative(saved, data_folder), _at(result.changed_outside_mask, number),
        )  # fmt: skip
        drafts.append(draft)
    return drafts


def picture_indexes(result: Any) -> range:
    """Which of `result.images` are results: after the grid every one, or every second or third where masks go with them."""
    first, count = result.index_of_first_image, len(result.infotexts) - result.index_of_first_image
    shown = len(result.images) - first
    is_regular = count > 0 and shown > 0 and shown % count == 0
    return range(first, len(result.images), shown // count if is_regular else 1)


def insert_entry(connection: sqlite3.Connection, draft: Draft) -> int:
    """Write all rows of an entry; returns its id."""
    recipe = json.dumps(draft.recipe.as_json())
    name = Path(draft.saved_path).name if draft.saved_path else ""
    words = fold("\n".join((draft.prompt, draft.negative_prompt, draft.model, str(draft.seed), name)))
    cursor = connection.execute(
        """INSERT INTO entries (job_id, created_s, owner, mode, model, seed, width, height, result, changed_outside, words)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            *(plain(draft.job_id), time.time(), plain(draft.owner), draft.recipe.made_in, plain(draft.model), _fit_seed(draft.seed)),
            *(draft.width, draft.height, draft.result, draft.changed_outside, words),
        ),
    )
    entry_id = int(cursor.lastrowid or 0)
    texts = (draft.prompt, draft.negative_prompt, draft.infotext)
    connection.execute(
        "INSERT INTO details (id, prompt, negative_prompt, infotext, recipe, saved_path) VALUES (?, ?, ?, ?, ?, ?)",
        (entry_id, *map(plain, texts), recipe, draft.saved_path and plain(draft.saved_path)),
    )
    used = [(asset, entry_id) for asset in assets_in(recipe) | {draft.result}]
    connection.executemany("INSERT INTO uses (asset, entry) VALUES (?, ?)", used)
    return entry_id


def _keep(image: Image.Image, saved: Path | None, infotext: str, store: AssetStore) -> Asset:
    """The saved file where there is one, else a PNG."""
    asset = _link(saved, store) if saved is not None else None
    if asset is None:
        asset = store.add_picture(image, infotext or None)
    store.keep_thumbnail(asset.id, image)
    return asset


def _link(saved: Path, store: AssetStore) -> Asset | None:
    try:
        return store.link(saved)
    except InvalidImage:  # already gone, or in a format that is not read
        return None


def _relative(saved: Path | None, folder: Path) -> str | None:
    if saved is None:
        return None
    return saved.relative_to(folder).as_posix() if saved.is_relative_to(folder) else str(saved)


def _of(result: Any, name: str, number: int, default: Any = "") -> Any:
    value = _at(getattr(result, name, None) or [], number)
    return default if value is None else value


def _at(values: Sequence[Any], index: int) -> Any:
    return values[index] if index < len(values) else None


def _fit_seed(seed: int) -> int:
    """A seed as the database holds it: in 64 bits with a sign; -1, "unknown", for one beyond, which the infotext still tells."""
    return seed if seed < 2**63 else -1
