"""Every hook that scripts and extensions can use: one table, read by the runner, the callback registry and the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HookKind = Literal["script", "callback", "postprocessing"]
"""Methods of `Script` in the order a job calls them, functions given to `script_callbacks.on_*`, methods of `ScriptPostprocessing`."""


@dataclass(frozen=True)
class Hook:
    """One hook.

    Attributes:
        name: The method a script overrides, or the function of `script_callbacks` that takes a callback.
        signature: Its parameters, after `self` for methods; `*args` are the script's own control values.
        when: The moment of the call.
        doc: One line on what it is for.
        kind: See `HookKind`.
        is_called: False for one that A1111 has and nothing here calls: defining it does no harm.
    """

    name: str
    signature: str
    when: str
    doc: str
    kind: HookKind = "script"
    is_called: bool = True


SCRIPT_HOOKS = (
    Hook(
        "before_component",
        "component, **kwargs",
        "the page is about to build a component",
        "Know the keywords a component is made with; `kwargs` has `elem_id` and `label`.",
    ),
    Hook(
        "after_component",
        "component, **kwargs",
        "the page has built a component",
        "Keep components of the page, or build your own after one; `on_after_component` asks for one `elem_id` alone.",
    ),
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
    Hook(
        "process_before_every_sampling", "p, *args, x, noise, c, uc", "just before the sampler", "Change start latents and noise in place."
    ),
    Hook(
        "on_mask_blend",
        "p, mba, *args",
        "every blend of latents under the mask",
        "Blend kept and repainted latents your own way (`MaskBlendArgs`).",
    ),
    Hook("before_hr", "p, *args", "never: there is no second pass at a higher resolution", "A1111's, for txt2img.", is_called=False),
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

CALLBACK_HOOKS = (
    Hook("on_before_ui", "", "before the page is built", "Prepare what the page will show.", "callback"),
    Hook("on_ui_settings", "", "before the settings are listed", "Add options: `shared.opts.add_option`.", "callback"),
    Hook(
        "on_before_component",
        "component, **kwargs",
        "the page is about to build a component",
        "Build something before it; `kwargs` has `elem_id` and `label`.",
        "callback",
    ),
    Hook(
        "on_after_component",
        "component, **kwargs",
        "the page has built a component",
        "Build something after it, or keep it for events.",
        "callback",
    ),
    Hook("on_ui_tabs", "", "the page's tabs are built", "Return `[(blocks, title, elem_id)]`: tabs of your own.", "callback"),
    Hook(
        "on_ui_train_tabs",
        "params: UiTrainTabParams",
        "never: there is no training tab",
        "A1111's, for tabs below Train.",
        "callback",
        is_called=False,
    ),
    Hook(
        "on_app_started",
        "demo, app",
        "the server is about to answer",
        "Add routes to the FastAPI `app`; `demo` is the page, None without one.",
        "callback",
    ),
    Hook("on_model_loaded", "sd_model", "a checkpoint was loaded", "Look at the model.", "callback"),
    Hook(
        "on_extra_noise",
        "params: ExtraNoiseParams",
        "extra noise is about to be added to the start latents",
        "Change `params.noise`.",
        "callback",
    ),
    Hook("on_cfg_denoiser", "params: CFGDenoiserParams", "before every call of the model", "Change its inputs.", "callback"),
    Hook("on_cfg_denoised", "params: CFGDenoisedParams", "after every call of the model", "Change its output in place.", "callback"),
    Hook("on_cfg_after_cfg", "params: AfterCFGCallbackParams", "guidance and mask were applied", "Change the estimate.", "callback"),
    Hook(
        "on_before_image_saved",
        "params: ImageSaveParams",
        "a picture is about to be written",
        "Change `image`, `filename` or `pnginfo`.",
        "callback",
    ),
    Hook("on_image_saved", "params: ImageSaveParams", "a picture was written", "Know its file.", "callback"),
    Hook(
        "on_image_grid",
        "params: ImageGridLoopParams",
        "a grid is about to be laid out",
        "Change its pictures, columns or rows.",
        "callback",
    ),
    Hook(
        "on_infotext_pasted",
        "infotext, params",
        "an infotext was read to fill the form",
        "Change the dictionary of its values in place.",
        "callback",
    ),
    Hook(
        "on_before_token_counter",
        "params: BeforeTokenCounterParams",
        "a prompt's tokens are about to be counted",
        "Change `prompt`, `steps` or `styles`.",
        "callback",
    ),
    Hook(
        "on_list_optimizers",
        "optimizers",
        "never: attention is chosen by torch",
        "A1111's, for attention optimizations.",
        "callback",
        is_called=False,
    ),
    Hook("on_list_unets", "unets", "never: checkpoints choose their own network", "A1111's, for other UNets.", "callback", is_called=False),
    Hook("on_script_unloaded", "", "the program ends", "Undo what your script did outside.", "callback"),
    Hook("on_before_reload", "", "the program ends, or starts again", "Stop threads, close files.", "callback"),
)

POSTPROCESSING_HOOKS = (
    Hook("ui", "", "the Extras tab is built", "Build controls; return them by the names `process` takes.", "postprocessing"),
    Hook(
        "process_firstpass",
        "pp: PostprocessedImage, **args",
        "before any script has worked on the picture",
        "Say what size it will have.",
        "postprocessing",
    ),
    Hook(
        "process",
        "pp: PostprocessedImage, **args",
        "by `order`, a picture of Extras",
        "Change `pp.image`, fill `pp.info`.",
        "postprocessing",
    ),
    Hook("image_changed", "", "another picture was given to Extras", "Forget what was kept of the one before.", "postprocessing"),
)

HOOKS = (*SCRIPT_HOOKS, *CALLBACK_HOOKS, *POSTPROCESSING_HOOKS)

HOOK_NAMES = frozenset(hook.name for hook in SCRIPT_HOOKS)
CALLBACK_NAMES = frozenset(hook.name for hook in CALLBACK_HOOKS)
