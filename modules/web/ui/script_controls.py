"""Controls of scripts: the always-on ones' own, and a list of those that can be picked.

Scripts import what they like, so the page does not wait for them: it is shown first, and this part is added in the visitor's page once
they are loaded. Generate can be pressed from then on, since it needs the values of these controls.
"""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.components import Component

from modules.plugins.runner import ScriptRunner
from modules.plugins.script import Script
from modules.runtime.session import Session
from modules.web.ui.bridge.contexts import own_context
from modules.web.ui.texts import Texts

logger = logging.getLogger(__name__)

NOT_IN_IDS = re.compile(r"[^a-z0-9]+")
ENABLE_AFTER_S = 0.05
SWITCH_OFF = '() => ({ __type__: "update", interactive: false })'
"""In the browser, so that there is no moment left in which it could be pressed."""
STAGES = ("import", "create", "ui")
"""Of loading a script; where else it fails, the list names the hook."""
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
TAGS = re.compile(r"<[^>]*>")
SAYING = (gr.Button, gr.HTML, gr.Markdown)
"""What shows a text that is its value."""
Connect = Callable[[list[Any], Callable[[Sequence[Any]], list[Any]]], None]
"""(the controls, what makes `script_args` of their values): wires Generate."""


@dataclass
class ShownScript:
    """One script's controls in one visitor's page."""

    script: Script
    controls: list[Any] = field(default_factory=list)
    group: Any = None


class ScriptControls:
    """The part of the form that belongs to scripts.

    Args:
        session: Knows the scripts, and the jobs whose values are shown again after a reload.
    """

    def __init__(self, session: Session, texts: Texts) -> None:
        self._session, self._texts = session, texts

    def build(self, page: gr.Blocks, wishes: Sequence[Any], generate: Any, connect: Connect) -> bool:
        """Leave a place in the form, filled when a visitor's page is loaded.

        Args:
            page: The page that is being built.
            wishes: States: the visitor's {"owner": id}; `script_args` to show (None = the last job's), which fills the place anew; the
                {"title": the script that was picked last, "" = none}, which the browser keeps.
            generate: The button; enabled when all is there.
            connect: Wires the button.

        Returns:
            False: the controls are each visitor's own.
        """

        def fill(request: gr.Request, remembered: Any, wish: Any, choice: Any) -> None:
            runner = self._session.scripts
            args = (
                wish
                if isinstance(wish, list) and len(wish) == len(runner.default_args())
                else self._last_args(runner, remembered, choice, getattr(request, "username", None))
            )
            picked, shown = self._lay_out(runner, args)
            self._keep_choice(runner, picked, generate, wishes[2])
            controls = [control for entry in shown for control in entry.controls]
            connect([picked, *controls], lambda values: collect(runner, shown, values))
            timer = gr.Timer(ENABLE_AFTER_S)
            timer.tick(
                lambda: (gr.update(interactive=True), gr.update(active=False)), None, [generate, timer],
                show_progress="hidden", api_visibility="private",
            )  # fmt: skip

        # Until its controls are made anew the button knows those of before, which the server has forgotten.
        wishes[1].change(None, None, [generate], js=SWITCH_OFF, **QUIET)
        gr.render(list(wishes), [page.load, wishes[1].change], show_progress="hidden")(fill)
        return False

    def build_now(self, page: gr.Blocks, wishes: Sequence[Any], generate: Any, connect: Connect) -> bool:
        """As `build`, into the page itself: for scripts that were loaded before it, and may wire its widgets.

        Values are put into the controls when a visitor's page is loaded.

        Returns:
            True: the controls are part of the page.
        """
        library, shown = self._session.library, list[ShownScript]()
        with gr.Column(elem_id="img2img_script_container", elem_classes="pm-card") as card:
            gr.HTML(self._texts("form.section.scripts"), elem_classes="pm-heading")
            every, list_place, picked_place = gr.Column(elem_classes="pm-scripts"), gr.Column(), gr.Column()
            heading = gr.HTML(self._texts("script.broken"), elem_classes="pm-note-line", visible=False)
            broken = gr.HTML("", elem_classes="pm-note-line")

        @contextmanager
        def place(script: Script) -> Iterator[None]:
            column = every if script.alwayson else picked_place
            with own_context(), column, gr.Column(visible=bool(script.alwayson), elem_classes="pm-script") as group:
                try:
                    yield
                except BaseException:
                    group.visible = False
                    raise
            shown.append(ShownScript(script, script_controls(script), group))

        runner = library.build_controls(is_img2img=True, place=place)
        with list_place:
            picked = self._build_list(runner, 0)
        self.translate(card)
        self._switch_groups(picked, [entry.group for entry in shown if not entry.script.alwayson])
        self._keep_choice(runner, picked, generate, wishes[2])
        controls = [control for entry in shown for control in entry.controls]
        connect([picked, *controls], lambda values: collect(runner, shown, values))
        self._fill_again(page, wishes, runner, picked, shown)
        page.load(lambda: (gr.update(visible=bool(said := self._say_broken())), said), None, [heading, broken], **QUIET)
        generate.interactive = True
        return True

    def _last_args(self, runner: ScriptRunner, remembered: Any, choice: Any, login: str | None) -> list[Any]:
        """`script_args` of the visitor's live or last job, with the script picked since; those that scripts start with without a job."""
        owner = remembered.get("owner") if isinstance(remembered, dict) else None
        jobs = [
            job
            for job in self._session.queue.jobs()
            if owner and (job.owner, job.user) == (owner, login) and hasattr(job.request, "script_args")
        ]
        live = [job for job in jobs if not job.state.is_final]
        args = list(getattr((live or jobs[-1:])[0].request, "script_args", ())) if jobs else []
        args = args if len(args) == len(runner.default_args()) else runner.default_args()
        title = choice.get("title") if isinstance(choice, dict) else None
        return args if title is None else [runner.titles.index(title) + 1 if title in runner.titles else 0, *args[1:]]

    @staticmethod
    def _keep_choice(runner: ScriptRunner, picked: Any, generate: Any, choice: Any) -> None:
        """Let the browser remember which script is picked, by its title: extensions come and go."""
        js = f"(picked) => ({{ title: {json.dumps(['', *runner.titles])}[picked] ?? '' }})"
        gr.on([picked.input, generate.click], None, [picked], [choice], js=js, **QUIET)

    def _lay_out(self, runner: ScriptRunner, args: list[Any]) -> tuple[Any, list[ShownScript]]:
        """The drop-down list of selectable scripts, and the controls of all."""
        shown: list[ShownScript] = []
        with gr.Column(elem_id="img2img_script_container", elem_classes="pm-card") as card:
            gr.HTML(self._texts("form.section.scripts"), elem_classes="pm-heading")
            for script in runner.alwayson_scripts:
                shown.append(self._show(script, args))
            selected = args[0] if isinstance(args[0], int) and 0 <= args[0] <= len(runner.selectable_scripts) else 0
            picked = self._build_list(runner, selected)
            groups = []
            for place, script in enumerate(runner.selectable_scripts):
                with gr.Column(visible=selected == place + 1) as group:
                    shown.append(self._show(script, args))
                groups.append(group)
            if said := self._say_broken():
                gr.HTML(self._texts("script.broken"), elem_classes="pm-note-line")
                gr.HTML(said, elem_classes="pm-note-line")
        self.translate(card)
        self._switch_groups(picked, groups)
        return picked, shown

    def _build_list(self, runner: ScriptRunner, selected: int) -> Any:
        choices = [(self._texts("script.none"), 0), *((self.say(title), place + 1) for place, title in enumerate(runner.titles))]
        return gr.Dropdown(choices, value=selected, label=self._texts("form.script"), interactive=True, elem_id="script_list")

    @staticmethod
    def _switch_groups(picked: Any, groups: Sequence[Any]) -> None:
        if groups:
            picked.change(
                lambda chosen: {group: gr.update(visible=chosen == place + 1) for place, group in enumerate(groups)}, picked, list(groups),
                **QUIET,
            )  # fmt: skip

    def _fill_again(self, page: gr.Blocks, wishes: Sequence[Any], runner: ScriptRunner, picked: Any, shown: Sequence[ShownScript]) -> None:
        """On load, show what the visitor's last job got, and what is broken by now."""
        places = [(control, entry.script.args_from + number) for entry in shown for number, control in enumerate(entry.controls)]
        places = [(control, place) for control, place in places if not control.stateful]

        def fill(request: gr.Request, remembered: Any, wish: Any, choice: Any) -> dict[Any, Any]:
            starts = runner.default_args()
            args = wish if isinstance(wish, list) and len(wish) == len(starts) else None
            is_wish = args is not None
            args = args or self._last_args(runner, remembered, choice, getattr(request, "username", None))
            updates = {picked: args[0]} if is_wish or args[0] else {}
            for control, place in places:
                if is_wish or args[place] != starts[place]:
                    is_shown, value = shown_value(control, args[place])
                    updates |= {control: gr.update(value=value)} if is_shown else {}
            return updates or {picked: gr.skip()}

        gr.on([page.load, wishes[1].change], fill, list(wishes), [picked, *(control for control, _ in places)], **QUIET)

    def _show(self, script: Script, args: list[Any]) -> ShownScript:
        """Build one script's controls; one that cannot does its work with the values it starts with."""
        try:
            with gr.Column(elem_classes="pm-script") as group:
                script.controls = script.ui(bool(script.is_img2img))
            controls = list(script.controls or [])
        except Exception:
            logger.exception("the controls of script %r cannot be shown", script.name)
            return ShownScript(script)
        script.group = group
        group.visible = bool(group.children)
        for control in controls:
            if getattr(control, "interactive", True) is None:
                control.interactive = True  # left open, Gradio takes what is hidden at first for mere output
        for control, value, start in zip(controls, args[script.args_from : script.args_to], script.control_values, strict=False):
            if value != start.start:
                set_value(control, value)
        try:
            script.controls_filled(controls)
        except Exception:
            logger.exception("the controls of script %r cannot be arranged", script.name)
        return ShownScript(script, controls, group)

    def _say_broken(self) -> str:
        """HTML list of what is left out or failed; empty when all is well."""
        lines = [
            f"<li><b>{html.escape(entry.file.name)}</b> {html.escape(entry.reason if entry.stage in STAGES else said)}</li>"
            for entry in self._session.library.broken
            for said in [f"{entry.stage}: {entry.reason}"]
        ]
        return f'<ul id="img2img_broken_scripts">{"".join(lines)}</ul>' if lines else ""

    def say(self, text: str) -> Any:
        """A text of a script in the visitor's language, where it is known."""
        text_id = f"script.text.{NOT_IN_IDS.sub('_', text.casefold()).strip('_')}"
        return self._texts(text_id) if self._texts.has(text_id) else text

    def translate(self, block: Any) -> None:
        """Put the labels and choices of what is within into the visitor's language."""
        for inner in _descend(block):
            for name in ("label", "info", "placeholder"):
                if isinstance(getattr(inner, name, None), str):
                    setattr(inner, name, self.say(getattr(inner, name)))
            choices = getattr(inner, "choices", None)
            if choices and all(isinstance(choice, tuple) and len(choice) == 2 for choice in choices):
                inner.choices = [(self.say(name) if isinstance(name, str) else name, value) for name, value in choices]
            if isinstance(inner, SAYING) and isinstance(inner.value, str):
                said = self.say(TAGS.sub("", inner.value))
                inner.value = inner.value if isinstance(said, str) else said


def collect(runner: ScriptRunner, shown: Sequence[ShownScript], values: Sequence[Any]) -> list[Any]:
    """`script_args` from the values of the drop-down list and of all controls.

    Args:
        shown: In the order of the values.
        values: The number of the picked script (0 = none), then those of the controls.
    """
    args = runner.default_args()
    args[0] = values[0] if isinstance(values[0], int) else 0
    rest = iter(values[1:])
    for entry in shown:
        given = [next(rest) for _ in entry.controls]
        count = min(len(given), entry.script.args_to - entry.script.args_from)
        args[entry.script.args_from : entry.script.args_from + count] = given[:count]
    return args


def set_value(control: Any, value: Any) -> None:
    """Let a control start with what a job got from it."""
    is_shown, shown = shown_value(control, value)
    if is_shown:
        control.value = shown


def shown_value(control: Any, value: Any) -> tuple[bool, Any]:
    """Whether a control can show what a job got from it, and the value that does; lists of type "index" hand numbers to jobs."""
    choices = getattr(control, "choices", None)
    if isinstance(control, SAYING):  # a text of the script, perhaps in another language now
        return False, None
    if choices and getattr(control, "type", None) == "index":
        numbers = value if isinstance(value, list) else [value]
        if not all(isinstance(number, int) and 0 <= number < len(choices) for number in numbers):
            return False, None
        chosen = [choices[number][1] for number in numbers]
        value = chosen if isinstance(value, list) else chosen[0]
    return value is None or isinstance(value, bool | int | float | str | list), value


def script_controls(script: Script) -> list[Any]:
    """What a script's `ui` built, if the page can read it; a script whose controls it cannot works with the values they start with."""
    controls = list(script.controls or [])
    return controls if all(isinstance(control, Component) for control in controls) else []


def _descend(block: Any) -> Iterator[Any]:
    for child in getattr(block, "children", ()):
        yield child
        yield from _descend(child)
