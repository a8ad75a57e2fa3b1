"""What a person chose for a batch, beside the form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from modules.base.errors import InvalidRequest
from modules.runtime.batch.listing import PictureFile


class Source(Enum):
    """Where the pictures come from."""

    FOLDER = "folder"
    FILES = "files"


class MaskSource(Enum):
    """Where the masks come from."""

    NONE = "none"
    FOLDER = "folder"
    FILES = "files"
    ONE = "one"


PROPS = ("Prompt", "Negative prompt", "Seed", "CFG scale", "Sampler", "Steps", "Size", "Model hash")
"""What may be taken from a picture's own settings, in A1111's words and order; Size is ours."""


@dataclass(frozen=True)
class BatchSettings:
    """One batch, but for the form.

    Attributes:
        folder, mask_folder, output_folder, info_folder: As the person wrote them; "" = none, and a new folder for results.
        files, mask_files: What was dropped on the page.
        props: Those of `PROPS` that each picture's own settings decide; empty = none.
        info_folder: Pictures of the same names, whose settings count; "" = the pictures themselves.
        has_own_size: Each picture is worked on in its own proportions, at the area of the form's size.
    """

    source: Source = Source.FOLDER
    folder: str = ""
    files: tuple[PictureFile, ...] = ()
    masks: MaskSource = MaskSource.NONE
    mask_folder: str = ""
    mask_files: tuple[PictureFile, ...] = ()
    output_folder: str = ""
    props: tuple[str, ...] = ()
    info_folder: str = ""
    has_own_size: bool = True

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.source.value,
            "folder": self.folder,
            "files": [file.as_json() for file in self.files],
            "masks": self.masks.value,
            "mask_folder": self.mask_folder,
            "mask_files": [file.as_json() for file in self.mask_files],
            "output_folder": self.output_folder,
            "props": list(self.props),
            "info_folder": self.info_folder,
            "has_own_size": self.has_own_size,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> BatchSettings:
        """What `as_json` gave.

        Raises:
            InvalidRequest: It is something else.
        """
        try:
            return cls(
                Source(values["source"]),
                str(values["folder"]),
                tuple(map(PictureFile.from_json, values["files"])),
                MaskSource(values["masks"]),
                str(values["mask_folder"]),
                tuple(map(PictureFile.from_json, values["mask_files"])),
                str(values["output_folder"]),
                tuple(name for name in PROPS if name in values["props"]),
                str(values["info_folder"]),
                bool(values["has_own_size"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidRequest("settings", str(values)[:80], "settings of a batch as the studio writes them") from error
