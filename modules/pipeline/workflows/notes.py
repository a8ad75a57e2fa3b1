"""What of a request ComfyUI's nodes cannot say, in words for a Note."""

from __future__ import annotations

from modules.base.errors import UnknownName
from modules.engine.model import ModelKind
from modules.imaging.fills import MaskedContent
from modules.imaging.outpainting import DIRECTIONS, Outpaint
from modules.imaging.resize import ResizeMode
from modules.pipeline.plan import COMFYUI, Plan, blends_seam
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.sampler_names import resolve_sampler
from modules.pipeline.workflows.writing_parts import is_more_than_weights

MADE = "Made with Pentimento. The input pictures are kept there under these names; in ComfyUI, put yours in their place."
SAME = "By ComfyUI's rules: these nodes give the same picture."
AUTOMATIC = "Automatic"
NOT_SAME = "These nodes give a similar picture, not the same one:"


def describe_differences(p: StableDiffusionProcessingImg2Img, plan: Plan) -> list[str]:
    """Lines of the note."""
    found = [*_rules(p, plan), *_pictures(p, plan), *_extras(p, plan)]
    return [MADE, NOT_SAME, *(f"- {line}" for line in found)] if found else [MADE, SAME]


def describe_outpaint(first: StableDiffusionProcessingImg2Img, plan: Plan, wanted: Outpaint) -> list[str]:
    """Lines of the note of a picture that was drawn outwards.

    Args:
        first: The request of its first crop.
    """
    sides = ", ".join(f"{wanted.margins.on(side)} px {side}" for side in DIRECTIONS if wanted.margins.on(side))
    crops = f"in crops of {plan.working.width}x{plan.working.height}, one after another, each faded into what was there"
    told = f"Painted outwards ({sides}) {crops}; these nodes pad the picture and paint the new area at once."
    return [MADE, NOT_SAME, *(f"- {line}" for line in (told, *_rules(first, plan), *_extras(first, plan)))]


def _rules(p: StableDiffusionProcessingImg2Img, plan: Plan) -> list[str]:
    if plan.is_comfyui:
        return []
    told = ["AUTOMATIC1111's rules hold: noise, schedule, steps by strength, prompt weights and the blending under the mask are others."]
    sampling = plan.sampling
    try:
        names = resolve_sampler(sampling.sampler, sampling.scheduler, COMFYUI)
        told.append(f"The sampler was {sampling.sampler} with {sampling.scheduler}; {names[0]} with {names[1]} is its nearest relative.")
    except UnknownName:
        told.append(f"The sampler was {sampling.sampler} with {sampling.scheduler}, which KSampler does not have.")
    if plan.subseed_strength:
        told.append(f"Variation seed strength {plan.subseed_strength:g}.")
    if plan.seed_resize is not None:
        told.append(f"Noise resized from {plan.seed_resize.width}x{plan.seed_resize.height}.")
    if any(is_more_than_weights(text) for text in (*p.prompts, *p.negative_prompts)):
        told.append("A prompt is edited, alternated or joined as it goes (AND, BREAK, [a:b:0.5], [a|b]); here it is plain text.")
    return told


def _pictures(p: StableDiffusionProcessingImg2Img, plan: Plan) -> list[str]:
    masks = None if p.prepared is None else p.prepared.masks
    told = []
    if masks is not None and plan.content in (MaskedContent.LATENT_NOISE, MaskedContent.LATENT_NOTHING):
        told.append(f"Masked content was {plan.content.label}.")
    if masks is not None and plan.options.inpainting_mask_weight not in (0, 1) and p.image_conditioning is not None:
        told.append(f"Conditional mask weight {plan.options.inpainting_mask_weight:g}.")
    if len(p.init_images) > 1:
        told.append(f"A batch over {len(p.init_images)} start pictures, of which one is loaded.")
    if plan.resize_mode is ResizeMode.LATENT and masks is not None:
        told.append("The latents were resized, the mask with the picture.")
    if p.latent_mask is not None:
        told.append("A script gave the latents a mask of their own.")
    return told


def _extras(p: StableDiffusionProcessingImg2Img, plan: Plan) -> list[str]:
    told = []
    if plan.is_tiling:
        told.append("Tileable pictures (circular padding).")
    if plan.options.img2img_color_correction:
        told.append("Colours were matched to the start picture's.")
    if blends_seam(p, plan):
        told.append("The repainted part was led over into its surroundings, band by band.")
    if p.sd_model is not None and p.sd_model.kind is ModelKind.EDIT:
        told.append("The checkpoint edits pictures by instruction; it was given the start picture in a way that no node here has.")
    if plan.options.prediction_override != AUTOMATIC:
        told.append(f"The checkpoint was told to predict {plan.options.prediction_override}, whatever its file says.")
    if p.kept_alpha is not None:
        told.append("The result got the start picture's transparency back.")
    selected, _, alwayson = p.scripts.name_args(p.script_args) if p.scripts is not None else (None, [], {})
    titles = [*filter(None, (selected or p.extra_generation_params.get("Script"),)), *alwayson]
    if titles or "Soft inpainting enabled" in p.extra_generation_params:
        told.append(f"Scripts took part: {', '.join(map(str, titles)) or 'Soft inpainting'}.")
    return told
