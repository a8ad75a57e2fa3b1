"""A1111's classes for upscalers: an extension derives from `Upscaler`, and what it offers is listed with the others."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from modules.backends.upscalers.catalog import SUFFIXES
from modules.backends.upscalers.foreign import FOREIGN
from modules.imaging.upscalers import upscale_in_passes
from modules.runtime.shared_objects import CMD_OPTS, OPTS, SHARED, computing_device

LANCZOS, NEAREST = Image.Resampling.LANCZOS, Image.Resampling.NEAREST


class Upscaler:
    """One kind of upscaler; `scalers` lists what it offers.

    A class that derives from this one is registered when it is defined; it is made once, with the folder of the command line or None.

    Attributes:
        name: Of the kind; also of its folder below `models`.
        scalers: `UpscalerData`, one a choice.
        scale: The factor that was asked for, while `do_upscale` runs.
    """

    name: str | None = None
    model_path: str | None = None
    model_name: str | None = None
    model_url: str | None = None
    enable = True
    filter: Any = None
    model: Any = None
    user_path: str | None = None
    scalers: list[Any] = []  # noqa: RUF012 - A1111's name; instances get their own
    tile = True

    def __init_subclass__(cls, *, is_listed: bool = True, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if is_listed:
            FOREIGN.add(cls)

    def __init__(self, create_dirs: bool = False) -> None:
        self.tile_size, self.tile_pad = OPTS.ESRGAN_tile, OPTS.ESRGAN_tile_overlap
        self.mod_pad_h, self.mod_scale, self.pre_pad, self.scale = None, None, 0, 1.0
        self.img = self.output = None
        self.half, self.can_tile, self.model_download_path = not CMD_OPTS.no_half, True, None
        self.scalers = list(self.scalers)
        if self.model_path is None and self.name:
            self.model_path = str(SHARED.paths.models / self.name)
        if self.model_path and create_dirs:
            os.makedirs(self.model_path, exist_ok=True)

    @cached_property
    def device(self) -> Any:
        """The `torch.device` that computes; a deriving class may set another."""
        return computing_device()

    def do_upscale(self, img: Image.Image, selected_model: str) -> Image.Image:
        """One pass; the deriving class does it."""
        return img

    def upscale(self, img: Image.Image, scale: float, selected_model: str | None = None) -> Image.Image:
        """`img` enlarged by `scale` in at most three passes; sides are multiples of 8 afterwards."""
        self.scale = scale
        return upscale_in_passes(lambda image, _: self.do_upscale(image, selected_model or ""), img, scale)

    def load_model(self, path: str) -> Any:
        """The deriving class does it."""

    def find_models(self, ext_filter: list[str] | None = None) -> list[str]:
        """Model files in this kind's folder and in `user_path`, links followed."""
        suffixes = tuple(suffix.lower() for suffix in ext_filter or SUFFIXES)
        places = [Path(place) for place in (self.user_path, self.model_path) if place]
        found = [path for place in places for path in sorted(place.rglob("*")) if path.suffix.lower() in suffixes and path.is_file()]
        return [str(path) for path in dict.fromkeys(found)]

    def update_status(self, prompt: str) -> None:
        """Tell on the screen what is being done."""
        print(f"\nextras: {prompt}")


class UpscalerData:
    """One choice: its name, its file, and the `Upscaler` that runs it."""

    def __init__(self, name: str, path: str | None, upscaler: Upscaler | None = None, scale: float = 4, model: Any = None) -> None:
        self.name, self.data_path, self.local_data_path = name, path, path
        self.scaler, self.scale, self.model = upscaler, scale, model

    def __repr__(self) -> str:
        return f"<UpscalerData name={self.name} path={self.data_path} scale={self.scale}>"


class UpscalerNone(Upscaler, is_listed=False):
    """Leaves the picture as it is."""

    def __init__(self, dirname: str | None = None) -> None:
        self.name = "None"
        super().__init__(False)
        self.scalers = [UpscalerData("None", None, self)]


class UpscalerLanczos(Upscaler, is_listed=False):
    """Resizes by Lanczos."""

    method = LANCZOS

    def __init__(self, dirname: str | None = None) -> None:
        self.name = self.method.name.capitalize()
        super().__init__(False)
        self.scalers = [UpscalerData(self.name, None, self)]

    def do_upscale(self, img: Image.Image, selected_model: str = "") -> Image.Image:
        return img.resize((int(img.width * self.scale), int(img.height * self.scale)), self.method)


class UpscalerNearest(UpscalerLanczos, is_listed=False):
    """Repeats pixels."""

    method = NEAREST
