"""The one way from the page's form to an `Img2ImgProcessing`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

from PIL import Image

from modules.base.errors import InvalidRequest
from modules.base.registry import load_dotted
from modules.imaging.picture import Picture
from modules.pipeline.infotext_settings import OPTIONS
from modules.web.ui.messages import Told


class Mode(Enum):
    """The ways to work on a picture: one tab each, named as A1111's."""

    IMG2IMG = "img2img"
    INPAINT = "inpaint"

    @property
    def has_mask(self) -> bool:
        return self is Mode.INPAINT


FIELDS: dict[str, tuple[type, float, float]] = {
    "steps": (int, 1, 150),
    "cfg_scale": (float, 1, 30),
    "denoising_strength": (float, 0, 1),
    "width": (int, 64, 2048),
    "height": (int, 64, 2048),
    "n_iter": (int, 1, 100),
    "batch_size": (int, 1, 8),
    "mask_blur": (int, 0, 64),
    "inpaint_full_res_padding": (int, 0, 256),
    "inpainting_mask_invert": (int, 0, 1),
    "inpaint_full_res": (int, 0, 1),
    "resize_mode": (int, 0, 3),
    "seed": (int, -1, 2**63 - 1),
}
"""Numbers of the form: type, least and greatest value."""
TEXTS = ("prompt", "negative_prompt", "sampler_name", "scheduler")
EXTRA_FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "Variation seed": ("subseed", int),
    "Variation seed strength": ("subseed_strength", float),
    "Seed resize from-1": ("seed_resize_from_w", int),
    "Seed resize from-2": ("seed_resize_from_h", int),
    "Image CFG scale": ("image_cfg_scale", float),
}
"""Fields of a request that the form has no widget for: they travel in the list of further settings."""
MASK_FIELDS = ("mask_blur", "inpaint_full_res_padding", "inpainting_mask_invert", "inpaint_full_res")


def read_form(values: Mapping[str, Any], mode: Mode, picture: Picture | None, mask: Image.Image | None) -> Any:
    """Make the request that Generate submits.

    Args:
        values: Widgets' values by `Img2ImgProcessing` field; `checkpoint` is a title.
        picture: What to repaint.
        mask: L, white = repaint; of use in modes with a mask.

    Returns:
        An `Img2ImgProcessing`.

    Raises:
        Told: Picture or mask is missing.
        InvalidRequest: A value is out of range.
    """
    if picture is None:
        raise Told("error.no_picture")
    if mode.has_mask and mask is None:
        raise Told("error.no_mask")
    fields: dict[str, Any] = {name: str(values.get(name) or "") for name in TEXTS}
    fields |= {name: read_number(name, values.get(name)) for name in FIELDS if mode.has_mask or name not in MASK_FIELDS}
    if mode.has_mask:
        fields |= {"image_mask": mask, "inpainting_fill": values["inpainting_fill"], "inpaint_full_res": bool(fields["inpaint_full_res"])}
    extra, overrides = read_entries(values.get("override_settings") or [])
    fields |= extra
    if values.get("checkpoint"):
        overrides["sd_model_checkpoint"] = values["checkpoint"]
    fields["override_settings"] = overrides
    # Where alpha was, the mask is; the colours beneath stay what they are in the file.
    fields["init_images"] = [picture.image.convert("RGB")]
    fields["notes"] = list(picture.notes)
    request: Any = load_dotted("modules.pipeline.processing:Img2ImgProcessing")
    return request(**fields)


def read_number(name: str, value: object) -> int | float:
    """A number of the form, checked.

    Raises:
        InvalidRequest: Missing, not a number, or out of range.
    """
    kind, least, greatest = FIELDS[name]
    wanted = f"{least:g} … {greatest:g}" if greatest < 2**31 else f"≥ {least:g}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not least <= value <= greatest:
        raise InvalidRequest(name, value, wanted)
    return kind(value)


def read_entries(entries: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of a request and options, from "Key: value" texts of the list of further settings; others are left out."""
    fields: dict[str, Any] = {}
    overrides: dict[str, Any] = {}
    for key, value in (entry.split(": ", 1) for entry in entries if ": " in entry):
        if key in OPTIONS:
            overrides[OPTIONS[key]] = value
        elif key in EXTRA_FIELDS:
            name, read = EXTRA_FIELDS[key]
            try:
                fields[name] = read(value)
            except ValueError:
                raise InvalidRequest(key, value, "a number") from None
    return fields, overrides


def write_entries(request: Any) -> list[str]:
    """The texts that `read_entries` would read as the settings of `request`."""
    defaults = type(request)()
    fields = [(key, getattr(request, name), getattr(defaults, name)) for key, (name, _) in EXTRA_FIELDS.items()]
    entries = [f"{key}: {value}" for key, value, default in fields if value != default]
    return entries + [f"{key}: {request.override_settings[name]}" for key, name in OPTIONS.items() if name in request.override_settings]


def form_of(request: Any) -> dict[str, Any]:
    """The widgets' values that would make `request` again."""
    values = {name: getattr(request, name) for name in (*TEXTS, *FIELDS) if name not in MASK_FIELDS or request.image_mask is not None}
    if request.image_mask is not None:
        values |= {"inpainting_fill": request.inpainting_fill, "inpaint_full_res": int(request.inpaint_full_res)}
    return values | {"override_settings": write_entries(request)}
