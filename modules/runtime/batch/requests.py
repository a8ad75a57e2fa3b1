"""From a file of a batch to the request that the pipeline runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from modules.base.errors import InvalidImage
from modules.base.registry import load_dotted
from modules.imaging.geometry import Extent
from modules.imaging.picture import Picture, open_picture
from modules.pipeline.modes import Mode
from modules.plugins.runner import ScriptRunner
from modules.runtime.batch.listing import PictureFile
from modules.runtime.batch.pairing import FileProblem, Problem
from modules.runtime.batch.plan import Item
from modules.runtime.batch.png_info import FindCheckpoint, apply_info
from modules.runtime.batch.settings import BatchSettings
from modules.runtime.recipe import Recipe, build_request
from modules.runtime.store import Asset, AssetStore

SIZE_STEP_PX, MIN_SIZE_PX, MAX_SIZE_PX = 8, 64, 2048
MAX_ANISOTROPY = 0.01


@dataclass(frozen=True)
class FileRequest:
    """One file, ready to run.

    Attributes:
        request: An `Img2ImgProcessing`.
        recipe: What makes the same request again; None = nobody keeps it.
        notes: What the person should know, beside the request's own notes.
    """

    request: Any
    recipe: Recipe | None = None
    notes: tuple[str, ...] = ()


class MakeRequest(Protocol):
    """Opens a file's picture and mask and makes its request.

    Raises:
        PentimentoError: The file cannot be used; the batch goes on with the next.
    """

    def __call__(self, item: Item, scripts: ScriptRunner) -> FileRequest: ...


class RecipeRequests:
    """Requests as the form has them, each with its own picture and mask.

    Args:
        recipe: The form; its own pictures do not count.
        seed: In place of a random one.
        store: Keeps pictures and masks, as for every other job.
        find_checkpoint: For settings that name a model.

    Attributes:
        script_args: Values of scripts' controls that the recipe could not keep; None = it has them all.
    """

    def __init__(self, recipe: Recipe, settings: BatchSettings, seed: int, store: AssetStore, find_checkpoint: FindCheckpoint) -> None:
        self._recipe, self._settings, self._seed = recipe, settings, seed
        self._store, self._find_checkpoint = store, find_checkpoint
        self.script_args: Sequence[Any] | None = None

    def __call__(self, item: Item, scripts: ScriptRunner) -> FileRequest:
        asset = self._keep(item.pair.picture, Problem.UNREADABLE)
        picture = self._store.open(asset.id)
        mask, notes = self._mask(item, picture)
        fields, more = self._fields(item, picture)
        if self._settings.has_own_size and "Size" not in self._settings.props and not (mask and fields.get("inpaint_full_res")):
            fields |= fit_area(Extent(*picture.image.size), Extent(fields.get("width", 512), fields.get("height", 512)))
        mode = Mode.INPAINT_UPLOAD if mask else Mode.IMG2IMG
        recipe = dataclasses.replace(self._recipe, mode=mode, fields=fields, picture=asset.id, mask=mask, sketch=None)
        request = build_request(recipe, self._store, None if self.script_args else scripts)
        if self.script_args:
            request.script_args = list(self.script_args)
        request.do_not_save_samples = request.do_not_save_grid = True
        return FileRequest(request, recipe, (*notes, *more))

    def _keep(self, file: PictureFile, problem: Problem) -> Asset:
        try:
            return self._store.add(_read(file), _shown(file), source=file.path)
        except InvalidImage as error:
            raise FileProblem(problem, error.wanted) from error

    def _mask(self, item: Item, picture: Picture) -> tuple[str | None, list[str]]:
        """The id of the mask in the picture's size; its transparency where it has no other."""
        if item.pair.mask is None:
            if self._recipe.alpha != "mask" or picture.image.mode != "RGBA":
                return None, []
            alpha_as_mask: Any = load_dotted("modules.imaging.masks:alpha_as_mask")  # brings OpenCV
            mask = alpha_as_mask(picture.image)
            return (self._store.add_picture(mask).id, []) if mask.getbbox() is not None else (None, [])
        asset = self._keep(item.pair.mask, Problem.UNREADABLE_MASK)
        size = picture.image.size
        if (asset.width, asset.height) == size:
            return asset.id, []
        scaled, note = scale_mask(self._store.mask(asset.id), size)
        return self._store.add_picture(scaled).id, [note]

    def _fields(self, item: Item, picture: Picture) -> tuple[dict[str, Any], list[str]]:
        form = {name: value for name, value in self._recipe.fields.items() if name != "crop_region"}
        if int(form.get("seed", -1)) < 0:
            form["seed"] = self._seed
        if not self._settings.props:
            return form, []
        if item.info is None:
            return form, ["no picture of this name is in the folder of settings; the form's were used"]
        info = picture.info if item.info == item.pair.picture else open_picture(_read(item.info), "settings").info
        return apply_info(info.get("parameters", ""), self._settings.props, form, self._find_checkpoint)


def scale_mask(mask: Image.Image, size: tuple[int, int]) -> tuple[Image.Image, str]:
    """A mask of another resolution brought to the picture's size, and a note about it.

    Raises:
        FileProblem: It has another shape; stretched it would repaint something else.
    """
    if not is_same_shape(mask.size, size):
        raise FileProblem(Problem.MASK_SHAPE, show_sizes(mask.size, size))
    return mask.resize(size), f"the mask was resized from {mask.width}x{mask.height} to {size[0]}x{size[1]}"


def show_sizes(mask: tuple[int, int], picture: tuple[int, int]) -> str:
    """Both sizes, the mask's first."""
    return f"{mask[0]}×{mask[1]}, {picture[0]}×{picture[1]}"


def is_same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes (width, height) have the same proportions, to one per cent."""
    return abs(Extent(*one).aspect / Extent(*other).aspect - 1) <= MAX_ANISOTROPY


def fit_area(picture: Extent, form: Extent) -> Mapping[str, int]:
    """Width and height of the picture's proportions and about the form's area, in multiples of 8."""
    scale = (form.width * form.height / (picture.width * picture.height)) ** 0.5
    scale = min(scale, MAX_SIZE_PX / max(picture.size))  # a panorama becomes smaller, not squeezed
    return {"width": _rounded(picture.width * scale), "height": _rounded(picture.height * scale)}


def _rounded(length_px: float) -> int:
    return int(min(MAX_SIZE_PX, max(MIN_SIZE_PX, round(length_px / SIZE_STEP_PX) * SIZE_STEP_PX)))


def _read(file: PictureFile) -> bytes:
    try:
        return Path(file.path).read_bytes()
    except OSError as error:
        raise InvalidImage("picture", _shown(file), f"a file that can be read ({error.strerror or error})") from error


def _shown(file: PictureFile) -> str:
    return file.name.encode("utf-8", "replace").decode("utf-8")
