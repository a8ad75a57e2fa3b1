"""The checkpoint in memory: loaded when a job asks, kept between jobs, replaced when its file is."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, Protocol

from modules.base.errors import BrokenCheckpoint, MissingModel, UnknownName, UnsupportedCheckpoint

logger = logging.getLogger(__name__)

Signature = tuple[int, int]


class Checkpoint(Protocol):
    """What the pool reads of a `backends.catalog.CheckpointInfo`."""

    @property
    def path(self) -> Path: ...
    @property
    def title(self) -> str: ...
    @property
    def is_builtin(self) -> bool: ...
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
        load: Turns a checkpoint, and the settings given to `ensure`, into a `DiffusionModel`.
        settings: What else loading a checkpoint depends on where `ensure` is not told.
        on_loaded: Told every model that was loaded.
    """

    def __init__(
        self,
        catalog: Catalog,
        load: Callable[[Any, Any], Any],
        settings: Callable[[Any], Hashable] = lambda info: None,
        on_loaded: Callable[[Any], object] = lambda model: None,
    ) -> None:
        self._catalog, self._load, self._settings, self._on_loaded = catalog, load, settings, on_loaded
        self._lock = threading.RLock()
        self._model: Any = None
        self._info: Any = None
        self._signature: Signature | None = None
        self._loaded_with: Hashable = None

    @property
    def loaded(self) -> Any:
        """The `CheckpointInfo` in memory, or None."""
        return self._info

    @property
    def model(self) -> Any:
        """The `DiffusionModel` in memory, or None; nothing is loaded."""
        return self._model

    def choose(self, name: str | None) -> Any:
        """The checkpoint meant by `name`; empty means the built-in one, else the first that can run.

        Raises:
            UnknownName: Nothing matches `name`.
            MissingModel: No name was given and there is nothing to run.
            UnsupportedCheckpoint: It is known, but cannot run.
        """
        if name:
            info = self._find(name)
            if not info.is_supported:
                raise UnsupportedCheckpoint(f"{info.title}: {info.reason}")
            return info
        usable = [info for info in self._catalog.scan() if info.is_supported]
        if not usable:
            raise MissingModel("no checkpoint is installed: put a .safetensors file into models/Stable-diffusion and refresh")
        return next((info for info in usable if info.is_builtin), usable[0])

    def get(self, name: str | None = None) -> Any:
        """The model for `name`; see `choose` and `ensure`."""
        return self.ensure(self.choose(name))

    def ensure(self, info: Any, settings: Hashable = None) -> Any:
        """The model of a checkpoint, loaded if it is not the one in memory, or if its file or `settings` changed.

        When loading fails, the model that was in memory stays.

        Args:
            info: Entry of the catalogue.
            settings: What else its loading depends on (precision, VAE ...); None = as the pool's own `settings` say.

        Raises:
            BrokenCheckpoint: The file cannot be loaded, or is gone.
        """
        with self._lock:
            signature, settings = _signature(info.path), self._settings(info) if settings is None else settings
            if self._model is not None and self._info.path == info.path:
                if (signature, settings) == (self._signature, self._loaded_with):
                    return self._model
                logger.info("%s, or how it is to be read, changed; loading it anew", info.path.name)
                info = self._scan_again(info.path)
            logger.info("loading %s", info.title)
            model = self._load(info, settings)
            self._model, self._info, self._signature, self._loaded_with = model, info, signature, settings
            self._on_loaded(model)
            return model

    def _scan_again(self, path: Path) -> Any:
        for info in self._catalog.scan():
            if info.path == path:
                if not info.is_supported:
                    raise BrokenCheckpoint(f"{path.name} was replaced by something that cannot run: {info.reason}")
                return info
        raise BrokenCheckpoint(f"{path.name} is gone; choose another checkpoint")

    def _find(self, name: str) -> Any:
        """`name` as the catalogue knows it, then after a new scan, then without its hash: a replaced file has another one."""
        for attempt in (name, name, re.sub(r"\s+\[[0-9a-fA-F]*\]$", "", name)):
            try:
                return self._catalog.find(attempt)
            except UnknownName as error:
                unknown = error
                self._catalog.scan()
        raise unknown

    def unload(self) -> None:
        """Forget the model; the next `get` loads it again."""
        with self._lock:
            self._model, self._info, self._signature = None, None, None


def _signature(path: Path) -> Signature:
    """Sizes and newest time of a file and the YAML beside it, or of a folder's files; (0, 0) when it is gone."""
    try:
        if path.is_dir():
            statuses = [file.stat() for file in path.rglob("*") if file.is_file()]
        else:
            config = path.with_suffix(".yaml")
            statuses = [path.stat(), *([config.stat()] if config.is_file() else [])]
    except OSError:
        return 0, 0
    return sum(status.st_size for status in statuses), max((status.st_mtime_ns for status in statuses), default=0)
