"""Work on one layer that takes a while: more pixels, another round of taking apart, repainting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from modules.base.errors import InvalidRequest, PentimentoError
from modules.base.registry import load_dotted
from modules.pipeline.layers.document import LayerDocument
from modules.pipeline.modes import Mode
from modules.runtime.context import JobContext
from modules.runtime.layers.changing import Changing
from modules.runtime.layers.opened import Opened, find_layer
from modules.runtime.layers.splitting import split, splittable
from modules.runtime.layers.task import JobWatch, LayerTask
from modules.runtime.layers.workshop import Workshop
from modules.runtime.presets import Preset, preset_for
from modules.runtime.recipe import FIELDS, Recipe, build_request

FROM_PRESET = (
    "denoising_strength", "steps", "cfg_scale", "sampler_name", "scheduler", "inpainting_fill", "inpaint_full_res", "mask_blur",
    "inpaint_full_res_padding", "width", "height",
)  # fmt: skip
PAINTING, SETTLING, UPSCALING = "painting", "settling", "upscaling"


def plain_upscaler(image: Image.Image, factor: float) -> Image.Image:
    """Lanczos, where no upscaler is chosen."""
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)


def enlarge(workshop: Workshop, task: LayerTask, context: JobContext, watch: JobWatch) -> list[str]:
    """Give a layer the pixels that its scale wants."""
    order = task.order
    named = workshop.upscalers.find(order.get("upscaler") or workshop.options().upscaler_for_img2img)
    watch.tell(0.1, UPSCALING)

    def change(document: LayerDocument, sources: Any) -> LayerDocument:
        make: Any = load_dotted("modules.pipeline.layers.enlarging:enlarge")
        made: LayerDocument = make(document, order["layer"], sources, workshop.fonts, named or plain_upscaler)
        return made

    workshop.library.change(order["document"], None, change, task.user)
    return []


def split_layer(workshop: Workshop, task: LayerTask, context: JobContext, watch: JobWatch) -> list[str]:
    """Take one layer apart into more."""
    order = task.order

    def ask(opened: Opened) -> tuple[Any, Any, str]:
        layer = splittable(opened.document, order["layer"])
        return layer.source, opened.sources.pixels(layer.source), layer.name

    source, pixels, name = workshop.library.look(order["document"], task.user, ask)
    parts, own, notes = workshop.take_apart(pixels, name, order["backend"], order["settings"], watch)
    if len(parts.layers) < 2:
        return ["one_piece"]

    def change(document: LayerDocument, sources: Any) -> LayerDocument:
        if find_layer(document, order["layer"]).source != source:
            raise InvalidRequest("layer", name, "a layer whose pixels were not changed while it was taken apart")
        for part in parts.layers:
            for held in (part.source, part.difference):
                if held is not None:
                    sources.add_png(own.png(held))
        return split(document, order["layer"], parts, sources)

    workshop.library.change(order["document"], None, change, task.user)
    return [str(note["key"]) for note in notes if "key" in note]


def repaint(workshop: Workshop, task: LayerTask, context: JobContext, watch: JobWatch) -> list[str]:
    """Repaint one layer inside its alpha."""
    order, changing = task.order, Changing(workshop)
    mask, grow_px = order.get("mask"), int(order.get("grow_px", 0))
    task.doing = PAINTING
    start = changing.start_repaint(order["document"], order["layer"], task.user, mask=mask, grow_px=grow_px)
    recipe = Recipe(Mode.INPAINT_UPLOAD, order["fields"], start["picture"], start["mask"], alpha="flatten")
    result = workshop.process(build_request(recipe, workshop.store, options=context.options), context)
    if context.is_interrupted():
        return []
    pictures = list(result.pictures)
    if not pictures:
        raise PentimentoError("the run gave no picture")
    task.doing = SETTLING
    keeps_alpha = bool(order.get("keeps_alpha", True))
    given: dict[str, Any] = {"mask": mask, "grow_px": grow_px, "keeps_alpha": keeps_alpha}
    changing.take_repainted(order["document"], None, order["layer"], pictures[0], task.user, **given)
    return [str(note) for note in result.notes]


def repaint_fields(given: Mapping[str, Any], preset: Preset | None = None) -> dict[str, Any]:
    """Fields of the request: what was asked for, else what the page starts with.

    Raises:
        InvalidRequest: A field that an img2img request does not have.
    """
    unknown = sorted(given.keys() - FIELDS)
    if unknown:
        raise InvalidRequest("request", unknown[0], "fields of an img2img request")
    start = preset or preset_for(None)
    return {name: getattr(start, name) for name in FROM_PRESET} | dict(given) | {"n_iter": 1, "batch_size": 1}
