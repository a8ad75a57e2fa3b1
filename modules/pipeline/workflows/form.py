"""Whether a graph is what the form can say, and how: pattern by pattern, exactly or not at all.

The pattern: checkpoint (a VAE of its own, LoRA files, clip skip) - two prompts - a picture, perhaps scaled - VAEEncode,
VAEEncodeForInpaint, SetLatentNoiseMask or InpaintModelConditioning with a mask out of one file - KSampler - VAEDecode - SaveImage.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.form_parts import FORM_NODES, Misfit, Said, Walk
from modules.pipeline.workflows.graph import Drawing, Graph, GraphNode, Link
from modules.pipeline.workflows.own_request import find_own

LARGEST_STEPS, LARGEST_BATCH, LARGEST_SIDE_PX = 1000, 64, 8192
LARGEST_SEED = 2**53
"""A page's number boxes are JavaScript's: beyond, they round."""


@dataclass(frozen=True)
class FormPicture:
    """A file that the form needs.

    Attributes:
        role: "start" or "mask".
        name: As it stands in the graph.
        channel: Of a mask: "alpha" (what is clear is repainted), "red", "green" or "blue"; "picture" = the file is the mask as it is.
        node: The node that names it.
    """

    role: str
    name: str
    channel: str = ""
    node: str = ""


@dataclass(frozen=True)
class FormMatch:
    """What a graph is as a form.

    Attributes:
        request: Fields as `/sdapi/v1/img2img` names them, pictures left out; `width` and `height` are missing where they are the start
            picture's. Empty where the graph is no form.
        pictures: Files to be given as `init_images` and `mask`.
        said: (text id, values) a thing that was set, in the order of the form.
        why_not: (text id, values) a reason why the form cannot say it; empty = it can.
        recipe: Further values of a studio's recipe (scripts ...), for pictures made here.
    """

    request: Mapping[str, Any] = field(default_factory=dict)
    pictures: tuple[FormPicture, ...] = ()
    said: tuple[Said, ...] = ()
    why_not: tuple[Said, ...] = ()
    recipe: Mapping[str, Any] | None = None

    @property
    def fits(self) -> bool:
        return not self.why_not


def to_form(graph: Graph, drawing: Drawing | None = None, extra: Mapping[str, Any] | None = None) -> FormMatch:
    """The form that gives exactly what `graph` gives; or why there is none.

    Args:
        graph: Checked or not: what is missing or wrong is a reason why not.
        drawing: Not needed; what is only drawn changes no picture.
        extra: The file's `extra`: a request of ours in it counts, as long as nobody changed the nodes since.
    """
    own = find_own(graph, extra)
    if own is not None:
        pictures = tuple(FormPicture(**each) for each in own.pictures)
        return FormMatch({**own.request, "alpha_mask": False}, pictures, (("workflow_form.own", {}),), recipe=own.recipe)
    try:
        return _match(graph)
    except Misfit as misfit:
        return FormMatch(why_not=tuple(misfit.reasons))


def _match(graph: Graph) -> FormMatch:
    walk = Walk(graph)
    output = _find_output(graph)
    strangers = [node for node in walk.upstream(output) if node.class_type not in FORM_NODES]
    if strangers:
        raise Misfit(*(("workflow_form.not.node", {"node": node.id, "type": node.class_type}) for node in strangers))
    decode = walk.giver(output, "images", ("VAEDecode",))
    sampler = walk.giver(decode, "samples", ("KSampler", "KSamplerAdvanced"))
    request, said = _read_sampler(walk, sampler)
    start = _read_start(walk, sampler)
    model = walk.read_models(sampler, start.texts, [decode, *start.encoders])
    prompts = walk.read_prompts(start.texts, model)
    request |= prompts.fields | start.fields
    request |= {"alpha_mask": False, "override_settings": _options(model.options, start.options)}
    _check_limits(request, sampler)
    told = (("workflow_form.rules", {}), *model.said, *prompts.said, *start.said, *said)
    return FormMatch(request, start.pictures, told)


def _find_output(graph: Graph) -> GraphNode:
    """The one node that shows or saves; several are one where they show the same."""
    outputs = [node for node in graph.nodes.values() if (known := DEFINITIONS.get(node.class_type)) and known.is_output]
    if not outputs:
        raise Misfit(("workflow_form.not.no_output", {}))
    sources = {(node.class_type == "MaskPreview", node.inputs.get("images") or node.inputs.get("mask")) for node in outputs}
    if len(sources) > 1:
        raise Misfit(("workflow_form.not.outputs", {"nodes": ", ".join(node.id for node in outputs)}))
    return next((node for node in outputs if node.class_type == "SaveImage"), outputs[0])


def _read_sampler(walk: Walk, sampler: GraphNode) -> tuple[dict[str, Any], list[Said]]:
    is_advanced = sampler.class_type == "KSamplerAdvanced"
    if is_advanced:
        steps = walk.number(sampler, "steps")
        wanted = {"add_noise": "enable", "return_with_leftover_noise": "disable", "start_at_step": 0}
        for name, value in wanted.items():
            if walk.value(sampler, name) != value:
                raise Misfit(("workflow_form.not.part_of_steps", {"node": sampler.id, "input": name}))
        if walk.number(sampler, "end_at_step") < steps:
            raise Misfit(("workflow_form.not.part_of_steps", {"node": sampler.id, "input": "end_at_step"}))
    request = {
        "sampler_name": walk.text(sampler, "sampler_name"),
        "scheduler": walk.text(sampler, "scheduler"),
        "steps": int(walk.number(sampler, "steps")),
        "cfg_scale": walk.number(sampler, "cfg"),
        "denoising_strength": 1.0 if is_advanced else walk.number(sampler, "denoise"),
        "seed": int(walk.number(sampler, "noise_seed" if is_advanced else "seed")),
        "n_iter": 1,
    }
    told = {name: request[name] for name in ("sampler_name", "scheduler", "steps", "cfg_scale", "denoising_strength", "seed")}
    return request, [("workflow_form.sampler", told)]


@dataclass
class _Start:
    """How the sampler's first latents come about."""

    fields: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    pictures: tuple[FormPicture, ...] = ()
    encoders: list[GraphNode] = field(default_factory=list)
    texts: tuple[Link, Link] = (Link("", 0), Link("", 0))
    said: list[Said] = field(default_factory=list)


def _read_start(walk: Walk, sampler: GraphNode) -> _Start:
    texts = walk.link(sampler, "positive"), walk.link(sampler, "negative")
    link, batch, mask = walk.link(sampler, "latent_image"), 1, None
    for _ in walk.graph.nodes:
        node = walk.node(link)
        if node.class_type not in ("RepeatLatentBatch", "SetLatentNoiseMask"):
            break
        if node.class_type == "RepeatLatentBatch":
            batch *= int(walk.number(node, "amount"))
        else:
            mask = mask or walk.link(node, "mask")  # the one nearest to the sampler counts
        link = walk.link(node, "samples")
    conditioner = None
    if walk.node(texts[0]).class_type == "InpaintModelConditioning":
        conditioner = walk.node(texts[0])
        if texts[1].node != conditioner.id or (texts[0].output, texts[1].output) != (0, 1) or node.id != conditioner.id:
            raise Misfit(("workflow_form.not.conditioning", {"node": conditioner.id}))
        texts = walk.link(conditioner, "positive"), walk.link(conditioner, "negative")
    start = _Start(texts=texts, encoders=[node])
    if node.class_type not in ("VAEEncode", "VAEEncodeForInpaint", "InpaintModelConditioning"):
        reason = "workflow_form.not.no_start" if node.class_type == "EmptyLatentImage" else "workflow_form.not.latents"
        raise Misfit((reason, {"node": node.id, "type": node.class_type}))
    if node.class_type == "InpaintModelConditioning" and (conditioner is None or link.output != 2):
        raise Misfit(("workflow_form.not.conditioning", {"node": node.id}))
    _read_encoder(walk, node, mask, start)
    _read_picture(walk, node, start)
    start.fields["batch_size"] = batch
    if batch > 1:
        start.said.append(("workflow_form.batch", {"count": batch}))
    return start


def _read_encoder(walk: Walk, node: GraphNode, noise_mask: Link | None, start: _Start) -> None:
    """Which fill, growth and mask the encoding stands for."""
    own = walk.link(node, "mask") if node.class_type != "VAEEncode" else None
    if own is not None and noise_mask is not None:
        raise Misfit(("workflow_form.not.two_masks", {"node": node.id}))
    start.fields |= {"inpainting_fill": 1, "grow_mask_by": 0, "mask_blur": 0, "inpaint_full_res": False, "inpainting_mask_invert": 0}
    start.options["inpainting_mask_weight"] = 1.0
    if node.class_type == "VAEEncodeForInpaint":
        grow_by = int(walk.number(node, "grow_mask_by"))
        start.fields |= {"inpainting_fill": "neutral", "grow_mask_by": grow_by}
        start.said.append(("workflow_form.grey", {"grow_by": grow_by}))
    elif node.class_type == "InpaintModelConditioning":
        if walk.value(node, "noise_mask") is not True:
            raise Misfit(("workflow_form.not.whole_picture", {"node": node.id}))
        start.said.append(("workflow_form.original", {}))
    elif noise_mask is not None:
        start.options["inpainting_mask_weight"] = 0.0
        start.said.append(("workflow_form.original", {}))
    link = own or noise_mask
    if link is not None:
        mask, is_inverted = walk.read_mask(link)
        start.pictures = (FormPicture("mask", **mask),)
        start.fields["inpainting_mask_invert"] = int(is_inverted)
        start.said.append(("workflow_form.mask", {"name": mask["name"], "channel": mask["channel"]}))
        if is_inverted:
            start.said.append(("workflow_form.inverted", {}))


def _read_picture(walk: Walk, encoder: GraphNode, start: _Start) -> None:
    node, link = walk.giver(encoder, "pixels", None), walk.link(encoder, "pixels")
    start.fields["resize_mode"] = 0
    if node.class_type == "ImageScale":
        width, height = int(walk.number(node, "width")), int(walk.number(node, "height"))
        is_ours = walk.text(node, "upscale_method") == "lanczos" and walk.text(node, "crop") == "disabled"
        if not is_ours or not (width and height):
            raise Misfit(("workflow_form.not.scaling", {"node": node.id}))
        start.fields |= {"width": width, "height": height}
        start.said.append(("workflow_form.scaled", {"width": width, "height": height}))
        node, link = walk.giver(node, "image", None), walk.link(node, "image")
    if node.class_type != "LoadImage" or link.output != 0:
        raise Misfit(("workflow_form.not.picture", {"node": node.id, "type": node.class_type}))
    name = walk.text(node, "image")
    start.pictures = (FormPicture("start", name, node=node.id), *start.pictures)
    start.said.insert(0, ("workflow_form.start", {"name": name}))


def _options(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """What the form's own habits would add is off."""
    settings: dict[str, Any] = {
        "compat": "comfyui",
        "overlay_inpaint": False,
        "img2img_color_correction": False,
        "enable_prompt_comments": False,
        "sd_lora": "None",
        "upscaler_for_img2img": "None",
        "tiling": False,
        "prediction_override": "Automatic",
    }
    for part in parts:
        settings |= part
    return settings


def _check_limits(request: Mapping[str, Any], sampler: GraphNode) -> None:
    limits = {
        "steps": LARGEST_STEPS,
        "batch_size": LARGEST_BATCH,
        "width": LARGEST_SIDE_PX,
        "height": LARGEST_SIDE_PX,
        "seed": LARGEST_SEED,
    }
    for name, most in limits.items():
        if request.get(name, 0) > most:
            raise Misfit(("workflow_form.not.beyond", {"node": sampler.id, "field": name, "value": str(request[name]), "most": str(most)}))


def leave_out_known(match: FormMatch, options: Any) -> FormMatch:
    """The match without settings that are in force anyway.

    Args:
        options: The `Options` in force.
    """
    settings = match.request.get("override_settings")
    if not settings:
        return match
    current = options.as_dict()
    changed = {name: value for name, value in settings.items() if name not in current or current[name] != value}
    return dataclasses.replace(match, request={**match.request, "override_settings": changed})
