"""Size that the model works at, and how the picture is brought to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from modules.runtime.presets import Preset
from modules.web.ui.live_text import live
from modules.web.ui.texts import Texts

if TYPE_CHECKING:
    from modules.web.ui.wiring import Wiring

SIZE_STEP_PX = 8
MIN_SIZE_PX, MAX_SIZE_PX = 64, 2048
MIN_SCALE, MAX_SCALE = 0.05, 4.0
CROP = 1
STRETCH_LINE = '<span id="img2img_stretch_line" role="status"></span>'
FOLLOW = "(width, height, keeps) => window.pentimento.keepProportions('{side}', width, height, keeps)"


def build_size(texts: Texts, preset: Preset) -> tuple[dict[str, Any], dict[str, Any]]:
    """Size fields by name, and by name what sets them: buttons, the factor of "resize by", the lock, and the ways out of a stretch."""
    fields: dict[str, Any] = {}
    tools: dict[str, Any] = {"is_by": gr.State(False)}
    bounds = {"minimum": MIN_SIZE_PX, "maximum": MAX_SIZE_PX, "step": SIZE_STEP_PX}
    with gr.Tabs(elem_id="img2img_tabs_resize", elem_classes="pm-size-tabs"):
        with gr.Tab(texts("size.to"), id="to", elem_id="img2img_tab_resize_to") as tools["to_tab"]:
            with gr.Row():
                fields["width"] = gr.Slider(value=preset.width, label=texts("form.width"), elem_id="img2img_width", **bounds)
                fields["height"] = gr.Slider(value=preset.height, label=texts("form.height"), elem_id="img2img_height", **bounds)
            with gr.Row(elem_classes="pm-tools"):
                tools["use_image"] = gr.Button(texts("size.use_image"), size="sm", elem_id="img2img_detect_image_size_btn")
                tools["fit_model"] = gr.Button(texts("size.fit_model"), size="sm", elem_id="img2img_fit_model_btn")
                tools["swap"] = gr.Button(texts("size.swap"), size="sm", elem_id="img2img_res_switch_btn")
                tools["keeps"] = gr.Checkbox(True, label=texts("size.keep"), elem_id="img2img_keep_proportions", container=False)
        with gr.Tab(texts("size.by"), id="by", elem_id="img2img_tab_resize_by") as tools["by_tab"]:
            tools["scale"] = gr.Slider(MIN_SCALE, MAX_SCALE, value=1.0, step=0.05, label=texts("size.scale"), elem_id="img2img_scale")
            tools["scale_line"] = gr.HTML("", elem_id="img2img_scale_resolution_preview", elem_classes="pm-caption")
    fields["resize_mode"] = gr.Radio(
        [(texts(f"resize.{name}"), value) for value, name in enumerate(("stretch", "crop", "fill", "latent"))],
        value=CROP,
        label=texts("form.resize_mode"),
        elem_id="resize_mode",
        elem_classes="pm-pills",
    )
    with gr.Row(elem_id="img2img_stretch_warning", elem_classes="pm-tools pm-warning"):  # sight.js shows it
        gr.HTML(html_template=STRETCH_LINE, apply_default_css=False, elem_classes="pm-warning-line")
        tools["stretch_fit"] = gr.Button(texts("size.stretch_fit"), size="sm", elem_id="img2img_stretch_fit")
        tools["stretch_crop"] = gr.Button(texts("size.stretch_crop"), size="sm", elem_id="img2img_stretch_crop")
    return fields, tools


def rounded(size_px: float) -> int:
    """A length the model can work at: a multiple of 8 within bounds."""
    return int(min(MAX_SIZE_PX, max(MIN_SIZE_PX, round(size_px / SIZE_STEP_PX) * SIZE_STEP_PX)))


def image_size(width: int, height: int) -> tuple[int, int]:
    """The picture's own size, shrunk evenly if a side is beyond the bounds."""
    scale = min(1.0, MAX_SIZE_PX / max(width, height))
    return rounded(width * scale), rounded(height * scale)


def fitting_size(width: int, height: int, native_px: float) -> tuple[int, int]:
    """A size of the picture's proportions and about `native_px` squared pixels."""
    scale = native_px / (width * height) ** 0.5
    return rounded(width * scale), rounded(height * scale)


def scaled_size(width: int, height: int, scale: float) -> tuple[int, int]:
    """A1111's "resize by": each side times the factor, cut to whole pixels; the factor is lessened where a side would leave the bounds."""
    scale = min(scale, MAX_SIZE_PX / max(width, height))
    return max(MIN_SIZE_PX, int(width * scale)), max(MIN_SIZE_PX, int(height * scale))


class Sizes:
    """Event handlers around "resize by" and the ways out of a stretch."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def scale(self, language: str, is_by: bool, scale: float, document: Mapping[str, Any]) -> tuple[Any, ...]:
        """Width, height, `is_own_size` and the line below the factor; nothing while "resize to" is open."""
        picture = document["picture"]
        if not is_by:
            return (gr.skip(),) * 4
        if picture is None:
            return gr.skip(), gr.skip(), gr.skip(), live(self._texts, language, "size.by_nothing")
        width, height = scaled_size(picture["width"], picture["height"], scale)
        facts = {"from_width": picture["width"], "from_height": picture["height"], "width": width, "height": height}
        line = live(self._texts, language, "size.by_line", **facts)
        if max(picture["width"], picture["height"]) * scale > MAX_SIZE_PX:
            line += " " + live(self._texts, language, "size.by_most", most=MAX_SIZE_PX)
        return width, height, True, line

    def fit(self, language: str, width: float, height: float, document: Mapping[str, Any]) -> tuple[Any, ...]:
        """The picture's proportions at the area that is set."""
        picture = document["picture"]
        if picture is None:
            return (gr.skip(),) * 3
        return *fitting_size(picture["width"], picture["height"], round((width * height) ** 0.5)), True


def wire_size(wiring: Wiring, suggested: Any) -> None:
    """Connect what `build_size` made, but for the buttons that `Pictures` answers.

    Args:
        suggested: The event that suggests a size for another picture.
    """
    studio, sizes = wiring.studio, Sizes(wiring.texts)
    fields, tools, document = studio.fields, studio.buttons, studio.document
    width, height = fields["width"], fields["height"]
    sized = [width, height, studio.is_own_size]
    for side, slider in (("width", width), ("height", height)):
        slider.input(None, [width, height, tools["keeps"]], [width, height], js=FOLLOW.format(side=side), show_progress="hidden")
    scaling = ([tools["is_by"], tools["scale"], document], [*sized, tools["scale_line"]])
    tools["to_tab"].select(lambda: False, None, tools["is_by"], queue=False, show_progress="hidden")
    by_factor = tools["by_tab"].select(lambda: True, None, tools["is_by"], queue=False, show_progress="hidden")
    for event in (by_factor.then, tools["scale"].change, suggested.then):
        wiring.on(event, sizes.scale, *scaling, queue=False)
    wiring.on(tools["stretch_fit"].click, sizes.fit, [width, height, document], sized, queue=False)
    tools["stretch_crop"].click(lambda: CROP, None, fields["resize_mode"], queue=False, show_progress="hidden")
