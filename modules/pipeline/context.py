"""What the pipeline needs from whoever runs it; `runtime` fulfils this, and so does a test."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from modules.base.paths import Paths
from modules.plugins.runner import ScriptRunner
from modules.settings.options import Options

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from modules.backends.embeddings.catalog import EmbeddingCatalog
    from modules.backends.loras.catalog import LoraCatalog
    from modules.backends.upscalers.catalog import UpscalerCatalog
    from modules.engine.model import DiffusionModel
    from modules.pipeline.processing import StableDiffusionProcessing


class RunContext(Protocol):
    """One job's view of the world.

    Attributes:
        options: Snapshot at the time the job began.
        cache: Results that outlive a job: conditioning and encoded pictures.
        user: Who asked, for infotext; empty when unknown.
        loras: LoRA files that prompts may name.
        embeddings: Textual inversions that prompts may name.
        upscalers: Upscalers that options and scripts may name.
    """

    options: Options
    paths: Paths
    cache: ReuseCache
    user: str
    loras: LoraCatalog
    embeddings: EmbeddingCatalog
    upscalers: UpscalerCatalog

    def model(self, name: str | None, options: Options | None = None) -> DiffusionModel:
        """The model whose checkpoint `name` names (None or empty: the configured one), loaded.

        `options` are given when the job wants it loaded otherwise than configured (`Options.loading`).

        Raises:
            MissingModel, UnknownName, BrokenCheckpoint, UnsupportedCheckpoint: It cannot be had.
        """
        ...

    def script_runner(self) -> ScriptRunner:
        """Scripts that take part in jobs that bring none of their own."""
        ...

    def expect(self, images: int) -> None:
        """So many iterations will be run in all, unless a script has told how many."""
        ...

    def begin(self, images: int, steps: int) -> None:
        """So many iterations of so many steps lie ahead."""
        ...

    def begin_iteration(self, index: int) -> None:
        """Iteration `index` (0 first) starts."""
        ...

    def on_step(self, step: int, total: int, latent: Tensor, model: DiffusionModel) -> None:
        """`step` of `total` is done; `latent` (B, C, h, w) is the current estimate."""
        ...

    def is_interrupted(self) -> bool:
        """Stop the job as soon as possible."""
        ...

    def is_skipped(self) -> bool:
        """Stop the iteration in hand."""
        ...

    def clear_skip(self) -> None:
        """The skip was heeded."""
        ...

    def on_saved(self, path: Path, infotext: str) -> None:
        """A picture is on disk."""
        ...

    def keep_picture(self, image: Image) -> str:
        """Keep a start picture or mask (L or RGB) for workflows; returns the name by which they load it."""
        ...


RUNNING: ContextVar[StableDiffusionProcessing | None] = ContextVar("RUNNING", default=None)
"""The request that `process_images` runs in this thread, the innermost where a script runs others; None outside a job."""


class ReuseCache:
    """A small least-recently-used table.

    Args:
        capacity: Entries kept.
    """

    def __init__(self, capacity: int = 32) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[Hashable, Any] = OrderedDict()

    def __getitem__(self, key: Hashable) -> Any:
        self._entries.move_to_end(key)
        return self._entries[key]

    def __setitem__(self, key: Hashable, value: Any) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def get_or_make(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The entry under `key`, made now if it is not there."""
        if key not in self._entries:
            self[key] = make()
        return self[key]
