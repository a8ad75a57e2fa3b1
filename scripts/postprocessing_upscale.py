"""Upscale: enlarge a finished picture by one upscaler, or by two that are blended."""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL import Image

from modules import scripts_postprocessing, shared
from modules.errors import InvalidRequest, to_number, to_whole
from modules.ui_components import FormRow, InputAccordion

NONE = "None"
MODES = ["By factor", "To size"]
MAX_SCALE = 64.0
MAX_SIDE_PX = 16384
MAX_AREA_PX = 178_956_970
"""What Pillow cuts and reads."""


def find_upscaler(argument: str, name: Any) -> Any:
    """The upscaler of that name; None for "None" and an empty name.

    Raises:
        InvalidRequest: There is none of that name.
    """
    known = {upscaler.name.casefold(): upscaler for upscaler in shared.sd_upscalers}
    wanted = str(name or NONE).casefold()
    if wanted not in known:
        raise InvalidRequest(argument, name, "one of " + ", ".join(upscaler.name for upscaler in known.values()))
    return None if wanted == NONE.casefold() else known[wanted]


def enlarge(picture: Image.Image, upscaler: Any, scale: float) -> Image.Image:
    """Sides are multiples of 8 afterwards; transparency is enlarged by Lanczos.

    Raises:
        InvalidRequest: Nothing would be left of the picture, or the result would be too large.
    """
    if min(picture.size) * scale < 8:
        raise InvalidRequest("upscale_by", scale, f"a factor that leaves 8 px or more of {picture.width}x{picture.height} px")
    colours = upscaler.scaler.upscale(picture.convert("RGB"), scale, upscaler.data_path)
    if picture.mode == "RGBA":
        colours.putalpha(picture.getchannel("A").resize(colours.size, Image.Resampling.LANCZOS))
    return colours


class ScriptPostprocessingUpscale(scripts_postprocessing.ScriptPostprocessing):
    name = "Upscale"
    order = 1000

    def ui(self) -> dict[str, Any]:
        names = [upscaler.name for upscaler in shared.sd_upscalers]
        first = next((upscaler.name for upscaler in shared.sd_upscalers if upscaler.data_path), names[min(1, len(names) - 1)])
        with InputAccordion(True, label="Upscale", elem_id="extras_upscale") as enabled:
            with FormRow():
                upscaler = gr.Dropdown(names, value=first, label="Upscaler", elem_id="extras_upscaler_1")
                second = gr.Dropdown(names, value=NONE, label="Upscaler 2", elem_id="extras_upscaler_2")
            with FormRow():
                visibility = gr.Slider(0, 1, value=0, step=0.01, label="Upscaler 2 visibility", elem_id="extras_upscaler_2_visibility")
            mode = gr.Radio(MODES, value=MODES[0], type="index", label="Size of the result", elem_id="extras_upscale_mode")
            with FormRow():
                scale = gr.Slider(1, 8, value=4, step=0.05, label="Resize", elem_id="extras_upscaling_resize")
                limit = gr.Number(0, minimum=0, precision=0, label="Max side length", info="0: no limit", elem_id="extras_max_side_length")
            with FormRow():
                width = gr.Slider(64, 8192, value=512, step=8, label="Width", elem_id="extras_upscaling_resize_w")
                height = gr.Slider(64, 8192, value=512, step=8, label="Height", elem_id="extras_upscaling_resize_h")
                crop = gr.Checkbox(True, label="Crop to fit", elem_id="extras_upscaling_crop")
        return {
            "upscale_enabled": enabled, "upscale_mode": mode, "upscale_by": scale, "max_side_length": limit, "upscale_to_width": width,
            "upscale_to_height": height, "upscale_crop": crop, "upscaler_1_name": upscaler, "upscaler_2_name": second,
            "upscaler_2_visibility": visibility,
        }  # fmt: skip

    def process_firstpass(self, pp: scripts_postprocessing.PostprocessedImage, **args: Any) -> None:
        if not args["upscale_enabled"]:
            return
        if is_to_size(args["upscale_mode"]):
            size = to_size(args)
        else:
            scale = factor(pp.image, args)
            size = int(pp.image.width * scale), int(pp.image.height * scale)
        pp.shared.target_width, pp.shared.target_height = size

    def process(self, pp: scripts_postprocessing.PostprocessedImage, **args: Any) -> None:
        upscaler = find_upscaler("upscaler_1", args["upscaler_1_name"]) if args["upscale_enabled"] else None
        if upscaler is None:
            return
        second = find_upscaler("upscaler_2", args["upscaler_2_name"])
        visibility = to_number("extras_upscaler_2_visibility", args["upscaler_2_visibility"] or 0, 0, 1)
        result = self.upscale(pp, upscaler, args)
        pp.info["Postprocess upscaler"] = upscaler.name
        if second is not None and visibility > 0 and not shared.state.interrupted:
            result = Image.blend(result, self.upscale(pp, second, args), visibility)
            pp.info["Postprocess upscaler 2"] = second.name
        pp.image = result

    def upscale(self, pp: scripts_postprocessing.PostprocessedImage, upscaler: Any, args: dict[str, Any]) -> Image.Image:
        picture = pp.image
        if not is_to_size(args["upscale_mode"]):
            pp.info["Postprocess upscale by"] = args["upscale_by"]
            if args.get("max_side_length"):
                pp.info["Postprocess max side length"] = args["max_side_length"]
            return enlarge(picture, upscaler, factor(picture, args))
        width, height = to_size(args)
        pp.info["Postprocess upscale to"] = f"{width}x{height}"
        scale = max(width / picture.width, height / picture.height)
        result = enlarge(picture, upscaler, scale)
        if result.width < width or result.height < height:  # sides of upscalers' results are multiples of 8
            covering = max(width, round(picture.width * scale)), max(height, round(picture.height * scale))
            result = result.resize(covering, Image.Resampling.LANCZOS)
        if not args["upscale_crop"]:
            return result
        pp.info["Postprocess crop to"] = f"{width}x{height}"
        left, top = (result.width - width) // 2, (result.height - height) // 2
        return result.crop((left, top, left + width, top + height))


def is_to_size(mode: Any) -> bool:
    """Whether width and height are given instead of a factor: by number, as the API has it, or by name."""
    return mode in (1, MODES[1])


def factor(picture: Image.Image, args: dict[str, Any]) -> float:
    """The factor that was asked for, less where a side would be longer than allowed."""
    scale = to_number("upscaling_resize", args["upscale_by"], 0, MAX_SCALE)
    limit = to_whole("max_side_length", args.get("max_side_length") or 0, 0)
    longest = max(picture.size)
    return limit / longest if limit and longest * scale > limit else scale


def to_size(args: dict[str, Any]) -> tuple[int, int]:
    """Width and height that were asked for, px."""
    names = {"upscaling_resize_w": "upscale_to_width", "upscaling_resize_h": "upscale_to_height"}
    width, height = (to_whole(name, args[argument], 1, MAX_SIDE_PX) for name, argument in names.items())
    if width * height > MAX_AREA_PX:
        raise InvalidRequest("upscaling_resize_w", f"{width}x{height}", f"at most {MAX_AREA_PX // 1_000_000} megapixels")
    return width, height
