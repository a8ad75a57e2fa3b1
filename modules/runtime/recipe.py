"""All that a person asked for, as plain data: what a job is made from, and what history keeps of it.

Pictures are named by their ids in the `AssetStore`, so that a recipe is small, survives a restart, and makes the same request again.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from PIL import Image

from modules.base.errors import InvalidRequest
from modules.base.registry import load_dotted
from modules.imaging.picture import Picture, flatten
from modules.imaging.sketches import lay_sketch, split_sketch
from modules.pipeline.modes import Mode
from modules.plugins.runner import ScriptRunner
from modules.settings.options import Options

EXTRAS, LAYERS, WORKFLOW = "extras", "layers", "workflow"
ASSET_KEY = "pentimento_asset"
"""In the `info` of a start picture: the id of what it was opened from; its pixels may have changed since."""
ALPHA_CHOICES = ("mask", "keep", "flatten")
NUMBERS = (
    *("seed", "subseed", "subseed_strength", "seed_resize_from_h", "seed_resize_from_w", "batch_size", "n_iter", "steps", "cfg_scale"),
    *("width", "height", "restore_faces", "tiling", "eta", "denoising_strength", "s_min_uncond", "s_churn", "s_tmax", "s_tmin", "s_noise"),
    *("resize_mode", "image_cfg_scale", "mask_blur_x", "mask_blur_y", "mask_round", "inpainting_fill", "grow_mask_by", "inpaint_full_res"),
    *("inpaint_full_res_padding", "inpainting_mask_invert", "initial_noise_multiplier", "refiner_switch_at", "disable_extra_networks"),
)
TEXTS = ("prompt", "negative_prompt", "styles", "sampler_name", "scheduler", "override_settings", "refiner_checkpoint")
FIELDS = frozenset({*NUMBERS, *TEXTS, "mask_blur", "crop_region", "outpaint"})
"""Fields of an `Img2ImgProcessing` that a recipe may set; all hold JSON values."""


class Store(Protocol):
    """What is needed of the `AssetStore`."""

    def open(self, asset_id: str) -> Picture: ...

    def mask(self, asset_id: str) -> Image.Image: ...

    def add_picture(self, image: Image.Image, infotext: str | None = None) -> Any: ...


@dataclass(frozen=True)
class Recipe:
    """One request.

    Attributes:
        fields: JSON values by `Img2ImgProcessing` field, those of `FIELDS`; what is left out has its default.
        picture, mask, sketch: Asset ids. The mask is L, white = repaint; the sketch is RGBA; both of the picture's size.
        alpha: What the picture's transparency means: "mask" = its colours count, it was made the mask; "keep" = results get it back;
            "flatten" = the background colour shows through.
        mask_alpha: How weakly painted parts of an inpaint sketch are repainted, percent.
        script: Title of the selected script; None = none.
        script_args: Values of its controls.
        alwayson: Values of the controls of always-on scripts, by title.
        extras: Values of post-processing scripts by name and argument, if the picture went through these instead of the model.
        layers: The order of work on layers (`runtime.layers.task`), if it is that and no request for the model.
        workflow: The graph to run (`runtime.workflows.task`), if it is that.
        is_whole: Every value of a script could be kept; without it the recipe makes a similar job, not the same.
    """

    mode: Mode = Mode.IMG2IMG
    fields: Mapping[str, Any] = field(default_factory=dict)
    picture: str | None = None
    mask: str | None = None
    sketch: str | None = None
    alpha: str = "mask"
    mask_alpha: float = 0.0
    script: str | None = None
    script_args: tuple[Any, ...] = ()
    alwayson: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    extras: Mapping[str, Mapping[str, Any]] | None = None
    layers: Mapping[str, Any] | None = None
    workflow: Mapping[str, Any] | None = None
    is_whole: bool = True

    @property
    def made_in(self) -> str:
        """Where on the page it is made: a mode's value, "extras", "layers" or "workflow"."""
        if self.layers is not None or self.workflow is not None:
            return LAYERS if self.layers is not None else WORKFLOW
        return self.mode.value if self.extras is None else EXTRAS

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        values = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        alwayson = {title: list(args) for title, args in self.alwayson.items()}
        return values | {"mode": self.mode.value, "fields": dict(self.fields), "script_args": list(self.script_args), "alwayson": alwayson}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Recipe:
        """What `as_json` gave, perhaps in an older or newer version: what is unknown is left out.

        Raises:
            InvalidRequest: It is no recipe.
        """
        known = {entry.name for entry in dataclasses.fields(cls)}
        try:
            given = {name: value for name, value in values.items() if name in known}
            given["mode"] = Mode(given.get("mode", Mode.IMG2IMG.value))
            given["fields"] = {name: value for name, value in dict(given.get("fields", {})).items() if name in FIELDS}
            given["script_args"] = tuple(given.get("script_args", ()))
            given["alwayson"] = {title: tuple(args) for title, args in dict(given.get("alwayson", {})).items()}
            if given.get("extras") is not None:
                given["extras"] = {name: dict(values) for name, values in dict(given["extras"]).items()}
            if given.get("layers") is not None:
                given["layers"] = dict(given["layers"])
            if given.get("workflow") is not None:
                given["workflow"] = dict(given["workflow"])
            return cls(**given)
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidRequest("recipe", str(values)[:80], "a recipe as the studio writes it") from error


def build_request(
    recipe: Recipe, store: Store, scripts: ScriptRunner | None = None, *, options: Options | None = None, is_only_read: bool = False
) -> Any:
    """The `Img2ImgProcessing` that a recipe stands for.

    Args:
        store: Has the pictures.
        scripts: Those that take part; None = the job's context brings them, and the recipe's script values are left out.
        options: Those in force, for the colour under what is painted over a transparent picture; None = as they are at first.
        is_only_read: Nobody will change the pictures of the request, so that they need no copy.

    Raises:
        InvalidRequest: There is no picture or mask where the mode needs one, the sizes differ, or a field or script is unknown.
        UnknownAsset: A picture is gone.
    """
    if any(other is not None for other in (recipe.extras, recipe.layers, recipe.workflow)):
        raise InvalidRequest("recipe", recipe.made_in, "a recipe for the model; this one is other work")
    if recipe.picture is None:
        raise InvalidRequest("picture", None, "a picture to start from")
    if recipe.alpha not in ALPHA_CHOICES:
        raise InvalidRequest("alpha", recipe.alpha, "one of " + ", ".join(ALPHA_CHOICES))
    unknown = recipe.fields.keys() - FIELDS
    if unknown:
        raise InvalidRequest("fields", ", ".join(sorted(unknown)), "fields of an img2img request")
    picture = store.open(recipe.picture)
    is_shared = is_only_read and picture.image.mode == "RGB"
    image = picture.image if is_shared else _copy(recipe, picture.image, options or Options())
    start, mask = _start_and_mask(recipe, image, store)
    start.info[ASSET_KEY] = recipe.picture
    start.info.update({name: value for name, value in picture.image.info.items() if name == "icc_profile"})
    make_request: Any = load_dotted("modules.pipeline.processing:Img2ImgProcessing")
    request = make_request(**recipe.fields, init_images=[start], image_mask=mask, notes=list(picture.notes))
    if recipe.alpha == "keep" and picture.image.mode == "RGBA":
        request.kept_alpha = picture.image.getchannel("A")
    if scripts is not None:
        alwayson = {title: {"args": list(args)} for title, args in recipe.alwayson.items()}
        request.script_args = scripts.assemble_args(recipe.script, recipe.script_args, alwayson)
    return request


def _copy(recipe: Recipe, image: Image.Image, options: Options) -> Image.Image:
    """Paint lies on the background; where nothing is painted the run flattens the picture itself, with the options of then."""
    if recipe.alpha != "flatten":
        return image.convert("RGB")
    if not (recipe.mode.has_sketch and recipe.sketch):
        return image.copy()
    changes = recipe.fields.get("override_settings") or {}
    return flatten(image, options.coerced(changes, ignore_unknown=True).img2img_background_color)


def _start_and_mask(recipe: Recipe, image: Image.Image, store: Store) -> tuple[Image.Image, Image.Image | None]:
    mode = recipe.mode
    sketch = _layer(store.open(recipe.sketch).image, image, "sketch") if mode.has_sketch and recipe.sketch else None
    if mode is Mode.SKETCH and sketch is not None:
        return lay_sketch(image.convert("RGB"), sketch), None
    if mode is Mode.INPAINT_SKETCH:
        if sketch is None:
            raise InvalidRequest("sketch", None, "colours painted over the picture")
        blur_px = recipe.fields.get("mask_blur") or 0
        return split_sketch(image.convert("RGB"), sketch, recipe.mask_alpha, blur_px)
    if not mode.has_mask or (recipe.mask is None and recipe.fields.get("outpaint")):
        return image, None
    if recipe.mask is None:
        raise InvalidRequest("mask", None, "a mask")
    return image, _layer(store.mask(recipe.mask), image, "mask")


def _layer(layer: Image.Image, picture: Image.Image, name: str) -> Image.Image:
    if layer.size != picture.size:
        raise InvalidRequest(name, f"{layer.width}x{layer.height}", f"the picture's size {picture.width}x{picture.height}")
    return layer


def recipe_of(request: Any, store: Store, scripts: ScriptRunner | None = None) -> Recipe:
    """The recipe of a request that came without one (over the API); its pictures go to the store.

    Args:
        request: An `Img2ImgProcessing` that has not run.
        scripts: Names its script values; None = they are left out.

    Raises:
        SaveFailed: The pictures cannot be stored.
    """
    defaults = type(request)()
    values = {name: getattr(request, name, None) for name in sorted(FIELDS - {"mask_blur"})}
    fields = {name: value for name, value in values.items() if value != getattr(defaults, name, None) and is_json(value)}
    picture = store.add_picture(request.init_images[0]).id if request.init_images else None
    to_mask: Any = load_dotted("modules.imaging.masks:to_mask")
    if picture is not None:
        request.init_images[0].info[ASSET_KEY] = picture
    mask = None if request.image_mask is None else store.add_picture(to_mask(request.image_mask, bool(request.mask_round))).id
    script, script_args, alwayson = (None, [], {}) if scripts is None else scripts.name_args(request.script_args)
    kept = {title: tuple(args) for title, args in alwayson.items() if is_json(args)}
    is_whole = len(request.init_images) <= 1 and request.latent_mask is None and len(kept) == len(alwayson) and is_json(script_args)
    outside = Mode.INPAINT if fields.get("outpaint") else Mode.IMG2IMG  # the canvas draws frames in that tab
    mode = outside if mask is None else Mode.INPAINT_UPLOAD
    args = tuple(script_args) if is_json(script_args) else ()
    return Recipe(mode, fields, picture, mask, alpha="flatten", script=script, script_args=args, alwayson=kept, is_whole=is_whole)


def is_json(value: object) -> bool:
    """Whether a value can be kept as JSON and comes back the same."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == _listed(value))
    except (TypeError, ValueError):
        return False


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
