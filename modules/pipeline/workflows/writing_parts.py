"""Nodes for models, prompts, masks and sampling, as a request has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from PIL import Image

from modules.base.errors import InvalidRequest, UnknownName
from modules.engine.comfyui.inpainting import grow_mask, mask_for_encoding
from modules.engine.prompts.attention import parse_attention
from modules.imaging.fills import MaskedContent
from modules.pipeline.extra_networks import read_loras
from modules.pipeline.plan import COMFYUI, Plan
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.sampler_names import resolve_sampler
from modules.pipeline.stages.encode_comfyui import to_mask_values, to_unit
from modules.pipeline.stages.prepare import MaskSet
from modules.pipeline.workflows.building import GraphBuilder
from modules.pipeline.workflows.graph import Link

FALLBACK = ("euler", "normal")


def write_models(builder: GraphBuilder, p: StableDiffusionProcessingImg2Img, plan: Plan) -> tuple[Link, Link, Link]:
    """Links to model, text encoder and VAE."""
    if p.sd_model is None:
        raise RuntimeError("a picture was made by a model")
    loader = builder.add("CheckpointLoaderSimple", ckpt_name=p.sd_model.name)
    model, clip, vae = (Link(loader, output) for output in range(3))
    if p.sd_model.vae_name:
        vae = builder.first("VAELoader", vae_name=p.sd_model.vae_name)
    for use in read_loras(p):
        strengths = {"strength_model": use.unet, "strength_clip": use.te}
        node = builder.add("LoraLoader", model=model, clip=clip, lora_name=use.file_name, **strengths)
        model, clip = Link(node, 0), Link(node, 1)
    # By A1111's rules a model that was trained with another layer keeps it.
    if plan.options.CLIP_stop_at_last_layers > 1 and (plan.is_comfyui or p.sd_model.text.own_clip_skip == 1):
        clip = builder.first("CLIPSetLastLayer", clip=clip, stop_at_clip_layer=-plan.options.CLIP_stop_at_last_layers)
    return model, clip, vae


def add_prompts(builder: GraphBuilder, p: StableDiffusionProcessingImg2Img, plan: Plan, place: int, clip: Link) -> tuple[Link, Link]:
    """Both prompts, in ComfyUI's way of writing."""
    made: list[Link] = []
    uses = [use for given in (p.c, p.uc) for use in getattr(given, "uses", ())]
    names = sorted({name for use in uses for name, _ in use.embeddings}, key=len, reverse=True)
    for text, title in ((p.prompts[place], "Positive prompt"), (p.negative_prompts[place], "Negative prompt")):
        made.append(builder.first("CLIPTextEncode", text=text if plan.is_comfyui else rewrite(text, names), clip=clip))
        builder.name(made[-1], title)
    return made[0], made[1]


def rewrite(prompt: str, embeddings: Sequence[str] = ()) -> str:
    """An A1111 prompt with its weights as ComfyUI writes them, all absolute; as it is where it holds more than weights.

    Args:
        embeddings: Names of textual inversions in it, the longest first; ComfyUI takes them as `embedding:NAME`.
    """
    if embeddings:
        words = "|".join(map(re.escape, embeddings))
        prompt = re.sub(rf"(?<![\w:])({words})(?!\w)", r"embedding:\1", prompt)
    try:
        parts = parse_attention(prompt)
    except InvalidRequest:
        return prompt
    if is_more_than_weights(prompt):
        return prompt
    pieces = ((part.text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)"), part.weight) for part in parts)
    return "".join(text if weight == 1.0 else f"({text}:{round(weight, 4):g})" for text, weight in pieces)


def is_more_than_weights(prompt: str) -> bool:
    """Whether a prompt joins, breaks, edits or alternates texts."""
    has_edits = "[" in prompt and (":" in prompt[prompt.index("[") :] or "|" in prompt)
    return has_edits or "BREAK" in prompt or " AND " in f" {prompt} "


def grown_mask(masks: MaskSet, picture: Image.Image, plan: Plan) -> Image.Image | None:
    """The mask for latents, where it is another than the model's: L; None where it is the same."""
    if plan.is_comfyui and masks.grow_by and plan.content is not MaskedContent.NEUTRAL:
        _, fitted = mask_for_encoding(to_mask_values(masks.latent), to_unit(picture))
        values = grow_mask(fitted, masks.grow_by)[0, 0] * 255
        return Image.fromarray(values.numpy().astype("uint8"))
    return None if masks.latent is masks.model or masks.latent.tobytes() == masks.model.tobytes() else masks.latent.convert("L")


def add_sampler(
    builder: GraphBuilder, p: StableDiffusionProcessingImg2Img, plan: Plan, place: int, given: tuple[Link, Link, Link, Link]
) -> Link:
    """The sampler's latents.

    Args:
        given: Model, positive, negative, latent.
    """
    sampling = plan.sampling
    names = FALLBACK
    with suppress(UnknownName):
        names = resolve_sampler(sampling.sampler, sampling.scheduler, COMFYUI)
    values: dict[str, Any] = {"steps": sampling.steps, "cfg": float(sampling.cfg_scale), "sampler_name": names[0], "scheduler": names[1]}
    values |= {"seed": p.seeds[place] % 2**64, "denoise": float(min(max(sampling.strength, 0.0), 1.0))}
    links = dict(zip(("model", "positive", "negative", "latent_image"), given, strict=True))
    return builder.first("KSampler", **links, **values)
