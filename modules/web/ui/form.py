"""The one way from the page's form to an `Img2ImgProcessing`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modules.base.errors import InvalidRequest
from modules.base.registry import load_dotted
from modules.pipeline.infotext_settings import OPTIONS
from modules.pipeline.modes import Mode
from modules.runtime.recipe import Recipe, is_json
from modules.settings.options import option_fields
from modules.web.ui.messages import Told

FIELDS: dict[str, tuple[type, float, float]] = {
    "steps": (int, 1, 150),
    "cfg_scale": (float, 1, 30),
    "denoising_strength": (float, 0, 1),
    "width": (int, 64, 2048),
    "height": (int, 64, 2048),
    "n_iter": (int, 1, 100),
    "batch_size": (int, 1, 8),
    "mask_blur": (int, 0, 64),
    "grow_mask_by": (int, 0, 64),
    "inpaint_full_res_padding": (int, 0, 256),
    "inpainting_mask_invert": (int, 0, 1),
    "inpaint_full_res": (int, 0, 1),
    "resize_mode": (int, 0, 3),
    "seed": (int, -1, 2**63 - 1),
    "mask_alpha": (float, 0, 100),
}
"""Numbers of the form: type, least and greatest value."""
COMPATS: tuple[str, ...] = tuple(str(choice) for choice in option_fields()["compat"].choices)
"""Whose rules a request may follow; the widget stands for an option of the request, not for a field."""
TEXTS = ("prompt", "negative_prompt", "sampler_name", "scheduler")
EXTRA_FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "Variation seed": ("subseed", int),
    "Variation seed strength": ("subseed_strength", float),
    "Seed resize from-1": ("seed_resize_from_w", int),
    "Seed resize from-2": ("seed_resize_from_h", int),
    "Image CFG scale": ("image_cfg_scale", float),
}
"""Fields of a request that the form has no widget for: they travel in the list of further settings."""
WITH_WIDGETS = ("sd_model_checkpoint", "compat")
"""Options of a request that have a widget of their own; others travel in the list of further settings."""
NOT_OF_REQUEST = ("mask_alpha", "checkpoint")
"""Widgets that are no field of an `Img2ImgProcessing`."""
MASK_FIELDS = ("mask_blur", "grow_mask_by", "inpaint_full_res_padding", "inpainting_mask_invert", "inpaint_full_res")


def recipe_from(
    values: Mapping[str, Any],
    mode: Mode,
    document: Mapping[str, Any],
    script: tuple[str | None, Sequence[Any], Mapping[str, Sequence[Any]]] = (None, (), {}),
) -> Recipe:
    """What the form and the canvas ask for.

    Args:
        values: Widgets' values by field; `checkpoint` is a title, `override_settings` the list of further settings.
        document: The canvas's value.
        script: Selected script's title and values, and those of always-on scripts by title: `ScriptRunner.name_args`.

    Raises:
        Told: Picture, mask or sketch is missing.
        InvalidRequest: A value is out of range.
    """
    picture = document.get("picture")
    if picture is None and mode is not Mode.BATCH:
        raise Told("error.no_picture")
    frame = document.get("frame") if mode is Mode.INPAINT else None
    if mode in (Mode.INPAINT, Mode.INPAINT_UPLOAD) and document.get("mask") is None and frame is None:
        raise Told("error.no_mask")
    if mode is Mode.INPAINT_SKETCH and document.get("sketch") is None:
        raise Told("error.no_sketch")
    mask_alpha = float(read_number("mask_alpha", values.get("mask_alpha", 0)))
    title, args, alwayson = script
    return Recipe(
        mode,
        _read_fields(values, has_mask=mode.has_mask or mode is Mode.BATCH) | ({"outpaint": dict(frame)} if frame else {}),
        picture["id"] if picture else None,
        document.get("mask") if mode in (Mode.INPAINT, Mode.INPAINT_UPLOAD) else None,
        document.get("sketch") if mode.has_sketch else None,
        str(document.get("alpha") or "mask"),
        mask_alpha,
        title,
        tuple(args) if is_json(list(args)) else (),
        {name: tuple(entry) for name, entry in alwayson.items() if is_json(list(entry))},
        is_whole=is_json(list(args)) and all(is_json(list(entry)) for entry in alwayson.values()),
    )


def _read_fields(values: Mapping[str, Any], *, has_mask: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {name: str(values.get(name) or "") for name in TEXTS}
    numbers = (name for name in FIELDS if name not in NOT_OF_REQUEST and (has_mask or name not in MASK_FIELDS))
    fields |= {name: read_number(name, values.get(name)) for name in numbers}
    if has_mask:
        fields |= {"inpainting_fill": values["inpainting_fill"], "inpaint_full_res": bool(fields["inpaint_full_res"])}
        if values.get("crop_region"):
            fields["crop_region"] = [int(edge) for edge in values["crop_region"]]
    if values.get("styles"):
        fields["styles"] = [str(name) for name in values["styles"]]
    extra, overrides = read_entries(values.get("override_settings") or [])
    if values.get("checkpoint"):
        overrides["sd_model_checkpoint"] = values["checkpoint"]
    if values.get("compat"):
        overrides["compat"] = _read_compat(values["compat"])
    return fields | extra | {"override_settings": overrides}


def _read_compat(value: object) -> str:
    if value not in COMPATS:
        raise InvalidRequest("compat", value, " or ".join(COMPATS))
    return str(value)


def widgets_of(recipe: Recipe) -> dict[str, Any]:
    """The widgets' values that would make `recipe` again, by field; what the recipe leaves out has its default."""
    make_request: Any = load_dotted("modules.pipeline.processing:Img2ImgProcessing")
    request = make_request(**recipe.fields)
    has_mask = recipe.mode.has_mask or recipe.mode is Mode.BATCH
    names = [name for name in (*TEXTS, *FIELDS) if name not in NOT_OF_REQUEST and (has_mask or name not in MASK_FIELDS)]
    values = {name: getattr(request, name) for name in names} | {"styles": list(request.styles), "mask_alpha": recipe.mask_alpha}
    if has_mask:
        values |= {"inpainting_fill": request.inpainting_fill, "inpaint_full_res": int(request.inpaint_full_res)}
        values["mask_blur"] = request.mask_blur if request.mask_blur is not None else request.mask_blur_x
        values["crop_region"] = recipe.fields.get("crop_region")
    chosen = {"checkpoint": "sd_model_checkpoint", "compat": "compat"}
    options = {widget: request.override_settings[name] for widget, name in chosen.items() if request.override_settings.get(name)}
    return values | {"override_settings": write_entries(request)} | options


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
    """Fields of a request and options, from "Key: value" texts of the list of further settings; others are left out.

    An option goes by infotext's word for it, or by its name where infotext has none.
    """
    fields: dict[str, Any] = {}
    overrides: dict[str, Any] = {}
    for key, value in (entry.split(": ", 1) for entry in entries if ": " in entry):
        if key in OPTIONS:
            overrides[OPTIONS[key]] = value
        elif key in option_fields() and key not in WITH_WIDGETS:
            overrides[key] = value
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
    words = {name: key for key, name in OPTIONS.items()}
    order = [*OPTIONS.values(), *option_fields()]
    options = {name: value for name, value in request.override_settings.items() if name in order and name not in WITH_WIDGETS}
    return entries + [f"{words.get(name, name)}: {options[name]}" for name in sorted(options, key=order.index)]
