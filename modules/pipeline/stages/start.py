"""The default `p.init()`: prepare and encode, and show scripts the values they look for on `p`."""

from __future__ import annotations

from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.script_calls import ScriptSampler
from modules.pipeline.stages.encode import encode
from modules.pipeline.stages.prepare import prepare
from modules.pipeline.stages.save import save_start_pictures


def prepare_and_encode(p: StableDiffusionProcessingImg2Img) -> None:
    """Fill `p.prepared` and `p.encoded` from `p.plan` and `p.sd_model`.

    Raises:
        RuntimeError: Called before `process_images` gave `p` a plan, a model and a context.
        InvalidRequest: Mask and picture do not fit together.
    """
    if p.plan is None or p.sd_model is None or p.context is None:
        raise RuntimeError("p.init() runs inside process_images, which gives p its plan, model and context")
    if p.plan.options.save_init_img:
        save_start_pictures(p, p.plan)
    prepared = prepare(p.init_images, p.image_mask, p.latent_mask, p.plan, p.color_corrections or ())
    p.prepared = prepared
    p.notes.extend(note for note in prepared.notes if note not in p.notes)
    box = prepared.masks.box if prepared.masks else None
    p.mask_for_overlay = prepared.masks.overlay if prepared.masks else None
    copies = p.batch_size if len(prepared.overlays) == 1 else 1
    p.overlay_images = list(prepared.overlays) * copies
    p.color_corrections = list(prepared.color_targets) or None
    p.paste_to = None if box is None else (box.x, box.y, box.width, box.height)
    p.encoded = encode(prepared, p.plan, p.sd_model, p.context.cache)
    p.init_latent, p.image_conditioning = p.encoded.latent, p.encoded.concat
    p.nmask = p.encoded.repaint
    p.mask = None if p.nmask is None else 1.0 - p.nmask
    p.sampler = ScriptSampler(p.plan.sampling.sampler, p.plan.sampling.compat)


def complete_init(p: StableDiffusionProcessingImg2Img) -> None:
    """Add what a script's own `init` left out; what it set stays."""
    names = ("init_latent", "image_conditioning", "nmask", "mask", "mask_for_overlay", "overlay_images", "color_corrections", "paste_to")
    chosen = {name: value for name in names if (value := getattr(p, name)) is not None}
    prepare_and_encode(p)
    for name, value in chosen.items():
        setattr(p, name, value)
