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
        value: What it starts with, as it is shown.
        minimum, maximum, step: Of sliders and numbers.
        choices: Values that can be picked.
        is_by_number: Whether jobs get the places of what was picked among `choices` (components of `type="index"`).
    """

    label: str = ""
    value: Any = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[Any, ...] | None = None
    is_by_number: bool = False

    @property
    def start(self) -> Any:
        """What a job gets that does not say otherwise."""
        if not self.is_by_number or not self.choices:
            return self.value
        picked = self.value if isinstance(self.value, list | tuple) else [self.value]
        places = [self.choices.index(value) for value in picked if value in self.choices]
        return places if isinstance(self.value, list | tuple) else next(iter(places), None)

    def as_dict(self) -> dict[str, Any]:
        """As the API's script-info shows it."""
        shown = asdict(self)
        del shown["is_by_number"]
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
    is_by_number = getattr(component, "type", None) == "index"
    return Control(
        str(getattr(component, "label", None) or ""), _start(component.value), choices=values, is_by_number=is_by_number, **limits
    )


def _start(value: Any) -> Any:
    """What a control starts with, where that is a function's to say."""
    return value() if callable(value) else value


def _value_of(choice: Any) -> Any:
    """Of a choice that has a text and a value, the value."""
    return choice[1] if isinstance(choice, tuple | list) and len(choice) == 2 else choice


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
