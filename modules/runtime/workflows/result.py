"""What running a workflow gives back; what a `Processed` offers to those who show or keep it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modules.runtime.batch.result import SavedPictures
from modules.runtime.workflows.inputs import TEMPORARY, FileName


@dataclass(frozen=True)
class KeptPicture:
    """One picture that an output node made.

    Attributes:
        file: As ComfyUI's API names it.
        path: Where it is.
        asset: Its id in the store.
        facts: Infotext, prompt, negative_prompt, seed, model: what is known of how it was made.
    """

    file: FileName
    path: Path
    asset: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For our API."""
        values = {"name": self.file.filename, "subfolder": self.file.subfolder, "type": self.file.type}
        return values | {"asset": self.asset, "infotext": str(self.facts.get("infotext", ""))}


@dataclass
class WorkflowResult:
    """The result of a graph job. The history records what was saved; what was only shown, it does not.

    Attributes:
        made: All pictures, in the order of output nodes.
        by_node: The same by the node that made them.
        notes: What a person should know.
    """

    made: Sequence[KeptPicture] = ()
    by_node: Mapping[str, Sequence[KeptPicture]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    is_interrupted: bool = False
    index_of_first_image: int = 0
    is_mask_replaced: bool = False
    comments: str = ""

    @property
    def saved(self) -> list[KeptPicture]:
        """Those that were saved, not only shown."""
        return [one for one in self.made if one.file.type != TEMPORARY]

    @property
    def images(self) -> SavedPictures:
        return SavedPictures(self.paths)

    @property
    def pictures(self) -> SavedPictures:
        return self.images

    @property
    def paths(self) -> list[Path]:
        return [one.path for one in self.saved]

    @property
    def infotexts(self) -> list[str]:
        return [str(one.facts.get("infotext", "")) for one in self.saved]

    @property
    def all_prompts(self) -> list[str]:
        return [str(one.facts.get("prompt", "")) for one in self.saved]

    @property
    def all_negative_prompts(self) -> list[str]:
        return [str(one.facts.get("negative_prompt", "")) for one in self.saved]

    @property
    def all_seeds(self) -> list[int]:
        return [int(one.facts.get("seed", -1)) for one in self.saved]

    @property
    def seed(self) -> int:
        return next(iter(self.all_seeds), -1)

    @property
    def info(self) -> str:
        return next(iter(self.infotexts), "")

    @property
    def changed_outside_mask(self) -> list[int | None]:
        return [None] * len(self.saved)

    @property
    def seam_scores(self) -> list[float | None]:
        return [None] * len(self.saved)

    def text_of(self, index: int) -> str:
        """The infotext of picture `index` of `images`."""
        return self.infotexts[index]
