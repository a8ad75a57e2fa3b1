"""Teaches this process's Gradio 6 what extensions say in Gradio 3's dialect; done once, and only when there are extensions.

What Gradio 6 understands by itself keeps its meaning: our own page's calls pass through as they are. Names that went come back (`gr.Box`,
`X.update`, `.style`, `IOComponent`), keywords are translated or left out (`dialect.py`), and every component that is built is shown to
the extensions that watch (`watching.py`).
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from copy import copy
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio import component_meta, events
from gradio.blocks import Block, BlockContext, Blocks
from gradio.components.base import Component

from modules.web.ui.bridge.dialect import GALLERY_STYLE, component_keywords, drop, event_keywords
from modules.web.ui.bridge.quiet import complete_signature
from modules.web.ui.bridge.sketch import TOOLS, SketchCanvas, fresh_sketches
from modules.web.ui.bridge.watching import WATCHER

TASK = "task("
"""What the ids of jobs begin with."""
MARK = "_speaks_gradio3"
ALIASES = {"Box": "Group", "Variable": "State", "TabItem": "Tab"}
HOUSE = "modules."
INPUTS_PLACE = 2
"""Of an event's inputs among its positional arguments, the component's own place counted."""


def apply_bridge() -> None:
    """Do it; a second call changes nothing."""
    if getattr(gr, MARK, False):
        return
    setattr(gr, MARK, True)
    component_meta.create_or_modify_pyi = _finish_subclass
    for kind in list(_classes(Block)):
        _teach(kind)
    _teach_chains()
    _teach_images()
    _teach_task_ids()
    _bring_names_back()


def _finish_subclass(component_class: type, class_name: str, events: list[Any]) -> None:
    """In place of a .pyi file beside every file with a subclass of a component: extensions' folders are not ours to write to."""
    complete_signature(component_class)


def _classes(base: Any) -> Iterator[Any]:
    yield base
    for kind in base.__subclasses__():
        yield from _classes(kind)


def _teach(kind: Any) -> None:
    if "__init__" in vars(kind) and kind not in (Block, BlockContext, Component):
        kind.__init__ = _understanding(kind, kind.__init__)
    for name, listener in list(vars(kind).items()):
        if hasattr(listener, "has_trigger") and hasattr(listener, "event_name"):
            setattr(kind, name, _understanding_event(listener))
    if "update" not in vars(kind) and not issubclass(kind, Blocks):
        kind.update = staticmethod(_update)
        kind.style = _style


def _understanding(kind: type, build: Callable[..., None]) -> Callable[..., None]:
    parameters = inspect.signature(build).parameters
    is_open = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    known = set(parameters) if not is_open or issubclass(kind, Blocks) else set()

    @functools.wraps(build)
    def __init__(self: Any, *args: Any, **named: Any) -> None:
        if getattr(self, "_is_being_built", False):  # a subclass is at work
            build(self, *args, **named)
            return
        self._is_being_built = True
        shown, caller = dict(named), str(sys._getframe(1).f_globals.get("__name__", ""))
        if not caller.startswith(HOUSE):  # the house speaks Gradio 6
            is_new, is_layout = not caller.startswith("gradio."), issubclass(kind, BlockContext)
            named = component_keywords(kind.__name__, named, known or named, is_new=is_new, is_layout=is_layout)
        watcher = WATCHER.get() if named.get("render", True) else None
        try:
            if watcher is not None:
                watcher.before_component(self, **shown)
            build(self, *args, **named)
        finally:
            self._is_being_built = False
        if watcher is not None:
            watcher.after_component(self, **shown)

    return __init__


def _understanding_event(listener: Callable[..., Any]) -> Callable[..., Any]:
    known = set(inspect.signature(listener).parameters)

    @functools.wraps(listener)
    def listen(*args: Any, **named: Any) -> Any:
        every = named.get("every") if listener.event_name == "load" else None  # type: ignore[attr-defined]
        if isinstance(every, int | float) and not isinstance(every, bool):
            gr.Timer(every).tick(*args[1:], **{name: value for name, value in named.items() if name != "every"})
        named = event_keywords(str(listener.event_name), named, known)  # type: ignore[attr-defined]
        inputs = named.get("inputs", args[INPUTS_PLACE] if len(args) > INPUTS_PLACE else None)
        if script := fresh_sketches(inputs, named.get("js")):
            named["js"] = script
        return listener(*args, **named)

    return listen


def _teach_chains() -> None:
    """`.then(_js=...)` and its like, which every event's result has of its own."""
    build = events.Dependency.__init__

    @functools.wraps(build)
    def __init__(self: Any, *args: Any, **named: Any) -> None:
        build(self, *args, **named)
        for name in ("then", "success", "failure"):
            chained = getattr(self, name)
            setattr(self, name, functools.partial(_understanding_event(chained.func), *chained.args))

    events.Dependency.__init__ = __init__


def _teach_images() -> None:
    """`gr.Image(tool="sketch")` is our canvas, as `gr.Image(...)` with another tool is Gradio's."""

    def __new__(cls: type, *args: Any, tool: str | None = None, **named: Any) -> Any:
        if tool in TOOLS and cls is gr.Image:
            return SketchCanvas(*args, tool=tool, **named)
        return object.__new__(cls)

    gr.Image.__new__ = __new__


def _teach_task_ids() -> None:
    """An event's script may put the id of its job in place of the first input, whatever that is: it comes through as it is."""
    read = Blocks.preprocess_data

    @functools.wraps(read)
    async def preprocess_data(self: Any, block_fn: Any, inputs: list[Any], state: Any, *args: Any, **named: Any) -> list[Any]:
        task = inputs[0] if inputs and isinstance(inputs[0], str) and inputs[0].startswith(TASK) else None
        if task is None or not block_fn.inputs:
            return list(await read(self, block_fn, inputs, state, *args, **named))
        shown = copy(block_fn)
        shown.inputs = block_fn.inputs[1:]
        shown.component_prop_inputs = [place - 1 for place in block_fn.component_prop_inputs]
        return [task, *await read(self, shown, inputs[1:], state, *args, **named)]

    Blocks.preprocess_data = preprocess_data


def _bring_names_back() -> None:
    for old, new in ALIASES.items():
        setattr(gr, old, getattr(gr, new))
    everything = SimpleNamespace(**{name: getattr(gr, name) for name in dir(gr.components) if hasattr(gr, name)})
    everything.Variable = gr.State
    gr.inputs, gr.outputs = everything, everything
    gr.components.IOComponent = Component
    for name in ("Box", "Variable"):
        setattr(gr.components, name, getattr(gr, name))
    sys.modules.setdefault("gradio.inputs", everything)  # type: ignore[arg-type]
    sys.modules.setdefault("gradio.outputs", everything)  # type: ignore[arg-type]


def _update(**named: Any) -> dict[str, Any]:
    """`gr.Button.update(...)`: Gradio 3's way to say `gr.update(...)`."""
    named.pop("__type__", None)
    return gr.update(**named)


def _style(self: Any, **named: Any) -> Any:
    """`.style(...)`: what is still an attribute is set, what is not is left out; returns the component."""
    for name, value in named.items():
        name = GALLERY_STYLE.get(name, name)
        if hasattr(self, name):
            setattr(self, name, value)
        else:
            drop(type(self).__name__, f"style {name}")
    return self
