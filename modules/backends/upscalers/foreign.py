"""Upscalers that extensions bring: classes with A1111's `Upscaler` interface."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from modules.base.errors import ScriptFailed
from modules.imaging.upscalers import NamedUpscaler

log = logging.getLogger(__name__)


class ForeignUpscalers:
    """Classes as they are defined, and what they offer. One that fails is named, logged and left out."""

    def __init__(self) -> None:
        self._classes: dict[tuple[str, str], type] = {}
        self._offers: dict[type, list[NamedUpscaler]] = {}

    def add(self, kind: type) -> None:
        """Remember a class; one of the same module and name takes the place of the one before."""
        self._classes[kind.__module__, kind.__qualname__] = kind

    def remove(self, kind: type) -> None:
        """Forget a class."""
        self._classes.pop((kind.__module__, kind.__qualname__), None)
        self._offers.pop(kind, None)

    def all(self) -> Iterator[NamedUpscaler]:
        """What the classes offer; each is made once, when first asked for."""
        for kind in list(self._classes.values()):
            if kind not in self._offers:
                self._offers[kind] = _offers_of(kind)
            yield from self._offers[kind]


FOREIGN = ForeignUpscalers()
"""Filled by the classes themselves when an extension defines them, as scripts are: there is one of each in a process."""


@dataclass(frozen=True)
class ForeignUpscaler(NamedUpscaler):
    """An upscaler of an extension.

    Attributes:
        owner: Its `Upscaler`.
    """

    owner: Any = None

    def __call__(self, image: Image.Image, scale: float) -> Image.Image:
        """Raises ScriptFailed when the extension does, or gives no picture."""
        try:
            result = self.owner.upscale(image, scale, self.data_path)
        except Exception as error:
            raise ScriptFailed(f"the upscaler {self.name!r} failed: {error}") from error
        if not isinstance(result, Image.Image):
            raise ScriptFailed(f"the upscaler {self.name!r} gave {type(result).__name__}, wanted a picture")
        return result

    @property
    def scaler(self) -> Any:
        """The extension's own object."""
        return self.owner


def _offers_of(kind: type) -> list[NamedUpscaler]:
    try:
        owner = kind(None)  # A1111's rule: the folder of the command line, or None
        return [_wrap(owner, data) for data in getattr(owner, "scalers", None) or []]
    except (Exception, SystemExit):
        log.exception("the upscaler class %s.%s cannot be used and is left out", kind.__module__, kind.__qualname__)
        return []


def _wrap(owner: Any, data: Any) -> NamedUpscaler:
    name, scale = str(data.name), data.scale if isinstance(data.scale, int | float) else 4
    path = None if data.data_path is None else str(data.data_path)
    model = str(getattr(owner, "model_name", None) or name)
    return ForeignUpscaler(name, lambda image, _: image, scale, path, model, owner=getattr(data, "scaler", None) or owner)
