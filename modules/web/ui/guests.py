"""What extensions have to do with the page: they are loaded before it, watch it being built, and add their own to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from modules.plugins.callbacks import CALLBACKS
from modules.plugins.script import Script
from modules.runtime.face_calls.infotexts import BINDINGS, PasteField
from modules.runtime.session import Session
from modules.web.ui.bridge.contexts import own_context
from modules.web.ui.bridge.gradio3 import apply_bridge
from modules.web.ui.bridge.watching import in_english, watched_by
from modules.web.ui.other_tab import build_other_tab
from modules.web.ui.restore import WIDGETS
from modules.web.ui.studio import Studio
from modules.web.ui.texts import Texts

MANY_TABS = "pm-many-tabs"
"""The class of tabs that need a line of their own."""


TAB_PARTS = 3


class Guests:
    """The extensions of a page that is built after they are loaded.

    Args:
        session: Knows scripts and extensions.
    """

    def __init__(self, session: Session, texts: Texts) -> None:
        self._session, self._texts = session, texts
        self._library = session.library
        self._is_img2img = False

    @staticmethod
    def are_there(session: Session) -> bool:
        """Whether anybody's extensions but our own are enabled: without them, scripts are loaded after the page."""
        return any(extension.is_enabled and not extension.is_builtin for extension in session.extensions)

    def welcome(self) -> None:
        """Before the page: teach Gradio their dialect, load them, let them add options."""
        apply_bridge()
        self._library.prepare()
        with own_context(is_empty=True):
            _ = self._session.extras.runner  # looks at controls of its own, which do not belong on the page
            CALLBACKS.call("on_before_ui")
            CALLBACKS.call("on_ui_settings")
        self._session.options.ensure_file()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While the page is built, tell them of every component."""
        with watched_by(self):
            yield

    def build_other_tab(self) -> None:
        """A1111's other tab, unseen: scripts build their controls for it too, and wire its buttons."""
        with build_other_tab() as (place, fields):
            _tell_fields(fields, "txt2img")

            @contextmanager
            def within(script: Script) -> Iterator[None]:
                with own_context(), place, gr.Column():
                    yield

            self._library.build_controls(is_img2img=False, place=within)
        self._is_img2img = True

    def meet(self, studio: Studio) -> None:
        """Tell them which components of the page an infotext fills, and where its picture is."""
        fields = {key: studio.fields[name] for key, (name, _) in WIDGETS.items()}
        for tab in ("img2img", "inpaint"):
            _tell_fields(fields, tab, studio.document)

    def before_component(self, component: Any, **named: Any) -> None:
        """Tell callbacks and scripts that a component is about to be built."""
        self._tell("before_component", component, named)

    def after_component(self, component: Any, **named: Any) -> None:
        """Tell callbacks and scripts that a component was built."""
        self._tell("after_component", component, named)

    def add_tabs(self, tabs: Any) -> None:
        """Let them add tabs of their own.

        Args:
            tabs: The page's `gr.Tabs`.
        """
        with own_context(is_empty=True):
            results = CALLBACKS.results("on_ui_tabs")
        for entry, given in results:
            for tab in given if isinstance(given, list | tuple) else [given] * (given is not None):
                try:
                    if not isinstance(tab, list | tuple) or len(tab) != TAB_PARTS:
                        raise TypeError(f"on_ui_tabs gave {tab!r} among its tabs; (blocks, title, elem_id) was wanted")
                    _add_tab(tabs, *tab)
                    tabs.elem_classes = [*{*tabs.elem_classes, MANY_TABS}]
                except Exception as error:
                    CALLBACKS.report(entry, error)

    def _tell(self, moment: str, component: Any, named: dict[str, Any]) -> None:
        named = {"elem_id": None, "label": None, **in_english(self._texts, named)}
        runner = self._library.img2img if self._is_img2img else self._library.txt2img
        with own_context():
            CALLBACKS.call(f"on_{moment}", component, **named)
        with own_context():
            getattr(runner, moment)(component, **named)


def _tell_fields(fields: dict[str, Any], tab: str, picture: Any = None) -> None:
    BINDINGS.add_fields(tab, picture, [PasteField(component, key) for key, component in fields.items()])


def run_aside(work: Callable[[], Any]) -> Any:
    """`work()` in a thread of its own, so that no extension can end the program, or be taken for a person who does."""
    outcome: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="pentimento-page", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return outcome[0]


def _add_tab(tabs: Any, blocks: Any, title: Any, elem_id: Any) -> None:
    if not isinstance(blocks, gr.Blocks):
        raise TypeError(f"on_ui_tabs gave {type(blocks).__name__} for tab {title!r}; gr.Blocks was wanted")
    with own_context(), tabs, gr.Tab(str(title), id=str(elem_id), elem_id=f"tab_{elem_id}", elem_classes="pm-guest-tab"):
        blocks.render()
