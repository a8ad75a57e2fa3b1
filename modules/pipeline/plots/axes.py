"""What an axis of a plot changes; the names are those that extensions use to add axes of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any

from modules.base.checks import to_choice
from modules.base.errors import InvalidRequest

NOTHING = "Nothing"
"""The axis that is not there."""
_SIZE = re.compile(r"\s*(\d+)\s*[x\u00d7*]\s*(\d+)\s*", re.IGNORECASE)


def format_value(p: Any, opt: Any, x: Any) -> str:
    """A value as legends show it."""
    return str(round(x, 8) if isinstance(x, float) else x)


def format_value_add_label(p: Any, opt: Any, x: Any) -> str:
    """The same with the axis's name before it."""
    return f"{opt.label}: {format_value(p, opt, x)}"


def format_value_join_list(p: Any, opt: Any, x: Sequence[str]) -> str:
    """An order of parts."""
    return ", ".join(x)


def format_remove_path(p: Any, opt: Any, x: str) -> str:
    """A file without its folder."""
    return PurePath(x.replace("\\", "/")).name


def format_nothing(p: Any, opt: Any, x: Any) -> str:
    """No legend."""
    return ""


class AxisOption:
    """Something that a plot can vary.

    Args:
        label: As the list and the infotext show it.
        type: Makes a value of a text: `int`, `float`, `str`, `str_permutations` or any function.
        apply: (p, value, all values): changes the request.
        format_value: (p, option, value): the legend.
        confirm: (p, values): raises where they cannot be used.
        cost: Axes that cost more change less often: 1 loads another checkpoint.
        choices: Gives the values that can be picked.
        prepare: (text): the values as texts; None = parts between commas.
    """

    is_img2img: Any = None

    def __init__(
        self,
        label: str,
        type: Callable[[Any], Any],
        apply: Callable[[Any, Any, Any], Any],
        format_value: Callable[[Any, Any, Any], str] = format_value_add_label,
        confirm: Callable[[Any, Any], Any] | None = None,
        cost: float = 0.0,
        choices: Callable[[], Sequence[Any]] | None = None,
        prepare: Callable[[str], Sequence[Any]] | None = None,
    ) -> None:
        self.label, self.type, self.apply, self.format_value = label, type, apply, format_value
        self.confirm, self.cost, self.choices, self.prepare = confirm, cost, choices, prepare


class AxisOptionImg2Img(AxisOption):
    """An axis of the img2img tab alone."""

    is_img2img = True


class AxisOptionTxt2Img(AxisOption):
    """An axis of A1111's other tab alone."""

    is_img2img = False


class MissingAxis(AxisOption):
    """Keeps the number of an axis that A1111 has and this program cannot have.

    Args:
        label: A1111's.
        reason: Why.
    """

    def __init__(self, label: str, reason: str) -> None:
        super().__init__(label, str, do_nothing, confirm=self._refuse)
        self.reason = reason

    def _refuse(self, p: Any, xs: Any) -> None:
        raise InvalidRequest("axis type", self.label, f"another axis: {self.reason}")


def do_nothing(p: Any, x: Any, xs: Any) -> None:
    """The axis that is not there."""


def apply_field(field: str) -> Callable[[Any, Any, Any], None]:
    """Sets a field of the request."""

    def apply(p: Any, x: Any, xs: Any) -> None:
        setattr(p, field, x)

    return apply


def apply_override(field: str, boolean: bool = False) -> Callable[[Any, Any, Any], None]:
    """Sets an option for that run."""

    def apply(p: Any, x: Any, xs: Any) -> None:
        p.override_settings[field] = to_choice(field, str(x), ("False", "True")) == "True" if boolean else x

    return apply


def apply_prompt(p: Any, x: str, xs: Sequence[str]) -> None:
    """Prompt S/R: the first value, replaced by this one wherever it stands."""
    _find_in_prompts(p, xs[0])
    p.prompt, p.negative_prompt = p.prompt.replace(xs[0], x), p.negative_prompt.replace(xs[0], x)


def _find_in_prompts(p: Any, text: str) -> None:
    if not text or (text not in p.prompt and text not in p.negative_prompt):
        raise InvalidRequest("Prompt S/R", text, "a first value that stands in the prompt or the negative prompt")


def apply_order(p: Any, x: Sequence[str], xs: Any) -> None:
    """Prompt order: what stands where these parts were, in their new order."""
    missing = [part for part in x if part not in p.prompt]
    if missing:
        raise InvalidRequest("Prompt order", missing[0], "parts that stand in the prompt")
    rest, made = p.prompt, ""
    for old, new in zip(sorted(x, key=p.prompt.find), x, strict=True):
        before, _, rest = rest.partition(old)
        made += before + new
    p.prompt = made + rest


def apply_styles(p: Any, x: str, xs: Any) -> None:
    """Adds styles, several between commas."""
    p.styles = [*(p.styles or []), *(name.strip() for name in str(x).split(",") if name.strip())]


def apply_size(p: Any, x: str, xs: Any) -> None:
    """WIDTHxHEIGHT."""
    found = _SIZE.fullmatch(str(x))
    if found is None:
        raise InvalidRequest("Size", x, "WIDTHxHEIGHT, such as 512x768")
    p.width, p.height = int(found[1]), int(found[2])


def apply_named(field: str, values: dict[str, Any]) -> Callable[[Any, Any, Any], None]:
    """Sets a field to what a choice stands for."""

    def apply(p: Any, x: str, xs: Any) -> None:
        if x not in values:
            raise InvalidRequest(field, x, "one of " + ", ".join(values))
        setattr(p, field, values[x])

    return apply


def boolean_choice(reverse: bool = False) -> Callable[[], list[str]]:
    """Gives "False", "True", or the other way round."""
    return lambda: ["True", "False"] if reverse else ["False", "True"]
