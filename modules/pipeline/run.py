"""The one way a request is run."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.devices import NansException
from modules.engine.model import DiffusionModel
from modules.engine.prompts.limits import check_length
from modules.imaging.fills import MaskedContent
from modules.imaging.grid import choose_rows
from modules.imaging.metadata import WORKFLOW_TAGS
from modules.imaging.outpainting import Outpaint
from modules.imaging.seams import score_seam
from modules.pipeline.comments import strip_comments
from modules.pipeline.contact_sheet import lay_out_grid
from modules.pipeline.context import RUNNING, RunContext
from modules.pipeline.extra_networks import activate, deactivate, parse_prompts
from modules.pipeline.infotext import build_infotext, note_mask_keys, note_prompt_keys, note_sampling_keys
from modules.pipeline.outpaint import OUTPAINT_KEY, outpaint, read_outpaint
from modules.pipeline.plan import COMFYUI, Plan, blends_seam, check_request, derive_plan, resolve_seed
from modules.pipeline.processed import Processed
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.sampling_checks import check_levels, check_seeds
from modules.pipeline.stages.compose import Composed, compose, count_outside, restore_alpha
from modules.pipeline.stages.decode import decode, to_picture
from modules.pipeline.stages.prepare import Prepared
from modules.pipeline.stages.sample import encode_prompts, make_noise, plan_sampling
from modules.pipeline.stages.save import folder_for_scripts, save_grid, save_picture
from modules.pipeline.stages.start import complete_init
from modules.pipeline.styles import apply_styles
from modules.pipeline.unmet import describe_unmet
from modules.pipeline.workflows.writing import Written, write_workflow
from modules.pipeline.workflows.writing_outpaint import write_outpainted
from modules.plugins.hook_arguments import (
    PostprocessBatchListArgs,
    PostprocessImageArgs,
    PostProcessMaskOverlayArgs,
    PostSampleArgs,
)
from modules.plugins.runner import ScriptRunner

logger = logging.getLogger(__name__)


@dataclass
class Results:
    """What iterations add to."""

    pictures: list[Image.Image] = field(default_factory=list)
    extras: list[list[Image.Image]] = field(default_factory=list)
    infotexts: list[str] = field(default_factory=list)
    paths: list[Path | None] = field(default_factory=list)
    changed: list[int | None] = field(default_factory=list)
    has_new_masks: bool = False
    seams: list[float | None] = field(default_factory=list)


def process_images(p: StableDiffusionProcessingImg2Img, context: RunContext | None = None) -> Processed:
    """Run a request: its selected script, or the ordinary way. Runs that a script makes are always the ordinary way.

    Args:
        p: The request; filled in while it runs.
        context: Models, options, progress; scripts leave it out and stay within the job that runs them.

    Raises:
        RuntimeError: Called outside a job, without a context.
        InvalidRequest: A field cannot be used.
        MissingModel, BrokenCheckpoint, UnsupportedCheckpoint: No model to run it on.
        SaveFailed: A result could not be written.
    """
    if not isinstance(p, StableDiffusionProcessingImg2Img):
        raise InvalidRequest("p", type(p).__name__, "StableDiffusionProcessingImg2Img: pictures are repainted here, start from one")
    outer = RUNNING.get()
    context = p.context = context or p.context or (outer.context if outer else None)
    if context is None:
        raise RuntimeError("process_images runs inside a job: give it the context of one, or a p that a job was given")
    before, options = p.options, context.options.coerced(p.override_settings)
    p.options = context.options if outer is None else options
    # A job that a script makes of its own has the scripts it is given: that script would be called again and again.
    p.scripts = p.scripts or (context.script_runner() if outer is None else ScriptRunner())
    p.script_args = p.script_args or p.scripts.default_args()
    p.outpath_samples = p.outpath_samples or folder_for_scripts(context.paths, options.outdir_samples or options.outdir_img2img_samples)
    p.outpath_grids = p.outpath_grids or folder_for_scripts(context.paths, options.outdir_grids or options.outdir_img2img_grids)
    token = RUNNING.set(p)
    try:
        if not p.scripts_setup_complete:
            p.scripts_setup_complete = True
            p.scripts.dispatch("setup", p)
        # As in A1111, a selected script sees the program's options; the request's own hold within the runs that it makes.
        processed = p.scripts.run_selected(p) if outer is None else None
        if processed is None:
            p.options = context.options.coerced(p.override_settings)
            processed = process_images_inner(p)
        return processed
    finally:
        RUNNING.reset(token)
        if outer is not None:
            p.options = before


def process_images_inner(p: StableDiffusionProcessingImg2Img) -> Processed:
    """Run a request whose context and options are set, without its selected script."""
    if p.context is None or p.scripts is None:
        raise RuntimeError("process_images gives p its context")
    wanted = read_outpaint(p)
    if wanted is not None:
        return _process_outwards(p, wanted)
    scripts, context = p.scripts, p.context
    scripts.dispatch("before_process", p)
    check_request(p)
    sampling = plan_sampling(p)  # an unknown sampler is said before a model is loaded
    check_seeds(sampling, _list_seeds(p, 1))
    p.notes.extend(describe_unmet(p))
    p.sd_model = _load_model(p, context)
    _list_prompts_and_seeds(p, context)
    p.extra_generation_params["Denoising strength"] = p.denoising_strength
    scripts.dispatch("process", p)
    check_request(p)
    _clean_prompts(p)
    plan = p.plan = derive_plan(p, plan_sampling(p))
    check_seeds(plan.sampling, plan.seeds)
    check_levels(plan.sampling, p.sd_model.alphas_cumprod)
    p.sd_model.set_tiling(plan.is_tiling)
    context.begin(plan.iterations, plan.sampling.steps)
    p.prepared = None
    p.init(p.all_prompts, p.all_seeds, p.all_subseeds)
    if p.prepared is None:
        complete_init(p)
    _note_masks(p, plan)
    results = Results()
    for index in range(plan.iterations):
        if context.is_interrupted():
            break
        _run_iteration(p, plan, index, results)
    deactivate(p)
    return _finish(p, plan, results)


def _process_outwards(p: StableDiffusionProcessingImg2Img, wanted: Outpaint) -> Processed:
    """Paint around the picture, in as many runs as it takes; save and hand back what they make together."""
    made = outpaint(p, wanted, process_images_inner)
    if not made.first or p.context is None:
        return Processed(p, [], -1)
    plan = p.plan = made.first[0].plan
    if plan is None:
        raise RuntimeError("a request that was run has a plan")
    for name in ("all_prompts", "all_negative_prompts", "all_seeds", "all_subseeds"):
        setattr(p, name, [getattr(first, name)[0] for first in made.first])
    p.sd_model, p.extra_generation_params = made.first[0].sd_model, made.first[0].extra_generation_params
    is_wanted = not p.context.is_interrupted() or plan.options.save_incomplete_images
    saves = plan.options.samples_save and not p.do_not_save_samples and is_wanted
    results = Results(made.pictures, [[] for _ in made.pictures], made.infotexts, changed=made.changed, seams=made.seams)
    for number, (first, picture, infotext) in enumerate(zip(made.first, made.pictures, made.infotexts, strict=True)):
        _label(picture, infotext, plan)
        _carry(picture, plan, partial(write_outpainted, p, first, wanted, number))
        results.paths.append(save_picture(first, plan, picture, 0, infotext) if saves else None)
    return _finish(p, plan, results)


def _load_model(p: StableDiffusionProcessingImg2Img, context: RunContext) -> DiffusionModel:
    """The model that the job's options ask for."""
    name, is_as_configured = p.options.sd_model_checkpoint or None, p.options.loading() == context.options.loading()
    model = context.model(name) if is_as_configured else context.model(name, p.options)
    wanted = p.options.sd_vae
    if wanted not in ("Automatic", "None", "") and model.vae_name is None:
        p.notes.append(f"The VAE {wanted} is not among the files of models/VAE; the checkpoint's own was used.")
    return model


def fix_seed(p: StableDiffusionProcessingImg2Img) -> None:
    """Replace a seed and subseed of -1 by random ones, so that runs to come share them."""
    p.seed, p.subseed = resolve_seed(p.seed), resolve_seed(p.subseed)


def _list_prompts_and_seeds(p: StableDiffusionProcessingImg2Img, context: RunContext) -> None:
    count = p.batch_size * p.n_iter
    if len(p.init_images) > 1:
        p.batch_size = len(p.init_images)  # seeds and prompts are listed for the batch size that was asked for
    p.all_prompts, p.all_negative_prompts = apply_styles(p, context.paths.styles, count)
    p.all_seeds, subseed = _list_seeds(p, count), resolve_seed(p.subseed)
    p.all_subseeds = [subseed + index for index in range(count)]


def _list_seeds(p: StableDiffusionProcessingImg2Img, count: int) -> list[int]:
    """A seed for each of `count` pictures; a list that a script left on `p` has them already."""
    if isinstance(p.seed, list | tuple):
        if len(p.seed) < count:
            raise InvalidRequest("seed", f"a list of {len(p.seed)}", f"one number, or one for each of the {count} pictures")
        return [resolve_seed(seed) for seed in p.seed]
    seed = resolve_seed(p.seed)
    if p.options.compat == COMFYUI:  # one seed draws the noise of a whole batch
        return [seed + index // p.batch_size * p.batch_size for index in range(count)]
    # With a variation strength, A1111 keeps the seed and lets only the subseed run.
    return [seed + (index if p.subseed_strength == 0 else 0) for index in range(count)]


def _clean_prompts(p: StableDiffusionProcessingImg2Img) -> None:
    """Leave comments out, after scripts wrote what they wanted."""
    check_length(p.all_prompts, "prompt")
    check_length(p.all_negative_prompts, "negative_prompt")
    if p.options.enable_prompt_comments:
        p.all_prompts = [strip_comments(prompt) for prompt in p.all_prompts]
        p.all_negative_prompts = [strip_comments(prompt) for prompt in p.all_negative_prompts]


def _note_masks(p: StableDiffusionProcessingImg2Img, plan: Plan) -> None:
    if p.image_mask is None:
        return
    note_mask_keys(p, plan, has_crop=p.paste_to is not None)
    if plan.content is not MaskedContent.ORIGINAL and p.nmask is not None:
        p.extra_generation_params["Masked content"] = plan.content.label


def _run_iteration(p: StableDiffusionProcessingImg2Img, plan: Plan, index: int, results: Results) -> None:
    context, scripts, model = p.context, p.scripts, p.sd_model
    if context is None or scripts is None or model is None:
        raise RuntimeError("process_images gives p its context and model")
    context.begin_iteration(index)
    context.clear_skip()
    p.iteration = index
    _slice_iteration(p, plan.iteration_slice(index))
    scripts.dispatch("before_process_batch", p, **_iteration_names(p))
    if not p.prompts:
        return
    p.prompts, p.extra_network_data = parse_prompts(p.prompts)
    activate(p)
    if not p.disable_extra_networks:
        scripts.dispatch("after_extra_networks_activate", p, **_iteration_names(p), extra_network_data=p.extra_network_data)
    scripts.dispatch("process_batch", p, **_iteration_names(p))
    iteration = dataclasses.replace(plan, prompts=tuple(p.prompts), seeds=tuple(p.seeds), subseeds=tuple(p.subseeds))
    conditioning = encode_prompts(p, iteration)
    note_prompt_keys(p, plan, *conditioning)
    p.c, p.uc = conditioning
    latents = _sample(p, plan)
    if context.is_interrupted() and not latents.isfinite().all():
        return
    note_sampling_keys(p, plan)
    _decode_and_compose(p, plan, latents, results)


def _iteration_names(p: StableDiffusionProcessingImg2Img) -> dict[str, Any]:
    """What hooks of an iteration are told, as it is now."""
    return {"batch_number": p.iteration, "prompts": p.prompts, "seeds": p.seeds, "subseeds": p.subseeds}


def _slice_iteration(p: StableDiffusionProcessingImg2Img, part: slice) -> None:
    p.prompts, p.negative_prompts = p.all_prompts[part], p.all_negative_prompts[part]
    p.seeds, p.subseeds = p.all_seeds[part], p.all_subseeds[part]


def _sample(p: StableDiffusionProcessingImg2Img, plan: Plan) -> Tensor:
    if p.init_latent is None or p.scripts is None:
        raise RuntimeError("p.init() left no start latent")
    p.rng = make_noise(p, plan, p.init_latent)
    try:
        latents = p.sample(p.c, p.uc, p.seeds, p.subseeds, p.subseed_strength, p.prompts)
    except NansException as error:
        if p.sd_model is None or p.sd_model.dtype == torch.float32:
            raise
        raise NansException(f"{error}; or it needs float32: start with --no-half") from error
    after = PostSampleArgs(latents)
    p.scripts.dispatch("post_sample", p, after)
    return after.samples


def _decode_and_compose(p: StableDiffusionProcessingImg2Img, plan: Plan, latents: Tensor, results: Results) -> None:
    if p.sd_model is None or p.scripts is None or p.context is None or p.prepared is None:
        raise RuntimeError("p.init() left nothing prepared")
    batch = decode(latents, p.sd_model)
    p.scripts.dispatch("postprocess_batch", p, images=batch, batch_number=p.iteration)
    listed = PostprocessBatchListArgs(list(batch))
    p.scripts.dispatch("postprocess_batch_list", p, listed, batch_number=p.iteration)
    for place, pixels in enumerate(listed.images):
        number = p.iteration * plan.batch_size + min(place, plan.batch_size - 1)
        p.batch_index = place
        composed = _compose_one(p, plan, p.prepared, to_picture(pixels), place)
        infotext = build_infotext(p, plan, number)
        _label(composed.picture, infotext, plan)
        if OUTPAINT_KEY not in p.extra_generation_params:  # of crops, only the picture that they make together has one
            _carry(composed.picture, plan, partial(write_workflow, p, plan, number))
        is_whole = not p.context.is_interrupted() and not p.context.is_skipped()
        is_wanted = is_whole or plan.options.save_incomplete_images
        saves = plan.options.samples_save and not p.do_not_save_samples and is_wanted
        results.paths.append(save_picture(p, plan, composed.picture, number, infotext) if saves else None)
        if saves:
            composed.picture.already_saved_as = results.paths[-1]  # type: ignore[attr-defined]
            _save_extras(p, plan, composed, number, infotext)
        results.pictures.append(composed.picture)
        returned = ((composed.mask, plan.options.return_mask), (composed.masked_part, plan.options.return_mask_composite))
        results.extras.append([extra for extra, is_wanted in returned if extra is not None and is_wanted])
        results.infotexts.append(infotext)
        results.changed.append(composed.changed_outside)
        results.has_new_masks = results.has_new_masks or composed.is_mask_replaced
        results.seams.append(composed.seam)


def _compose_one(p: StableDiffusionProcessingImg2Img, plan: Plan, prepared: Prepared, patch: Image.Image, place: int) -> Composed:
    if p.scripts is None:
        raise RuntimeError("process_images gives p its scripts")
    shown = PostprocessImageArgs(patch)
    p.scripts.dispatch("postprocess_image", p, shown)
    overlays = (p.overlay_images or []) if plan.options.overlay_inpaint else []
    over = PostProcessMaskOverlayArgs(place, p.mask_for_overlay, overlays[min(place, len(overlays) - 1)] if overlays else None)
    p.scripts.dispatch("postprocess_maskoverlay", p, over)
    blends = blends_seam(p, plan) and over.mask_for_overlay is p.mask_for_overlay
    composed = compose(shown.image.convert("RGB"), place, prepared, plan, over.overlay_image, over.mask_for_overlay, blends)
    finished = PostprocessImageArgs(composed.picture)
    p.scripts.dispatch("postprocess_image_after_composite", p, finished)
    profile = p.init_images[min(place, len(p.init_images) - 1)].info.get("icc_profile")
    if profile is not None:  # the same numbers mean the same colours only under the same profile
        finished.image.info["icc_profile"] = profile
    if over.overlay_image is not None and over.mask_for_overlay is not None:
        fits = finished.image.size == over.mask_for_overlay.size
        composed = dataclasses.replace(
            composed,
            changed_outside=count_outside(finished.image, place, prepared, over.mask_for_overlay),
            is_mask_replaced=over.mask_for_overlay is not p.mask_for_overlay,
            seam=score_seam(finished.image, over.mask_for_overlay) if fits else None,
        )
    picture = finished.image if p.kept_alpha is None else restore_alpha(finished.image, p.kept_alpha, prepared, plan)
    return dataclasses.replace(composed, picture=picture)


def _label(picture: Image.Image, infotext: str, plan: Plan) -> None:
    """Let the picture carry its text; a script that makes a new one of it leaves the text behind."""
    for name in ("parameters", *WORKFLOW_TAGS):
        picture.info.pop(name, None)
    if plan.options.enable_pnginfo:
        picture.info["parameters"] = infotext


def _carry(picture: Image.Image, plan: Plan, write: Callable[[], Written | None]) -> None:
    """Let the picture carry the workflow that makes it in ComfyUI; what goes wrong there must not cost the picture."""
    if not (plan.options.save_workflow and plan.options.enable_pnginfo):
        return
    try:
        written = write()
    except Exception:
        logger.exception("no workflow was written into the picture")
        return
    if written is not None:
        picture.info.update(written.items)


def _save_extras(p: StableDiffusionProcessingImg2Img, plan: Plan, composed: Composed, number: int, infotext: str) -> None:
    options = plan.options
    if composed.uncorrected is not None:
        save_picture(p, plan, composed.uncorrected, number, infotext, "-before-color-correction")
    if options.save_mask and composed.mask is not None:
        save_picture(p, plan, composed.mask, number, infotext, "-mask")
    if options.save_mask_composite and composed.masked_part is not None:
        save_picture(p, plan, composed.masked_part, number, infotext, "-mask-composite")


def _finish(p: StableDiffusionProcessingImg2Img, plan: Plan, results: Results) -> Processed:
    images, infotexts, paths = [], [], []
    for picture, extras, infotext, path in zip(results.pictures, results.extras, results.infotexts, results.paths, strict=True):
        images += [picture, *extras]
        infotexts.append(infotext)
        paths += [path] + [None] * len(extras)
    p.color_corrections = None
    first = _add_grid(p, plan, images, infotexts, paths)
    info = infotexts[0] if infotexts else ""
    processed = Processed(
        p,
        images,
        p.all_seeds[0],
        info,
        p.all_subseeds[0],
        index_of_first_image=first,
        infotexts=infotexts,
        changed_outside_mask=results.changed,
    )
    processed.paths, processed.is_mask_replaced, processed.seam_scores = paths, results.has_new_masks, results.seams
    scripts = p.scripts or ScriptRunner()
    scripts.dispatch("postprocess", p, processed)
    processed.images = [image if isinstance(image, Image.Image) else Image.fromarray(np.asarray(image)) for image in processed.images]
    return processed


def _add_grid(
    p: StableDiffusionProcessingImg2Img,
    plan: Plan,
    images: list[Image.Image],
    infotexts: list[str],
    paths: list[Path | None],
) -> int:
    options = plan.options
    count = len(images)
    is_wanted = (options.return_grid or options.grid_save) and not p.do_not_save_grid and count > 0
    if not is_wanted or (count == 1 and options.grid_only_if_multiple):
        return 0
    rows = choose_rows(count, options.n_rows, plan.batch_size, is_gapless=options.grid_prevent_empty_spots)
    grid = lay_out_grid(p, images, rows, options.grid_background_color)
    _label(grid, infotexts[0], plan)
    path = save_grid(p, plan, grid, infotexts[0]) if options.grid_save else None
    if not options.return_grid:
        return 0
    images.insert(0, grid)
    paths.insert(0, path)
    infotexts.insert(0, infotexts[0])
    return 1
