"""A script's controls as plain data: this floor knows no page library, only the attributes that its components have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Control:
    """One control of a script.

    Attributes:
        label: Empty for mere text.
        value: What it starts with; what a job gets that does not say otherwise.
        minimum, maximum, step: Of sliders and numbers.
        choices: Values that can be picked.
    """

    label: str = ""
    value: Any = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[Any, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        """As the API's script-info shows it."""
        shown = asdict(self)
        return {**shown, "choices": None if self.choices is None else list(self.choices)}


def read_controls(components: Sequence[Any] | None) -> tuple[Control, ...]:
    """What `Script.ui` built, as plain data.

    Args:
        components: Objects with a `value`, and with `label`, `minimum`, `maximum`, `step`, `choices` where they have them.

    Raises:
        TypeError: It is no sequence of components.
    """
    if components is None:
        return ()
    if not isinstance(components, Sequence) or isinstance(components, str):
        raise TypeError(f"ui() must return a list of components or None, not {type(components).__name__}")
    return tuple(_read(component, place) for place, component in enumerate(components))


def _read(component: Any, place: int) -> Control:
    if not hasattr(component, "value"):
        raise TypeError(f"ui() returned {type(component).__name__} as control {place}; a component with a value was wanted")
    limits = {name: _number(getattr(component, name, None)) for name in ("minimum", "maximum", "step")}
    choices = getattr(component, "choices", None)
    values = tuple(_value_of(choice) for choice in choices) if choices else None
    return Control(str(getattr(component, "label", None) or ""), _start(component.value), choices=values, **limits)


def _start(value: Any) -> Any:
    """What a control starts with, where that is a function's to say."""
    return value() if callable(value) else value


def _value_of(choice: Any) -> Any:
    """Of a choice that has a text and a value, the value."""
    return choice[1] if isinstance(choice, tuple | list) and len(choice) == 2 else choice


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
