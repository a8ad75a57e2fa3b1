"""Controls of the post-processing scripts: each script's card, in the order in which they run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from modules.plugins.postprocessing import ScriptPostprocessing, ScriptPostprocessingRunner
from modules.plugins.postprocessing_loader import build_controls
from modules.runtime.session import Session
from modules.web.ui.bridge.contexts import own_context
from modules.web.ui.extras import ExtrasTab
from modules.web.ui.script_controls import QUIET, ScriptControls, shown_value
from modules.web.ui.texts import Texts

logger = logging.getLogger(__name__)

Connect = Callable[[list[Any], Callable[[Sequence[Any]], list[Any]]], None]
"""(the controls, what makes all scripts' values of theirs): wires the button."""


@dataclass(frozen=True)
class Shown:
    """One control on a page, and the place of its value among those of all scripts."""

    control: Any
    place: int


class ExtrasControls:
    """The part of the tab that belongs to scripts."""

    def __init__(self, session: Session, texts: Texts, tab: ExtrasTab) -> None:
        self._session, self._tab = session, tab
        self._texts = ScriptControls(session, texts)

    def build(self, connect: Connect) -> None:
        """Leave a place that is filled when a visitor opens the tab: scripts import what they like, and the page does not wait for them."""
        tab = self._tab

        def fill(wish: Any) -> None:
            if wish is None:
                return
            runner = self._session.extras.runner
            shown = self._lay_out(runner)
            for one, is_shown, value in _told(runner, shown, wish):
                if is_shown:
                    one.control.value = value
            connect([one.control for one in shown], lambda values: _collect(runner, shown, values))

        def enable() -> dict[str, Any]:
            return gr.update(interactive=bool(self._session.extras.runner))

        tab.tab.select(lambda wish: [] if wish is None else wish, [tab.wish], [tab.wish], **QUIET)
        tab.wish.change(enable, None, tab.generate, **QUIET)
        with tab.place:
            gr.render([tab.wish], [tab.wish.change], show_progress="hidden")(fill)

    def build_now(self, connect: Connect) -> None:
        """The same, into the page itself: for scripts that were loaded before it."""
        tab, runner = self._tab, self._session.extras.runner
        with tab.place:
            shown = self._lay_out(runner)
        connect([one.control for one in shown], lambda values: _collect(runner, shown, values))

        def show(wish: Any) -> dict[Any, Any]:
            told = _told(runner, shown, wish)
            return {one.control: gr.update(value=value) for one, is_shown, value in told if is_shown} or {tab.seen: gr.skip()}

        settable = [one.control for one in shown if not one.control.stateful]
        tab.wish.change(show, [tab.wish], [tab.seen, *settable], **QUIET)
        tab.generate.interactive = True

    def _lay_out(self, runner: ScriptPostprocessingRunner) -> list[Shown]:
        shown: list[Shown] = []
        with gr.Column(elem_classes="pm-extras-scripts") as column:
            for script in runner.scripts_in_preferred_order():
                shown += self._show(script)
        self._texts.translate(column)
        return shown

    def _show(self, script: ScriptPostprocessing) -> list[Shown]:
        """Build one script's controls; one that cannot does its work with the values it starts with."""
        with own_context(), gr.Column(elem_classes="pm-script pm-card") as group:
            try:
                controls: Mapping[str, Any] = build_controls(script)
                if controls.keys() != script.control_values.keys() or not all(isinstance(one, Component) for one in controls.values()):
                    raise TypeError("ui() gave other controls than before")
            except BaseException:  # SystemExit too: a third party's fault must not cost the page
                logger.exception("the controls of post-processing script %r cannot be shown", script.name)
                group.visible = False
                return []
        script.controls, script.group = controls, group
        group.visible = bool(group.children)
        shown = [Shown(control, script.args_from + number) for number, control in enumerate(controls.values())]
        for one in shown:
            if getattr(one.control, "interactive", True) is None:
                one.control.interactive = True  # left open, Gradio takes what is hidden at first for mere output
        return shown


def _told(runner: ScriptPostprocessingRunner, shown: Sequence[Shown], wish: Any) -> list[tuple[Shown, bool, Any]]:
    """Controls, whether they can show what is wished for, and the value that does; none where there is no such wish."""
    if not isinstance(wish, list) or len(wish) != len(runner.default_args()):
        return []
    return [(one, *shown_value(one.control, wish[one.place])) for one in shown if not one.control.stateful]


def _collect(runner: ScriptPostprocessingRunner, shown: Sequence[Shown], values: Sequence[Any]) -> list[Any]:
    """All scripts' values, from those of the controls that are shown."""
    args = runner.default_args()
    for one, value in zip(shown, values, strict=True):
        args[one.place] = value
    return args
