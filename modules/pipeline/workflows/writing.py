"""The workflow that every result carries: ComfyUI's nodes for what the form was told, and a note for what they cannot say."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from modules.imaging.fills import MaskedContent
from modules.imaging.geometry import Box
from modules.imaging.resize import ResizeMode, inner_extent
from modules.pipeline.plan import Plan
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.stages.prepare import MaskSet, flatten_start
from modules.pipeline.workflows.api_format import write_api
from modules.pipeline.workflows.building import GraphBuilder, draw_workflow
from modules.pipeline.workflows.graph import Graph, Link
from modules.pipeline.workflows.notes import describe_differences
from modules.pipeline.workflows.own_request import write_own
from modules.pipeline.workflows.own_writing import own_request
from modules.pipeline.workflows.writing_parts import add_prompts, add_sampler, grown_mask, write_models

PREFIX = "Pentimento"


@dataclass(frozen=True)
class Written:
    """A workflow, ready for a file.

    Attributes:
        prompt: JSON of the API format.
        workflow: JSON of the UI format.
    """

    prompt: str
    workflow: str

    @property
    def items(self) -> dict[str, str]:
        """Texts by chunk."""
        return {"prompt": self.prompt, "workflow": self.workflow}


def write_workflow(p: StableDiffusionProcessingImg2Img, plan: Plan, index: int) -> Written | None:
    """The workflow of picture `index` of the whole job; None where there is nothing that nodes could start from.

    Call it in the iteration that made the picture.
    """
    if p.prepared is None or p.context is None or p.sd_model is None or not p.init_images:
        return None
    keep = p.context.keep_picture
    graph = _build(p, plan, index, keep)
    own = own_request(p, plan, index, keep)
    extra = {} if own is None else write_own(own, graph)
    drawn = draw_workflow(graph, "\n".join(describe_differences(p, plan)), extra)
    return Written(json.dumps(write_api(graph)), json.dumps(drawn))


def _build(p: StableDiffusionProcessingImg2Img, plan: Plan, index: int, keep: Callable[[Image.Image], str]) -> Graph:
    builder, place = GraphBuilder(), index % plan.batch_size
    model, clip, vae = write_models(builder, p, plan)
    positive, negative = add_prompts(builder, p, plan, place, clip)
    canvas, pixels = _add_picture(builder, p, plan, place, keep)
    masks = None if p.prepared is None else p.prepared.masks
    start = _Start(builder, p, plan, place, keep)
    latent, positive, negative = start.add(pixels, vae, positive, negative)
    if plan.resize_mode is ResizeMode.LATENT:
        size = {"width": plan.working.width, "height": plan.working.height}
        latent = builder.first("LatentUpscale", samples=latent, upscale_method="bilinear", crop="disabled", **size)
    if plan.batch_size > 1:
        latent = builder.first("RepeatLatentBatch", samples=latent, amount=plan.batch_size)
    sampled = add_sampler(builder, p, plan, place, (model, positive, negative, latent))
    picture = builder.first("VAEDecode", samples=sampled, vae=vae)
    if plan.batch_size > 1:
        picture = builder.first("ImageFromBatch", image=picture, batch_index=place, length=1)
    if masks is not None and plan.options.overlay_inpaint and p.overlay_images:
        picture = _paste_back(builder, plan, masks, canvas, picture, keep, pixels)
    builder.add("SaveImage", images=picture, filename_prefix=PREFIX)
    return builder.graph()


def _add_picture(
    builder: GraphBuilder, p: StableDiffusionProcessingImg2Img, plan: Plan, place: int, keep: Callable[[Image.Image], str]
) -> tuple[Link, Link]:
    """What results are laid into, and what is encoded."""
    prepared = p.prepared
    if prepared is None:
        raise RuntimeError("p.init() left nothing prepared")
    image = p.init_images[min(place, len(p.init_images) - 1)]
    canvas, picture = (each[min(place, len(each) - 1)] for each in (prepared.canvases, prepared.pictures))
    box = None if prepared.masks is None else prepared.masks.box
    size, is_plain = canvas.size, plan.upscaler is None
    if is_plain and (image.size == size or plan.resize_mode is ResizeMode.STRETCH):
        laid = builder.first("LoadImage", image=keep(flatten_start(image, plan)))
        if image.size != size:
            laid = _scale(builder, laid, size)
    else:
        laid = builder.first("LoadImage", image=keep(canvas))
    is_filled = plan.content in (MaskedContent.FILL, MaskedContent.PATCHMATCH) and prepared.masks is not None
    if is_filled:
        return laid, builder.first("LoadImage", image=keep(picture))
    if box is None:
        return laid, laid
    if not is_plain or box.width * plan.working.height != box.height * plan.working.width:
        return laid, builder.first("LoadImage", image=keep(picture))
    cropped = builder.first("ImageCrop", image=laid, x=box.x, y=box.y, width=box.width, height=box.height)
    return laid, cropped if box.extent == plan.working else _scale(builder, cropped, plan.working.size)


def _scale(builder: GraphBuilder, image: Link, size: tuple[int, int]) -> Link:
    return builder.first("ImageScale", image=image, upscale_method="lanczos", width=size[0], height=size[1], crop="disabled")


@dataclass(frozen=True)
class _Start:
    """Adds how the sampler's first latents come about."""

    builder: GraphBuilder
    p: StableDiffusionProcessingImg2Img
    plan: Plan
    place: int
    keep: Callable[[Image.Image], str]

    def add(self, pixels: Link, vae: Link, positive: Link, negative: Link) -> tuple[Link, Link, Link]:
        """The latent, and the conditioning that goes with it."""
        add, plan, prepared = self.builder.add, self.plan, self.p.prepared
        masks = None if prepared is None else prepared.masks
        if masks is None or prepared is None:
            return self.builder.first("VAEEncode", pixels=pixels, vae=vae), positive, negative
        mask = self._load(masks.model)
        if plan.content is MaskedContent.NEUTRAL:
            grow_by = masks.grow_by if plan.is_comfyui else plan.grow_mask_by
            return self.builder.first("VAEEncodeForInpaint", pixels=pixels, vae=vae, mask=mask, grow_mask_by=grow_by), positive, negative
        picture = prepared.pictures[min(self.place, len(prepared.pictures) - 1)]
        grown = grown_mask(masks, picture, plan)
        if plan.options.inpainting_mask_weight == 0:
            latent = self.builder.first("VAEEncode", pixels=pixels, vae=vae)
            noise_mask = mask if grown is None else self._load(grown)
            return self.builder.first("SetLatentNoiseMask", samples=latent, mask=noise_mask), positive, negative
        given = {"positive": positive, "negative": negative, "pixels": pixels, "vae": vae, "mask": mask, "noise_mask": True}
        node = add("InpaintModelConditioning", **given)
        latent = Link(node, 2)
        if grown is not None:
            latent = self.builder.first("SetLatentNoiseMask", samples=latent, mask=self._load(grown))
        return latent, Link(node, 0), Link(node, 1)

    def _load(self, mask: Image.Image) -> Link:
        return self.builder.first("LoadImageMask", image=self.keep(mask), channel="red")


def _paste_back(
    builder: GraphBuilder, plan: Plan, masks: MaskSet, canvas: Link, picture: Link, keep: Callable[[Image.Image], str], pixels: Link
) -> Link:
    """The result over the start picture, through the mask of the overlay."""
    box, over = masks.box, masks.overlay
    cut = plan.working.width % 8, plan.working.height % 8
    if any(cut) and plan.resize_mode is not ResizeMode.LATENT:  # the VAE's centred cut; what it left away is the start picture's
        given = {"destination": pixels, "source": picture, "x": cut[0] // 2, "y": cut[1] // 2, "resize_source": False}
        picture = builder.first("ImageCompositeMasked", **given)
    if box is None:
        box = Box(0, 0, over.width, over.height)
    elif box.extent != plan.working:
        inner = inner_extent(plan.working, box.extent, is_covering=True)
        picture = _scale(builder, picture, inner.size)
        if inner != box.extent:
            place = {"x": inner.width // 2 - box.width // 2, "y": inner.height // 2 - box.height // 2}
            picture = builder.first("ImageCrop", image=picture, **place, width=box.width, height=box.height)
    mask = builder.first("LoadImageMask", image=keep(over.crop(box.edges)), channel="red")
    return builder.first("ImageCompositeMasked", destination=canvas, source=picture, x=box.x, y=box.y, resize_source=False, mask=mask)
