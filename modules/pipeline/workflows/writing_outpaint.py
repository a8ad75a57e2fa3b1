"""The workflow of a picture that was drawn outwards: ComfyUI's padded canvas, which it paints at once and not crop by crop."""

from __future__ import annotations

import json

from modules.imaging.geometry import Extent
from modules.imaging.outpainting import Outpaint
from modules.pipeline.plan import Plan
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.stages.prepare import flatten_start
from modules.pipeline.workflows.api_format import write_api
from modules.pipeline.workflows.building import GraphBuilder, draw_workflow
from modules.pipeline.workflows.graph import Graph, Link
from modules.pipeline.workflows.notes import describe_outpaint
from modules.pipeline.workflows.own_request import write_own
from modules.pipeline.workflows.own_writing import own_request
from modules.pipeline.workflows.writing import PREFIX, Written
from modules.pipeline.workflows.writing_parts import add_prompts, add_sampler, write_models

GROW_BY = 6
"""ComfyUI's usual growth of the mask."""


def write_outpainted(
    p: StableDiffusionProcessingImg2Img, first: StableDiffusionProcessingImg2Img, wanted: Outpaint, index: int
) -> Written | None:
    """The workflow of picture `index`.

    Args:
        first: The request of its first crop, run.
        wanted: How far the frame was drawn.
    """
    plan = first.plan
    if plan is None or p.context is None or first.sd_model is None:
        return None
    keep = p.context.keep_picture
    start = keep(flatten_start(p.init_images[0], plan))
    size = wanted.margins.canvas(Extent(*p.init_images[0].size))
    graph = _build(first, plan, wanted, start, size)
    own = own_request(p, plan, index, keep)
    extra = {} if own is None else write_own(own, graph)
    drawn = draw_workflow(graph, "\n".join(describe_outpaint(first, plan, wanted)), extra)
    return Written(json.dumps(write_api(graph)), json.dumps(drawn))


def _build(first: StableDiffusionProcessingImg2Img, plan: Plan, wanted: Outpaint, start: str, size: Extent) -> Graph:
    builder, margins = GraphBuilder(), wanted.margins
    model, clip, vae = write_models(builder, first, plan)
    positive, negative = add_prompts(builder, first, plan, 0, clip)
    sides = {"left": margins.left, "right": margins.right, "top": margins.up, "bottom": margins.down}
    loaded = builder.first("LoadImage", image=start)
    padded = builder.add("ImagePadForOutpaint", image=loaded, **sides, feathering=wanted.overlap_px)
    pixels, mask = Link(padded, 0), Link(padded, 1)
    latent = builder.first("VAEEncodeForInpaint", pixels=pixels, vae=vae, mask=mask, grow_mask_by=GROW_BY)
    sampled = add_sampler(builder, first, plan, 0, (model, positive, negative, latent))
    made = builder.first("VAEDecode", samples=sampled, vae=vae)
    cut = {"x": size.width % 8 // 2, "y": size.height % 8 // 2}  # the VAE's centred cut
    laid = builder.first("ImageCompositeMasked", destination=pixels, source=made, **cut, resize_source=False, mask=mask)
    builder.add("SaveImage", images=laid, filename_prefix=PREFIX)
    return builder.graph()
