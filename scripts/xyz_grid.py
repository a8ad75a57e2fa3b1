"""X/Y/Z plot: a picture for every combination of values on up to three axes, laid out in grids with legends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from modules import images, processing, scripts, sd_models, shared, shared_items
from modules.errors import InvalidRequest, to_choice, to_whole
from modules.plotting import (
    AxisOption,
    AxisOptionImg2Img,
    AxisOptionTxt2Img,
    MissingAxis,
    Plot,
    apply_field,
    apply_named,
    apply_order,
    apply_override,
    apply_prompt,
    apply_size,
    apply_styles,
    boolean_choice,
    do_nothing,
    format_nothing,
    format_remove_path,
    format_value,
    format_value_add_label,
    format_value_join_list,
    join_list,
    list_to_csv_string,
    read_axis,
    scheduler_names,
    split_list,
    str_permutations,
)  # fmt: skip
from modules.processing import Processed
from modules.sd_samplers import samplers_for_img2img
from modules.shared import opts, state

__all__ = [
    "AxisOption", "AxisOptionImg2Img", "AxisOptionTxt2Img", "apply_field", "apply_order", "apply_override", "apply_prompt", "apply_styles",
    "axis_options", "boolean_choice", "do_nothing", "format_nothing", "format_remove_path", "format_value", "format_value_add_label",
    "format_value_join_list", "list_to_csv_string", "str_permutations",
]  # fmt: skip
AXES = ("X", "Y", "Z")
TITLE = "X/Y/Z plot"
STARTS: dict[str, Any] = {
    "x_type": "Seed",
    "x_values": "",
    "x_values_dropdown": [],
    "y_type": "Nothing",
    "y_values": "",
    "y_values_dropdown": [],
    "z_type": "Nothing",
    "z_values": "",
    "z_values_dropdown": [],
    "draw_legend": True,
    "include_lone_images": False,
    "include_sub_grids": False,
    "no_fixed_seeds": False,
    "vary_seeds_x": False,
    "vary_seeds_y": False,
    "vary_seeds_z": False,
    "margin_size": 0,
    "csv_mode": False,
}
"""Arguments by position, as A1111 has them, and what they are where a request has fewer."""
MAX_MARGIN_PX = 500
FILLS = {"fill": 0, "original": 1, "latent noise": 2, "latent nothing": 3, "PatchMatch": "patchmatch", "neutral": "neutral"}
AREAS, MASK_MODES = {"Whole picture": False, "Only masked": True}, {"Inpaint masked": 0, "Inpaint not masked": 1}
RESIZE_MODES = {"Just resize": 0, "Crop and resize": 1, "Resize and fill": 2, "Just resize (latent upscale)": 3}
HIDDEN = "hidden"
"""Not shown, but there: what is not there loses values that are put into it."""
QUIET = {"show_progress": "hidden", "api_visibility": "private"}


def list_checkpoints() -> list[str]:
    return sorted(sd_models.checkpoints_list, key=str.casefold)


def confirm_checkpoints(p: Any, xs: Sequence[str]) -> None:
    for x in xs:
        sd_models.require_checkpoint("Checkpoint name", x)


def apply_checkpoint(p: Any, x: str, xs: Any) -> None:
    p.override_settings["sd_model_checkpoint"] = sd_models.require_checkpoint("Checkpoint name", x).title


def find_vae(name: str) -> str:
    """The VAE that a name, or how it begins, means; errors as `to_choice`."""
    known = shared_items.sd_vae_items()
    wanted = "automatic" if name.strip().casefold() in ("", "auto") else name.strip().casefold()
    begins = [vae for vae in known if vae.casefold().startswith(wanted)]
    return begins[0] if len(begins) == 1 else to_choice("VAE", wanted, known)


def confirm_vaes(p: Any, xs: Sequence[str]) -> None:
    for x in xs:
        find_vae(x)


def apply_vae(p: Any, x: str, xs: Any) -> None:
    p.override_settings["sd_vae"] = find_vae(x)


def confirm_styles(p: Any, xs: Sequence[str]) -> None:
    known = shared.prompt_styles.styles
    for name in (part.strip() for x in xs for part in x.split(",")):
        if name and name != "None" and name not in known:
            raise InvalidRequest("Styles", name, "one of " + ", ".join(known))


NOT_THERE = "this program does not have it"
axis_options: list[Any] = [
    AxisOption("Nothing", str, do_nothing, format_value=format_nothing),
    AxisOption("Seed", int, apply_field("seed")),
    AxisOption("Var. seed", int, apply_field("subseed")),
    AxisOption("Var. strength", float, apply_field("subseed_strength")),
    AxisOption("Steps", int, apply_field("steps")),
    AxisOption("CFG Scale", float, apply_field("cfg_scale")),
    AxisOptionImg2Img("Image CFG Scale", float, apply_field("image_cfg_scale")),
    AxisOption("Prompt S/R", str, apply_prompt, format_value=format_value),
    AxisOption("Prompt order", str_permutations, apply_order, format_value=format_value_join_list),
    AxisOption(
        "Sampler", str, apply_field("sampler_name"), format_value=format_value, choices=lambda: [spec.name for spec in samplers_for_img2img]
    ),
    AxisOption(
        "Checkpoint name", str, apply_checkpoint, format_value=format_remove_path, confirm=confirm_checkpoints, cost=1.0,
        choices=list_checkpoints,
    ),
    AxisOption("Negative Guidance minimum sigma", float, apply_field("s_min_uncond")),
    AxisOption("Sigma Churn", float, apply_field("s_churn")),
    AxisOption("Sigma min", float, apply_field("s_tmin")),
    AxisOption("Sigma max", float, apply_field("s_tmax")),
    AxisOption("Sigma noise", float, apply_field("s_noise")),
    AxisOption("Schedule type", str, apply_field("scheduler"), choices=scheduler_names),
    AxisOption("Schedule min sigma", float, apply_override("sigma_min")),
    AxisOption("Schedule max sigma", float, apply_override("sigma_max")),
    AxisOption("Schedule rho", float, apply_override("rho")),
    AxisOption("Skip Early CFG", float, apply_override("skip_early_cond")),
    AxisOption("Beta schedule alpha", float, apply_override("beta_dist_alpha")),
    AxisOption("Beta schedule beta", float, apply_override("beta_dist_beta")),
    AxisOption("Eta", float, apply_field("eta")),
    AxisOption("Clip skip", int, apply_override("CLIP_stop_at_last_layers")),
    AxisOption("Denoising", float, apply_field("denoising_strength")),
    AxisOption("Initial noise multiplier", float, apply_field("initial_noise_multiplier")),
    AxisOption("Extra noise", float, apply_override("img2img_extra_noise")),
    AxisOptionImg2Img("Cond. Image Mask Weight", float, apply_override("inpainting_mask_weight")),
    AxisOption("VAE", str, apply_vae, confirm=confirm_vaes, cost=0.7, choices=shared_items.sd_vae_items),
    AxisOption("Styles", str, apply_styles, confirm=confirm_styles, choices=lambda: list(shared.prompt_styles.styles)),
    AxisOption("UniPC Order", int, apply_override("uni_pc_order"), cost=0.5),
    MissingAxis("Face restore", NOT_THERE),
    MissingAxis("Token merging ratio", NOT_THERE),
    MissingAxis("Token merging ratio high-res", NOT_THERE),
    AxisOption(
        "Always discard next-to-last sigma", str, apply_override("always_discard_next_to_last_sigma", boolean=True),
        choices=boolean_choice(reverse=True),
    ),
    MissingAxis("SGM noise multiplier", NOT_THERE),
    MissingAxis("Refiner checkpoint", NOT_THERE),
    MissingAxis("Refiner switch at", NOT_THERE),
    AxisOption("RNG source", str, apply_override("randn_source"), choices=lambda: ["GPU", "CPU", "NV"]),
    MissingAxis("FP8 mode", NOT_THERE),
    AxisOption("Size", str, apply_size),
    AxisOptionImg2Img("Resize mode", str, apply_named("resize_mode", RESIZE_MODES), choices=lambda: list(RESIZE_MODES)),
    AxisOptionImg2Img("Mask blur", int, apply_field("mask_blur")),
    AxisOptionImg2Img("Mask mode", str, apply_named("inpainting_mask_invert", MASK_MODES), choices=lambda: list(MASK_MODES)),
    AxisOptionImg2Img("Masked content", str, apply_named("inpainting_fill", FILLS), choices=lambda: list(FILLS)),
    AxisOptionImg2Img("Inpaint area", str, apply_named("inpaint_full_res", AREAS), choices=lambda: list(AREAS)),
    AxisOptionImg2Img("Only masked padding, pixels", int, apply_field("inpaint_full_res_padding")),
    AxisOption("Emphasis mode", str, apply_override("emphasis"), choices=lambda: ["None", "Ignore", "Original", "No norm"]),
]  # fmt: skip
"""As A1111 numbers them on its img2img tab, then more; extensions append theirs."""
OWN = tuple(axis_options)


def listed_axes(is_img2img: bool) -> list[Any]:
    """The axes of a tab, in the order in which numbers mean them."""
    return [option for option in axis_options if type(option) in (AxisOption, MissingAxis) or option.is_img2img == is_img2img]


def find_choices(label: str, is_img2img: bool) -> list[str] | None:
    """What can be picked on an axis; None where values are written."""
    found = next((option for option in listed_axes(is_img2img) if option.label == label), None)
    return None if found is None or found.choices is None else [str(choice) for choice in found.choices()]


class Script(scripts.Script):
    __module__ = "xyz_grid.py"  # what extensions look for that add axes

    def title(self) -> str:
        return TITLE

    def ui(self, is_img2img: bool) -> list[Any]:
        labels = [option.label for option in listed_axes(is_img2img) if not isinstance(option, MissingAxis)]
        rows = [self._build_axis(name, labels, is_img2img) for name in AXES]
        with gr.Row():
            with gr.Column():
                legend = self._box("Draw legend", "draw_legend", value=True)
                keep_random = self._box("Keep -1 for seeds", "no_fixed_seeds")
                vary = [self._box(f"Vary seeds for {name}", f"vary_seeds_{name.lower()}") for name in AXES]
            with gr.Column():
                lone = self._box("Include Sub Images", "include_lone_images")
                sub = self._box("Include Sub Grids", "include_sub_grids")
                csv_mode = self._box("Use text inputs instead of dropdowns", "csv_mode")
                margin = gr.Slider(0, MAX_MARGIN_PX, value=0, step=2, label="Grid margins (px)", elem_id=self.elem_id("margin_size"))
        with gr.Row(elem_id="swap_axes"):
            for first, second in ((0, 1), (1, 2), (0, 2)):
                pair = f"{AXES[first]}/{AXES[second]}"
                button = gr.Button(f"Swap {pair} axes", size="sm", elem_id=f"{pair.replace('/', '').lower()}_grid_swap_axes_button")
                sides = [*rows[first][:3], *rows[second][:3]]
                button.click(lambda *values: [*values[3:], *values[:3]], sides, sides, **QUIET)
        for kind, text, picked, fill in rows:
            for event in (kind.change, csv_mode.change):
                # Gradio begins all handlers of an event anew for one that was put off, as "always_last" does: three would never end.
                event(
                    lambda *values: arrange(is_img2img, *values), [kind, csv_mode], [text, picked, fill], trigger_mode="multiple", **QUIET
                )
            kind.input(list, None, picked, **QUIET)
            csv_mode.input(lambda *values: carry_over(is_img2img, *values), [kind, text, picked, csv_mode], [text, picked], **QUIET)
            fill.click(lambda *values: fill_values(is_img2img, *values), [kind, csv_mode], [text, picked], **QUIET)
        self.infotext_fields = [
            pair for name, row in zip(AXES, rows, strict=True) for pair in zip(row[:2], (f"{name} Type", f"{name} Values"), strict=True)
        ]
        self.infotext_fields += [(row[2], restore_picked(name, is_img2img)) for name, row in zip(AXES, rows, strict=True)]
        values = [control for row in rows for control in row[:3]]
        return [*values, legend, lone, sub, keep_random, *vary, margin, csv_mode]

    def _box(self, label: str, key: str, *, value: bool = False) -> Any:
        return gr.Checkbox(label=label, value=value, elem_id=self.elem_id(key))

    def _build_axis(self, name: str, labels: list[str], is_img2img: bool) -> tuple[Any, Any, Any, Any]:
        """Type, values as text, values to pick, and the button that takes all."""
        key, start = name.lower(), labels[1] if name == "X" else labels[0]
        with gr.Row():
            kind = gr.Dropdown(labels, value=start, label=f"{name} type", elem_id=self.elem_id(f"{key}_type"))
            text = gr.Textbox("", label=f"{name} values", lines=1, elem_id=self.elem_id(f"{key}_values"))
            picked = gr.Dropdown(
                [], value=[], label=f"{name} values", visible=HIDDEN, multiselect=True, interactive=True, allow_custom_value=True,
                elem_id=self.elem_id(f"{key}_values_dropdown"),
            )  # fmt: skip
            fill = gr.Button("All values", size="sm", visible=HIDDEN, elem_id=f"xyz_grid_fill_{key}_tool_button", min_width=80, scale=0)
        return kind, text, picked, fill

    def controls_filled(self, controls: Sequence[Any]) -> None:
        csv_mode = bool(controls[list(STARTS).index("csv_mode")].value)
        for start in range(0, 3 * len(AXES), 3):
            kind, text, picked = controls[start : start + 3]
            fill = picked.parent.children[-1]
            updates = arrange(True, kind.value, csv_mode)
            for control, update in zip((text, picked, fill), updates, strict=True):
                control.visible = update["visible"]
                if "choices" in update:
                    control.choices = [(choice, choice) for choice in update["choices"]]

    def run(self, p: Any, *args: Any) -> Processed:
        given = {**STARTS, **dict(zip(STARTS, args, strict=False))}
        margin = to_whole("script_args[16] (grid margins)", given["margin_size"], 0, MAX_MARGIN_PX)
        keeps_random, has_legend = bool(given["no_fixed_seeds"]), bool(given["draw_legend"])
        options = listed_axes(isinstance(p, processing.StableDiffusionProcessingImg2Img))
        axes = []
        for name in AXES:
            values = (given[f"{name.lower()}_{part}"] for part in ("type", "values", "values_dropdown"))
            axes.append(read_axis(name, options, *values, csv_mode=bool(given["csv_mode"]), keeps_random=keeps_random))
        saves_grid, p.do_not_save_grid = not p.do_not_save_grid, True
        if not keeps_random:
            processing.fix_seed(p)
        plot = Plot(p, axes, [bool(given[f"vary_seeds_{name.lower()}"]) for name in AXES], TITLE)
        state.weigh_jobs(plot.check(OWN, margin))
        plot.run(tell)
        processed = plot.joined()
        grids = plot.grids(has_legend=has_legend, margin=margin, is_split=bool(given["include_sub_grids"]))
        for grid, info in grids:
            if opts.grid_save and saves_grid:
                images.save_image(grid, p.outpath_grids, "xyz_grid", processed.seed, p.prompt, opts.grid_format, info=info, grid=True, p=p)
            processed.add_grid(grid, info)
        if grids and not given["include_lone_images"]:
            processed.show_grids_alone()
        return processed


def tell(number: int, total: int) -> None:
    state.job = f"{number} out of {total}"


def arrange(is_img2img: bool, kind: str, csv_mode: bool) -> list[dict[str, Any]]:
    """Updates of an axis's text, list and button: the list where there are choices, unless text is wanted."""
    choices = find_choices(kind, is_img2img)
    if choices is None:
        return [gr.update(visible=True), gr.update(visible=HIDDEN), gr.update(visible=HIDDEN)]
    is_list = not csv_mode
    listed = gr.update(visible=is_list or HIDDEN, choices=choices)
    return [gr.update(visible=csv_mode or HIDDEN), listed, gr.update(visible=True)]


def carry_over(is_img2img: bool, kind: str, text: str, picked: list[str] | None, csv_mode: bool) -> list[Any]:
    """What was picked as text, or what was written picked, where an axis has choices."""
    choices = find_choices(kind, is_img2img)
    if choices is None:
        return [gr.skip(), gr.skip()]
    if csv_mode:
        return [join_list(picked or []), gr.skip()]
    return [gr.skip(), [choice for choice in choices if choice in split_list(text or "")]]


def fill_values(is_img2img: bool, kind: str, csv_mode: bool) -> list[Any]:
    """All choices, as text or picked."""
    choices = find_choices(kind, is_img2img) or []
    return [join_list(choices), gr.skip()] if csv_mode else [gr.skip(), choices]


def restore_picked(name: str, is_img2img: bool) -> Callable[[dict[str, Any]], Any]:
    """What fills the list of an axis from an infotext."""

    def restore(params: dict[str, Any]) -> Any:
        choices = find_choices(str(params.get(f"{name} Type", "")), is_img2img)
        if choices is None or f"{name} Values" not in params:
            return None
        return gr.update(value=split_list(str(params[f"{name} Values"])), choices=choices, visible=True)

    return restore
