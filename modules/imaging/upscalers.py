"""Upscalers by name: the built-in ones here; higher floors add those that need a model.

A1111's rule holds for all of them: enlarge in at most three passes to the wanted factor, rounded down to sizes that are multiples of 8.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from modules.base.errors import InvalidRequest
from modules.base.registry import Registry
from modules.imaging.geometry import Extent

Step = Callable[[Image.Image, float], Image.Image]
"""(RGB image, wanted factor) -> the image after one pass, enlarged by that factor or by the only one that the method has."""

MAX_PASSES = 3
MAX_RESULT_PX = 16384 * 16384
"""Most pixels that a pass may make: 0.8 GB of RGB."""
NO_UPSCALER = "None"


@dataclass(frozen=True)
class NamedUpscaler:
    """An upscaler; call it with an image and a factor.

    Attributes:
        name: As it is chosen.
        step: One pass.
        scale: The factor that one pass was made for, as `/sdapi/v1/upscalers` tells it.
        data_path: The model's file, for those that have one.
        model_name, model_url: What the API tells besides.
    """

    name: str
    step: Step
    scale: float = 4.0
    data_path: str | None = None
    model_name: str | None = None
    model_url: str | None = None

    def __call__(self, image: Image.Image, scale: float) -> Image.Image:
        """Enlarge by `scale`; sides are multiples of 8 afterwards."""
        return upscale_in_passes(self.step, image, scale)

    @property
    def scaler(self) -> NamedUpscaler:
        """A1111's scripts call `upscaler.scaler.upscale(...)`."""
        return self

    def upscale(self, image: Image.Image, scale: float, data_path: str | None = None) -> Image.Image:
        """The same as a call; `data_path` is this upscaler's own."""
        return self(image, scale)


def upscale_in_passes(step: Step, image: Image.Image, scale: float) -> Image.Image:
    """Repeat one enlarging step until the target is reached, at most three times, then resize to it by Lanczos.

    The target is `scale` times the size, rounded down to a multiple of 8.

    Raises:
        ValueError: Nothing would be left of the picture.
        InvalidRequest: The result would be too large, or `scale` is no number.
    """
    if not math.isfinite(scale):
        raise InvalidRequest("scale", scale, "a finite number")
    target = Extent(int(image.width * scale // 8 * 8), int(image.height * scale // 8 * 8))
    if min(target.size) < 8:
        raise ValueError(f"{image.width}x{image.height} px times {scale:g} is less than 8 px")
    check_result_size(*target.size, f"a picture of {image.width}x{image.height} px, {scale:g} times as large")
    for index in range(MAX_PASSES):
        if image.width >= target.width and image.height >= target.height and (index > 0 or scale != 1):
            break
        before = image.size
        image = step(image, scale)
        if image.size == before:
            break
    return image if image.size == target.size else image.resize(target.size, Image.Resampling.LANCZOS)


def check_result_size(width: int, height: int, what: str) -> None:
    """Refuse to make a picture of more than `MAX_RESULT_PX`.

    Args:
        what: What would make it, in words.

    Raises:
        InvalidRequest: It is too large.
    """
    if width * height > MAX_RESULT_PX:
        raise InvalidRequest("upscaler", what, f"a result of at most {MAX_RESULT_PX / 1e6:.0f} megapixels, not {width}x{height}")


def _scale_with(method: Image.Resampling) -> Step:
    return lambda image, scale: image.resize((int(image.width * scale), int(image.height * scale)), method)


def _registry() -> Registry[NamedUpscaler]:
    registry: Registry[NamedUpscaler] = Registry("upscaler")
    for upscaler in (
        NamedUpscaler(NO_UPSCALER, lambda image, scale: image),
        NamedUpscaler("Lanczos", _scale_with(Image.Resampling.LANCZOS)),
        NamedUpscaler("Nearest", _scale_with(Image.Resampling.NEAREST)),
    ):
        registry.add(upscaler.name, upscaler)
    return registry


UPSCALERS = _registry()
"""All upscalers, in the order in which they are listed."""


def find_upscaler(name: str | None) -> NamedUpscaler | None:
    """The upscaler of that name; None for "None" and an empty name: a plain resize.

    Raises:
        UnknownName: There is none of that name.
    """
    if not name or UPSCALERS.resolve(name) == NO_UPSCALER:
        return None
    return UPSCALERS.get(name)
