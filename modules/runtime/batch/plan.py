"""What a batch will do, file by file, before anything runs: names alone, so that 10,000 files take no time."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest
from modules.runtime.batch.folders import FolderRules
from modules.runtime.batch.listing import LeftOut, Listing, PictureFile, in_order, list_folder
from modules.runtime.batch.naming import Names, names_in
from modules.runtime.batch.pairing import Pair, Problem, pair_masks, pair_names
from modules.runtime.batch.settings import BatchSettings, MaskSource, Source

INPUT, MASKS, OUTPUT, INFO = (
    "img2img_batch_input_dir",
    "img2img_batch_inpaint_mask_dir",
    "img2img_batch_output_dir",
    "img2img_batch_png_info_dir",
)


@dataclass(frozen=True)
class Item:
    """One picture of a batch.

    Attributes:
        pair: Picture, mask, and what stands in the way.
        outputs: Names of its results in the output folder.
        info: The file whose settings count, where they do; None = there is none of that name.
    """

    pair: Pair
    outputs: tuple[str, ...]
    info: PictureFile | None = None

    @cached_property
    def key(self) -> str:
        """Tells after a restart whether this is the same picture with the same mask."""
        mask = self.pair.mask
        parts = (self.pair.picture.name, self.pair.picture.mark, *((mask.name, mask.mark) if mask else ()))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:20]

    def as_json(self) -> dict[str, Any]:
        pair = self.pair
        return {
            "key": self.key,
            "picture": pair.picture.as_json(),
            "mask": pair.mask.as_json() if pair.mask else None,
            "problem": pair.problem.value if pair.problem else None,
            "detail": pair.detail,
            "outputs": list(self.outputs),
            "info": self.info.as_json() if self.info else None,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Item:
        mask, problem, info = values["mask"], values["problem"], values["info"]
        pair = Pair(
            PictureFile.from_json(values["picture"]),
            PictureFile.from_json(mask) if mask else None,
            Problem(problem) if problem else None,
            str(values["detail"]),
        )
        return cls(pair, tuple(values["outputs"]), PictureFile.from_json(info) if info else None)


@dataclass(frozen=True)
class Plan:
    """All of a batch.

    Attributes:
        output_folder: Absolute; perhaps not there yet.
        left_out: Entries of the input folder that are no pictures to repaint, by reason.
    """

    items: tuple[Item, ...]
    output_folder: Path
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Begun:
    """What an earlier run of the same batch laid down.

    Attributes:
        output_folder: Where its results go.
        names: Of results, by the keys of their pictures; they stay theirs.
        results: Names of those that are there: no pictures to repaint, even in the input folder.
    """

    output_folder: Path
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    results: frozenset[str] = frozenset()


def draw_plan(settings: BatchSettings, rules: FolderRules, count: int, extension: str, begun: Begun | None = None) -> Plan:
    """Find the pictures, their masks, and names for their results.

    Args:
        count: Results of each picture.
        extension: Of results, without a dot.
        begun: The batch is gone on with.

    Raises:
        InvalidRequest: There are no pictures or masks, or a folder is missing.
        UnsafePath: A folder may not be used.
    """
    named = settings.output_folder.strip()
    output = begun.output_folder if begun else rules.writable(named, OUTPUT) if named else rules.new_output()
    begun = begun or Begun(output)
    listing = _find_pictures(settings, rules, output, begun.results)
    pairs = pair_masks(listing.files, _find_masks(settings, rules))
    names = Names(listing.files, [*names_in(output), *itertools.chain.from_iterable(begun.names.values())], extension)
    items = []
    for pair, info in zip(pairs, _pair_infos(settings, rules, listing.files), strict=True):
        item = Item(pair, (), info)
        own = tuple(begun.names.get(item.key, ()))
        items.append(dataclasses.replace(item, outputs=own or names.give(pair.picture, count)))
    return Plan(tuple(items), output, listing.left_out)


def _find_pictures(settings: BatchSettings, rules: FolderRules, output: Path, own_results: Collection[str]) -> Listing:
    if settings.source is Source.FILES:
        if not settings.files:
            raise InvalidRequest("img2img_batch_files", None, "at least one picture")
        return Listing(in_order(dict.fromkeys(settings.files)))
    folder = rules.readable(settings.folder, INPUT)
    listing = list_folder(folder, INPUT)
    if folder == output and own_results:
        listing = Listing(tuple(file for file in listing.files if file.name not in own_results), listing.left_out)
    if not listing.files:
        others = sum(listing.left_out.values())
        raise InvalidRequest(INPUT, settings.folder, f"a folder with pictures; this one has none among {others} other entries")
    return listing


def _find_masks(settings: BatchSettings, rules: FolderRules) -> tuple[PictureFile, ...] | None:
    if settings.masks is MaskSource.NONE:
        return None
    if settings.masks is MaskSource.FOLDER:
        folder = rules.readable(settings.mask_folder, MASKS)
        if settings.source is Source.FOLDER and folder == rules.readable(settings.folder, INPUT):
            raise InvalidRequest(MASKS, settings.mask_folder, "another folder than that of the pictures")
        masks = list_folder(folder, MASKS).files
        if not masks:
            raise InvalidRequest(MASKS, settings.mask_folder, "a folder with masks; this one has no pictures")
        return masks
    if not settings.mask_files:
        raise InvalidRequest("img2img_batch_mask_files", None, "at least one mask")
    if settings.masks is MaskSource.ONE and len(settings.mask_files) > 1:
        raise InvalidRequest("img2img_batch_mask_files", f"{len(settings.mask_files)} files", "one mask, which serves all pictures")
    return settings.mask_files


def _pair_infos(settings: BatchSettings, rules: FolderRules, pictures: Sequence[PictureFile]) -> list[PictureFile | None]:
    """For each picture the file whose settings count: itself, or the one of its name or stem in the folder for that."""
    if not settings.props:
        return [None] * len(pictures)
    if not settings.info_folder.strip():
        return list(pictures)
    files = list_folder(rules.readable(settings.info_folder, INFO), INFO).files
    return [pair.mask for pair in pair_names(pictures, files)]
