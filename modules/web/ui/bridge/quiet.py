"""Subclasses of Gradio's components that leave no file behind."""

from __future__ import annotations

import inspect
from abc import ABCMeta
from typing import Any

from gradio.component_meta import ComponentMeta, updateable

OPEN = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


class QuietMeta(ComponentMeta):
    """Makes subclasses of Gradio's components as Gradio does, but writes no .pyi file beside their source."""

    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> Any:
        if "__init__" in attrs:
            attrs["__init__"] = updateable(attrs["__init__"])
        made = ABCMeta.__new__(cls, name, bases, attrs)
        complete_signature(made)
        return made


def complete_signature(kind: type) -> None:
    """Let an `__init__(self, ..., **kwargs)` tell its base's parameters too: by them Gradio knows what to send to the browser."""
    build = vars(kind).get("__init__")
    if build is None:
        return
    own = inspect.signature(build).parameters
    if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in own.values()):
        return
    parameters = {name: parameter for name, parameter in own.items() if parameter.kind not in OPEN}
    for base in kind.__mro__[1:]:
        if "__init__" not in vars(base):
            continue
        for name, parameter in inspect.signature(vars(base)["__init__"]).parameters.items():
            if name not in parameters and parameter.kind not in OPEN:
                parameters[name] = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        break
    build.__signature__ = inspect.Signature(list(parameters.values()))
