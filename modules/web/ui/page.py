"""The page: build it, wire it, mount it into the app."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI

from modules.runtime.presets import BUILTIN_PRESET
from modules.runtime.session import Session
from modules.web.ui import status
from modules.web.ui.boot import Boot
from modules.web.ui.desk import Desk, pick
from modules.web.ui.form import Mode
from modules.web.ui.hangups import Hangups
from modules.web.ui.lists import Lists
from modules.web.ui.messages import guarded
from modules.web.ui.pictures import Pictures
from modules.web.ui.restore import Restorer
from modules.web.ui.script_controls import ScriptControls
from modules.web.ui.static import ASSETS, head_tags, read_script, serve_assets, style_sheets
from modules.web.ui.studio import Studio, build_studio
from modules.web.ui.texts import Texts
from modules.web.ui.theme import build_theme

KEEP_FILES_S = 24 * 3600
LIGHT: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None, "api_visibility": "private"}
"""For events that answer at once."""


def build_page(session: Session, texts: Texts | None = None) -> gr.Blocks:
    """The page of a session. It imports no torch and loads no model; lists that need one are filled when a browser comes."""
    texts = texts or Texts.load()
    folder = Path(tempfile.mkdtemp(prefix="pentimento-page-"))
    with gr.Blocks(title="Pentimento", analytics_enabled=False, fill_width=True, delete_cache=(3600, KEEP_FILES_S)) as page:
        studio = build_studio(texts, BUILTIN_PRESET, status.idle(texts, "en"))
        pictures = Pictures(session, texts, studio, folder)
        desk = Desk(session, texts, studio, pictures, folder)
        lists = Lists(session, texts, studio)

        def on(event: Callable[..., Any], handler: Callable[..., Any], inputs: Any, outputs: Any, **options: Any) -> Any:
            return event(guarded(texts, handler), inputs, outputs, **{**LIGHT, **options})

        _wire_jobs(page, studio, desk, pictures, on)
        _wire_scripts(page, studio, desk, ScriptControls(session, texts), on)
        _wire_pictures(studio, pictures, on)
        _wire_form(page, studio, pictures, lists, on)
        restorer = Restorer(session, texts, studio)
        on(studio.buttons["restore"].click, restorer.restore, restorer.inputs(), restorer.outputs())
    return page


def mount_page(app: FastAPI, session: Session, *, auth: list[tuple[str, str]] | None = None) -> FastAPI:
    """Serve the page at `/` of an app whose other routes are already there.

    Args:
        auth: Users and passwords that may open it; None = everybody.
    """
    texts = Texts.load()
    app.add_middleware(Hangups)
    app.add_middleware(Boot, script=read_script("boot"), tags=head_tags())
    serve_assets(app, texts)
    return gr.mount_gradio_app(
        app,
        build_page(session, texts),
        path="/",
        auth=auth,
        theme=build_theme(),
        css_paths=style_sheets(),
        i18n=texts.i18n(),
        favicon_path=str(ASSETS / "favicon.png"),
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
    )


def _wire_jobs(page: gr.Blocks, studio: Studio, desk: Desk, pictures: Pictures, on: Callable[..., Any]) -> None:
    actions, results, followed = studio.actions, studio.results, desk.outputs()
    on(actions.interrupt.click, desk.interrupt, [studio.seen], None)
    on(actions.skip.click, desk.skip, [studio.seen], None)
    on(studio.timer.tick, desk.poll, [studio.seen], followed)
    form = [widget for name, widget in studio.fields.items() if name != "checkpoint"]
    changed = list(dict.fromkeys([studio.memory, *followed, *pictures.outputs(), *form]))
    on(page.load, desk.attach, [studio.memory], changed)
    results.gallery.select(pick, [studio.shown], [results.infotext, results.save, studio.selected], **LIGHT)


def _wire_scripts(page: gr.Blocks, studio: Studio, desk: Desk, scripts: ScriptControls, on: Callable[..., Any]) -> None:
    """Generate needs the values of scripts' controls, so it is wired where these are made."""
    inputs = desk.inputs()
    for widget in inputs:
        widget.interactive = True  # Gradio looks for events with this input among those of the page as it is first sent

    def connect(controls: list[Any], collect: Callable[[Sequence[Any]], list[Any]]) -> None:
        def generate(language: str, *values: Any) -> Any:
            return desk.generate(language, *values[: len(inputs)], script_args=collect(values[len(inputs) :]))

        on(studio.actions.generate.click, generate, [*inputs, *controls], desk.outputs(), api_name=False)

    with studio.script_place:
        scripts.build(page, studio.memory, studio.actions.generate, connect)


def _wire_pictures(studio: Studio, pictures: Pictures, on: Callable[..., Any]) -> None:
    one, two, changed = studio.img2img, studio.inpaint, pictures.outputs()
    sized = [studio.is_own_size, studio.fields["checkpoint"]]
    on(one.picture.upload, pictures.upload_img2img, [one.picture, *sized], changed)
    on(one.picture.clear, pictures.remove_img2img, [], changed)
    on(two.drop.upload, pictures.upload_inpaint, [two.drop, *sized], changed)
    on(two.replace.upload, pictures.upload_inpaint, [two.replace, *sized], changed)
    on(two.remove.click, pictures.remove_inpaint, [], changed)
    on(two.canvas.clear, pictures.remove_inpaint, [], changed)
    on(two.clear_mask.click, pictures.clear_mask, [two.source], [two.canvas])
    looked_at = [studio.shown, studio.selected]
    on(studio.results.to_img2img.click, pictures.send_img2img, looked_at, changed)
    on(studio.results.to_inpaint.click, pictures.send_inpaint, looked_at, changed)


def _wire_form(page: gr.Blocks, studio: Studio, pictures: Pictures, lists: Lists, on: Callable[..., Any]) -> None:
    fields, buttons = studio.fields, studio.buttons
    width, height, area = fields["width"], fields["height"], fields["inpaint_full_res"]
    sources = [studio.img2img.source, studio.inpaint.source]
    suggestion = ([studio.mode, area, studio.is_own_size, *sources, fields["checkpoint"]], [width, height])
    for mode, tab in ((Mode.IMG2IMG, studio.img2img.tab), (Mode.INPAINT, studio.inpaint.tab)):
        opened = tab.select(_opener(mode), None, [studio.mode, studio.mask_group], **LIGHT)
        on(opened.then, pictures.suggest_size, *suggestion)
    on(area.input, pictures.suggest_size, *suggestion)
    on(buttons["use_image"].click, pictures.use_image_size, [studio.mode, *sources], [width, height, studio.is_own_size])
    on(buttons["fit_model"].click, pictures.fit_model, [studio.mode, *sources, fields["checkpoint"]], [width, height, studio.is_own_size])
    buttons["swap"].click(lambda w, h: (h, w, True), [width, height], [width, height, studio.is_own_size], **LIGHT)
    gr.on([width.input, height.input], lambda: True, None, studio.is_own_size, **LIGHT)
    buttons["dice"].click(lambda: -1, None, fields["seed"], **LIGHT)
    on(buttons["recycle"].click, lists.last_seed, [studio.shown, studio.selected], fields["seed"])
    on(studio.header.checkpoint.input, lists.choose, [studio.header.checkpoint], lists.preset_outputs())
    on(studio.header.refresh.click, lists.refresh, [studio.header.checkpoint], lists.outputs())
    on(page.load, lists.fill, [studio.header.checkpoint], lists.outputs())


def _opener(mode: Mode) -> Callable[[], tuple[str, Any]]:
    return lambda: (mode.value, gr.update(visible=mode.has_mask))
