"""Taking a picture apart: what every backend gets and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from modules.base.errors import InvalidImage
from modules.imaging.geometry import Box
from modules.imaging.layering.blend_mode import BlendMode, Light
from modules.pipeline.layers.backend_settings import Setting
from modules.pipeline.layers.document import LayerKind, TextAttributes

Pixels = NDArray[np.uint8]
Differences = NDArray[np.int16]


@dataclass(frozen=True)
class Part:
    """One layer as a backend finds it.

    Attributes:
        box: Where it lies, canvas px.
        pixels: (box.height, box.width, 4) uint8 RGBA, straight alpha; None = only a difference.
        difference: (box.height, box.width, 4) int16, added after blending; None = nothing.
        confidence: 0 to 1.
        caster: Place (in the list of parts) of the part that throws this shadow; None = none.
    """

    kind: LayerKind
    name: str
    box: Box
    pixels: Pixels | None
    difference: Differences | None = None
    blend: BlendMode = BlendMode.NORMAL
    confidence: float = 1.0
    text: TextAttributes | None = None
    caster: int | None = None


@dataclass(frozen=True)
class Decomposition:
    """What came of it.

    Attributes:
        parts: Bottom first. Composed in order they are the picture, with a maximum difference of 0.
        comes_apart: False = the picture is one piece: there is only a background.
        notes: Keys and values for what a person should know: {"key": ..., ...}.
        residual: Mean absolute difference over the picture that only makes recomposition exact, of 255 (texture not counted).
        seconds: By step.
        light: In which the parts are exact: the document's.
    """

    parts: tuple[Part, ...]
    comes_apart: bool = True
    notes: tuple[Mapping[str, Any], ...] = ()
    residual: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    light: Light = Light.SRGB


class Watch(Protocol):
    """Whoever waits for it."""

    def tell(self, share: float, doing: str) -> None:
        """`share` 0 to 1 of the work is done; `doing` is a key of a text: "text", "subject", "background", "light", "settling" ..."""
        ...

    def is_interrupted(self) -> bool:
        """Whether to stop; the backend then raises `Interrupted`."""
        ...


def check_picture(picture: Pixels) -> None:
    """Refuse what no backend can take apart.

    Raises:
        InvalidImage: Not (H, W, 4) uint8, or without pixels.
    """
    if picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype != np.uint8 or not picture.size:
        raise InvalidImage("picture", f"{picture.shape} {picture.dtype}", "an RGBA picture of 8 bit with at least one pixel")


class Interrupted(Exception):
    """Somebody asked to stop."""


class Decomposer(Protocol):
    """One way to take pictures apart.

    Attributes:
        name: "built-in", "qwen-image-layered".
        settings: What `decompose` takes, for checks, API and page.
    """

    name: str
    settings: tuple[Setting, ...]

    def why_not(self) -> str:
        """Why it cannot be used here, and what to do; "" = it can."""
        ...

    def decompose(self, picture: Pixels, settings: Mapping[str, Any], watch: Watch) -> Decomposition:
        """Take a picture apart.

        Args:
            picture: (H, W, 4) uint8 RGBA; not modified.
            settings: By name; unknown names and values out of range are an `InvalidRequest`.

        Raises:
            InvalidRequest, MissingModel: It cannot be done.
            Interrupted: As asked.
        """
        ...
