"""The checkpoint in memory: loaded when a job asks, kept between jobs, replaced when its file is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from modules.base.errors import MissingModel, UnsupportedCheckpoint

logger = logging.getLogger(__name__)

Signature = tuple[int, int]
BUILTIN_LABEL = "built-in"


class Checkpoint(Protocol):
    """What the pool reads of a `backends.catalog.CheckpointInfo`."""

    @property
    def path(self) -> Path: ...
    @property
    def title(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def is_supported(self) -> bool: ...
    @property
    def reason(self) -> str | None: ...


class Catalog(Protocol):
    """What the pool asks of a `backends.catalog.Catalog`."""

    def scan(self) -> list[Any]: ...
    def find(self, name: str) -> Any: ...


class ModelPool:
    """Holds one loaded model.

    Args:
        catalog: Knows the checkpoints.
        load: Turns a checkpoint into a `DiffusionModel`.
    """

    def __init__(self, catalog: Catalog, load: Callable[[Any], Any]) -> None:
        self._catalog, self._load = catalog, load
        self._lock = threading.RLock()
        self._model: Any = None
        self._info: Any = None
        self._signature: Signature | None = None

    @property
    def loaded(self) -> Any:
        """The `CheckpointInfo` in memory, or None."""
        return self._info

    def choose(self, name: str | None) -> Any:
        """The checkpoint meant by `name`; empty means the built-in one, else the first that can run.

        Raises:
            UnknownName: Nothing matches `name`.
            MissingModel: No name was given and there is nothing to run.
            UnsupportedCheckpoint: It is known, but cannot run.
        """
        if name:
            info = self._catalog.find(name)
            if not info.is_supported:
                raise UnsupportedCheckpoint(f"{info.title}: {info.reason}")
            return info
        usable = [info for info in self._catalog.scan() if info.is_supported]
        if not usable:
            raise MissingModel("no checkpoint is installed: put a .safetensors file into models/Stable-diffusion and refresh")
        return next((info for info in usable if info.label.startswith(BUILTIN_LABEL)), usable[0])

    def get(self, name: str | None = None) -> Any:
        """The model for `name`, loaded if it is not the one in memory or if its file changed.

        When loading fails, the model that was in memory stays.

        Raises:
            UnknownName, MissingModel, UnsupportedCheckpoint: As `choose`.
            BrokenCheckpoint: The file cannot be loaded.
        """
        with self._lock:
            info = self.choose(name)
            signature = _signature(info.path)
            if self._model is not None and self._info.path == info.path:
                if signature == self._signature:
                    return self._model
                logger.info("%s changed on disk; loading it anew", info.path.name)
                self._catalog.scan()
                info = self.choose(name)
            logger.info("loading %s", info.title)
            model = self._load(info)
            self._model, self._info, self._signature = model, info, signature
            return model

    def unload(self) -> None:
        """Forget the model; the next `get` loads it again."""
        with self._lock:
            self._model, self._info, self._signature = None, None, None


def _signature(path: Path) -> Signature:
    """Size and time of a file, or of the newest file of a folder; (0, 0) when it is gone."""
    try:
        if not path.is_dir():
            status = path.stat()
            return status.st_size, status.st_mtime_ns
        statuses = [file.stat() for file in path.rglob("*") if file.is_file()]
    except OSError:
        return 0, 0
    return sum(status.st_size for status in statuses), max((status.st_mtime_ns for status in statuses), default=0)
