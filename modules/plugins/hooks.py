"""Every hook a script can override, in the order a job calls them: one table, read by runner and documentation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hook:
    """One hook.

    Attributes:
        name: The method a `Script` overrides.
        signature: Its parameters after `self`; `*args` are the script's own control values.
        when: The moment of the call.
        doc: One line on what it is for.
    """

    name: str
    signature: str
    when: str
    doc: str


HOOKS = (
    Hook("setup", "p, *args", "a job was accepted", "Prepare state that belongs to this job."),
    Hook("before_process", "p, *args", "before anything is read from p", "Change any field of p."),
    Hook("process", "p, *args", "prompts and seeds are lists now", "Change all_prompts, all_seeds, masks and pictures."),
    Hook(
        "before_process_batch",
        "p, *args, batch_number, prompts, seeds, subseeds",
        "an iteration begins",
        "Change what this iteration paints.",
    ),
    Hook(
        "after_extra_networks_activate",
        "p, *args, batch_number, prompts, seeds, subseeds, extra_network_data",
        "LoRA files were merged",
        "Look at extra networks.",
    ),
    Hook(
        "process_batch",
        "p, *args, batch_number, prompts, seeds, subseeds",
        "just before conditioning",
        "Last change before the prompts are encoded.",
    ),
    Hook("process_before_every_sampling", "p, *args, x, noise, c, uc", "just before the sampler", "See latents and conditioning."),
    Hook(
        "on_mask_blend",
        "p, mba, *args",
        "every blend of latents under the mask",
        "Blend kept and repainted latents your own way (`MaskBlendArgs`).",
    ),
    Hook("post_sample", "p, ps, *args", "the sampler is done", "Change the latents before they are decoded (`PostSampleArgs`)."),
    Hook(
        "postprocess_batch",
        "p, *args, images, batch_number",
        "an iteration is decoded, (B, 3, H, W) in [0, 1]",
        "Change the batch as a tensor.",
    ),
    Hook(
        "postprocess_batch_list",
        "p, pp, *args, batch_number",
        "as above, as a list",
        "Add or drop pictures of the batch (`PostprocessBatchListArgs`).",
    ),
    Hook(
        "postprocess_image",
        "p, pp, *args",
        "one picture, before it goes back into the original",
        "Change the working picture (`PostprocessImageArgs`).",
    ),
    Hook(
        "postprocess_maskoverlay",
        "p, ppmo, *args",
        "before the original is laid over",
        "Change overlay and mask of this picture (`PostProcessMaskOverlayArgs`).",
    ),
    Hook(
        "postprocess_image_after_composite",
        "p, pp, *args",
        "one picture, whole, before it is saved",
        "Change the finished picture (`PostprocessImageArgs`).",
    ),
    Hook("postprocess", "p, processed, *args", "the job is done", "Change or add to the results."),
)

HOOK_NAMES = frozenset(hook.name for hook in HOOKS)
