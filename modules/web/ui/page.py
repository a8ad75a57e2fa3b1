"""The page: build it, wire it, mount it into the app."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gradio as gr
from fastapi import FastAPI

from modules.pipeline.modes import Mode
from modules.plugins.callbacks import CALLBACKS
from modules.runtime.presets import BUILTIN_PRESET
from modules.runtime.session import Session
from modules.web.ui import status
from modules.web.ui.batch_desk import wire_batch, wire_dry_run
from modules.web.ui.boot import Boot
from modules.web.ui.controls.size import wire_size
from modules.web.ui.desk import ORIGINAL, Desk, pick
from modules.web.ui.extension_files import script_tags, serve_extension_files, style_tags
from modules.web.ui.extras_desk import wire_extras
from modules.web.ui.guests import Guests, run_aside
from modules.web.ui.hangups import Hangups
from modules.web.ui.history_desk import wire_history
from modules.web.ui.intents import wire_intents
from modules.web.ui.layers_desk import wire_layers
from modules.web.ui.lists import Lists
from modules.web.ui.model_compare_desk import wire_model_compare
from modules.web.ui.pictures import Pictures
from modules.web.ui.png_info_desk import wire_png_info
from modules.web.ui.restore import Restorer
from modules.web.ui.results import wire_results
from modules.web.ui.script_controls import ScriptControls
from modules.web.ui.script_infotext import PasteIntoPage
from modules.web.ui.sight import wire_sight
from modules.web.ui.source import KEEP_FILES_S, open_result_folder
from modules.web.ui.static import ASSETS, head_tags, read_script, serve_assets, style_sheets
from modules.web.ui.studio import Studio, build_studio
from modules.web.ui.styles import wire_styles
from modules.web.ui.texts import Texts
from modules.web.ui.theme import build_theme
from modules.web.ui.tokens import wire_tokens
from modules.web.ui.wiring import LIGHT, Wiring
from modules.web.ui.workflows_desk import wire_workflows

COMMIT = """async (...values) => {
  const mode = window.pentimento.openMode?.() ?? null;
  return [{ ...await window.pentimento.document.commit(), mode }, ...values.slice(1)];
}"""
"""Before Generate: the canvas brings the document, which comes first, up to date, and says which tab is open: one that was clicked a moment
ago is not yet known to `Studio.mode`."""


def build_page(session: Session, texts: Texts | None = None) -> gr.Blocks:
    """The page of a session. It imports no torch and loads no model; lists that need one are filled when a browser comes."""
    texts = texts or Texts.load()
    if Guests.are_there(session):
        return run_aside(partial(_build_with_guests, session, texts, Guests(session, texts)))
    return _build(session, texts, ScriptControls.build)


def _build_with_guests(session: Session, texts: Texts, guests: Guests) -> gr.Blocks:
    guests.welcome()
    with guests.watching():
        return _build(session, texts, ScriptControls.build_now, guests)


def _build(session: Session, texts: Texts, build_scripts: Callable[..., bool], guests: Guests | None = None) -> gr.Blocks:
    with gr.Blocks(title="Pentimento", analytics_enabled=False, fill_width=True, delete_cache=(3600, KEEP_FILES_S)) as page:
        if guests is not None:
            guests.build_other_tab()
        studio = build_studio(texts, BUILTIN_PRESET, status.idle(texts, "en"))
        if guests is not None:
            guests.meet(studio)
        pictures = Pictures(session, texts, studio)
        restorer = Restorer(session, texts, studio, pictures)
        wiring = Wiring(page, session, texts, studio, Desk(session, texts, studio, open_result_folder()), pictures, restorer)
        _wire_jobs(wiring)
        _wire_scripts(wiring, partial(build_scripts, ScriptControls(session, texts)))
        described = _wire_document(wiring)
        suggested = _wire_form(wiring, Lists(session, texts, studio), described)
        wire_size(wiring, suggested)
        wire_sight(wiring)
        wire_intents(wiring)
        wire_batch(wiring)
        wire_results(wiring)
        wire_extras(wiring, is_now=guests is not None)
        wire_layers(wiring)
        wire_workflows(wiring)
        wire_history(wiring)
        wire_png_info(wiring)
        wire_styles(wiring)
        wire_tokens(wiring)
        nudge = gr.Button("", elem_id="pm_nudge", elem_classes="pm-hidden")
        nudged = nudge.click(lambda: None, None, None, trigger_mode="multiple", **LIGHT)
        nudged.then(None, None, None, js="() => window.pentimento.nudged()", api_visibility="private")
        if guests is not None:
            guests.add_tabs(studio.top_tabs)
    _keep_quiet_events_light(page, studio)
    return page


def _keep_quiet_events_light(page: gr.Blocks, studio: Studio) -> None:
    """Let events that show no progress show it in one place.

    Whatever may show the progress of some event is looked for among all components of the page, again and again, when any event starts
    or ends: with a thousand controls of scripts, a page without this stands still for many seconds.
    """
    for function in page.fns.values():
        if function.show_progress == "hidden" and not function.show_progress_on:
            function.show_progress_on = [studio.actions.generate]


def mount_page(app: FastAPI, session: Session, *, auth: list[tuple[str, str]] | None = None) -> FastAPI:
    """Serve the page at `/` of an app whose other routes are already there.

    Args:
        auth: Users and passwords that may open it; None = everybody.
    """
    texts = Texts.load()
    app.add_middleware(Hangups)
    guests = session.extensions if Guests.are_there(session) else []
    tags = head_tags() + (script_tags(guests) if guests else "")
    wording = {"localization": lambda: session.options.current.localization}
    app.add_middleware(Boot, script=read_script("boot"), tags=tags, tail=style_tags(guests), **wording)
    serve_assets(app, texts)
    serve_extension_files(app, guests, has_logins=auth is not None)
    page = build_page(session, texts)
    start_guests(session, app, page)
    return gr.mount_gradio_app(
        app,
        page,
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
        allowed_paths=[str(session.paths.outputs)] if guests else None,  # extensions hand the browser what they saved
        blocked_paths=[str(path) for path in session.paths.outputs.glob("history.sqlite*")] if guests else None,
    )


def start_guests(session: Session, app: FastAPI, page: gr.Blocks | None) -> None:
    """Let extensions add their routes, if there are extensions; without a page, they still build what they would show on one."""
    if not Guests.are_there(session):
        return
    if page is None:
        build_page(session)
    run_aside(partial(CALLBACKS.call, "on_app_started", page, app))


def _wire_jobs(wiring: Wiring) -> None:
    studio, desk = wiring.studio, wiring.desk
    actions, results, followed = studio.actions, studio.results, desk.outputs()
    wiring.on(actions.interrupt.click, desk.interrupt, [studio.seen], None)
    wiring.on(actions.skip.click, desk.skip, [studio.seen], None)
    wiring.on(studio.timer.tick, desk.poll, [studio.seen], followed)
    wiring.on(wiring.page.load, desk.attach, [studio.memory], [studio.memory, *followed])
    results.gallery.select(pick, [studio.shown], [results.infotext, results.save, studio.selected], trigger_mode="multiple", **LIGHT)


def _wire_scripts(wiring: Wiring, build: Callable[..., bool]) -> None:
    """Generate needs the values of scripts' controls, so it is wired where these are made."""
    studio, desk = wiring.studio, wiring.desk
    inputs = desk.inputs()
    for widget in inputs:
        widget.interactive = True  # Gradio looks for events with this input among those of the page as it is first sent

    def connect(controls: list[Any], collect: Callable[[Sequence[Any]], list[Any]]) -> None:
        def generate(language: str, *values: Any) -> Any:
            return desk.generate(language, *values[: len(inputs)], script_args=collect(values[len(inputs) :]))

        wire_dry_run(wiring, controls, collect)
        wire_model_compare(wiring, controls, collect, COMMIT)
        wiring.on(studio.actions.generate.click, generate, [*inputs, *controls], desk.outputs(), api_name=False, js=COMMIT)

    with studio.script_place:
        is_for_all = build(wiring.page, [studio.memory, studio.script_wish, studio.script_choice], studio.actions.generate, connect)
    if is_for_all:
        wiring.restorer.scripts = PasteIntoPage(wiring.page, wiring.session.scripts)


def _wire_document(wiring: Wiring) -> Any:
    """The picture: what is said about it, the tabs that show it, the results that become it.

    Returns:
        The event that answers a change of the document. What else follows such a change goes after it: handlers of one event that
        Gradio puts off call each other again without end.
    """
    studio, pictures = wiring.studio, wiring.pictures
    described = wiring.on(studio.document.change, pictures.describe, [studio.document], [studio.caption])
    for mode, tab in studio.modes.tab.items():
        kept = [studio.fields["inpainting_fill"], studio.set_aside]
        tab.select(_opener(studio, mode), kept, [studio.mode, studio.mask_group, studio.sketch_group, *kept], **LIGHT)
    for mode, button in studio.results.send.items():
        looked_at = [studio.shown, studio.selected, studio.results.keeps_mask, studio.document]
        wiring.on(button.click, pictures.sender(mode), looked_at, pictures.outputs())
    return described


def _wire_form(wiring: Wiring, lists: Lists, described: Any) -> Any:
    """The form's own widgets; returns the event that answers a change of the document last."""
    studio, pictures, on = wiring.studio, wiring.pictures, wiring.on
    fields, buttons, document = studio.fields, studio.buttons, studio.document
    width, height, area, checkpoint = fields["width"], fields["height"], fields["inpaint_full_res"], fields["checkpoint"]
    sized = [width, height, studio.is_own_size]
    suggestion = [studio.mode, area, studio.is_own_size, studio.last_shape, document, checkpoint]
    suggested = on(described.then, pictures.suggest_size, suggestion, [*sized, studio.last_shape])
    for event in (studio.mode.change, area.input):
        on(event, pictures.suggest_size, suggestion, [*sized, studio.last_shape])
    on(buttons["use_image"].click, pictures.use_image_size, [document], sized)
    on(buttons["fit_model"].click, pictures.fit_model, [document, checkpoint], sized)
    buttons["swap"].click(None, [width, height], sized, js="(width, height) => [height, width, true]", **LIGHT)
    gr.on([width.input, height.input], None, None, studio.is_own_size, js="() => true", **LIGHT)
    buttons["dice"].click(None, None, fields["seed"], js="() => -1", **LIGHT)
    on(buttons["recycle"].click, lists.last_seed, [studio.shown, studio.selected], fields["seed"])
    on(studio.header.checkpoint.input, lists.choose, [checkpoint], lists.preset_outputs())
    on(studio.header.refresh.click, lists.refresh, [checkpoint], lists.outputs())
    on(studio.header.language_changed.click, lists.refresh, [checkpoint], lists.outputs())
    on(wiring.page.load, lists.fill, [checkpoint, studio.form], lists.outputs())
    sampling = [fields["sampler_name"], fields["scheduler"]]
    on(fields["compat"].input, lists.follow, [fields["compat"], *sampling], sampling)
    _wire_memory(wiring)
    return suggested


def _wire_memory(wiring: Wiring) -> None:
    """The browser keeps the form, without asking the server, and gives it back when the page is opened."""
    studio, restorer = wiring.studio, wiring.restorer
    wiring.on(studio.buttons["restore"].click, restorer.restore, restorer.inputs(), restorer.outputs())
    filled = wiring.on(wiring.page.load, restorer.restore_form, [studio.form], restorer.form_outputs())
    filled.then(None, js="() => window.pentimento.openKeptMode()")
    kept = studio.fields
    names = json.dumps(list(kept))
    keep = f"(...values) => Object.fromEntries({names}.map((name, place) => [name, values[place]]))"
    gr.on([widget.change for widget in kept.values()], None, list(kept.values()), studio.form, js=keep, **LIGHT)


def _opener(studio: Studio, mode: Mode) -> Callable[..., dict[Any, Any]]:
    fill = studio.fields["inpainting_fill"]

    def open_mode(content: Any, set_aside: Any) -> dict[Any, Any]:
        updates = {studio.mode: mode.value, **studio.groups_of(mode)}
        if mode is Mode.INPAINT_SKETCH and content != ORIGINAL:  # any other content would wipe out the colours just painted
            return {**updates, fill: ORIGINAL, studio.set_aside: content}
        if mode.has_mask and mode is not Mode.INPAINT_SKETCH and set_aside is not None:
            return {**updates, studio.set_aside: None, **({fill: set_aside} if content == ORIGINAL else {})}
        return updates

    return open_mode
