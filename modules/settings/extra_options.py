"""Options that extensions add: described by them in A1111's way, kept in the settings file and shown on the settings page like our own."""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from modules.base.errors import InvalidRequest
from modules.settings.option import OptionField

logger = logging.getLogger(__name__)

OTHER_SECTION = ("other", "Other")
TAG = re.compile(r"<[^>]*>")


class OptionInfo:
    """How an extension describes one option; arguments, attributes and the methods that return `self` are A1111's.

    Args:
        default: Its type is the option's type; None takes any value.
        label: Shown beside the editor.
        component: The Gradio class it would be edited with; only its name is looked at.
        component_args: `minimum`, `maximum`, `step`, `choices` ..., or a function that gives them.
        onchange: Called without arguments once the option was changed for good.
        section: (id, title) on the settings page.
        refresh: Called before choices are listed anew.
        comment_before, comment_after: HTML around the editor; the page shows its text.
        infotext: The infotext key that sets this option when a text is read back.
        restrict_api: Not to be changed over HTTP.
        category_id: Accepted; sections are not grouped here.
    """

    def __init__(
        self,
        default: Any = None,
        label: str = "",
        component: Any = None,
        component_args: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
        onchange: Callable[[], Any] | None = None,
        section: tuple[Any, ...] | None = None,
        refresh: Callable[[], Any] | None = None,
        comment_before: str = "",
        comment_after: str = "",
        infotext: str | None = None,
        restrict_api: bool = False,
        category_id: str | None = None,
    ) -> None:
        self.default, self.label = default, label
        self.component, self.component_args = component, component_args
        self.onchange, self.refresh = onchange, refresh
        self.section: tuple[Any, ...] | None = section
        self.comment_before, self.comment_after = comment_before, comment_after
        self.infotext, self.restrict_api, self.category_id = infotext, restrict_api, category_id
        self.do_not_save = False

    def link(self, label: str, url: str) -> OptionInfo:
        self.comment_before += f"[<a href='{html.escape(url, quote=True)}' target='_blank'>{html.escape(label)}</a>]"
        return self

    def js(self, label: str, js_func: str) -> OptionInfo:
        """Accepted: the settings page runs no code of options, and shows the label alone."""
        self.comment_before += f"[{html.escape(label)}]"
        return self

    def info(self, info: str) -> OptionInfo:
        self.comment_after += f"<span class='info'>({info})</span>"
        return self

    def html(self, html: str) -> OptionInfo:
        self.comment_after += html
        return self

    def needs_restart(self) -> OptionInfo:
        self.comment_after += " <span class='info'>(requires restart)</span>"
        return self

    def needs_reload_ui(self) -> OptionInfo:
        self.comment_after += " <span class='info'>(requires Reload UI)</span>"
        return self

    @property
    def editor(self) -> str:
        """Name of the component in lower case: "slider", "dropdown" ...; "" = whatever suits the default."""
        component = self.component
        kind = getattr(component, "func", component)  # functools.partial
        return str(getattr(kind, "__name__", "") or type(kind).__name__).lower().removeprefix("form") if component is not None else ""

    @property
    def is_value(self) -> bool:
        """False for what is only text on the settings page."""
        return not self.do_not_save and self.editor != "html"

    def arguments(self) -> dict[str, Any]:
        """`component_args` now; none where an extension's function fails."""
        given = self.component_args
        try:
            return dict((given() if callable(given) else given) or {})
        except (Exception, SystemExit):
            logger.exception("the choices of option %r cannot be had", self.label)
            return {}

    def describe(self, name: str) -> OptionField | None:
        """The option as the settings page knows one; None where no editor of ours fits it: it is set over the API, by its own type."""
        default = tuple(self.default) if isinstance(self.default, list) else "" if self.default is None else self.default
        if not self.is_value or not isinstance(default, bool | int | float | str | tuple):
            return None
        arguments = self.arguments()
        listed = tuple(str(choice) for choice in _values(arguments.get("choices") or ()))
        many = tuple(str(item) for item in default) if isinstance(default, tuple) else None
        said = _plain(f"{self.comment_before} {self.comment_after}")
        return OptionField(
            name=name,
            default=many if many is not None else str(default) if listed else self._as_number(default),
            section=str((self.section or OTHER_SECTION)[-1] or OTHER_SECTION[-1]),
            label=_plain(str(self.label or name)),
            help=f"{said} [{', '.join(listed)}]".strip() if many is not None and listed else said,
            minimum=_limit(arguments.get("minimum")),
            maximum=_limit(arguments.get("maximum")),
            choices=() if many is not None else listed,
        )

    def coerce(self, name: str, value: object) -> Any:
        """Bring `value` to the type of the default.

        Choices are not enforced, as in A1111: they are lists of files that come and go.

        Raises:
            InvalidRequest: Wrong type or out of range.
        """
        if value is None or self.default is None:
            return self.default if value is None else value
        if isinstance(self.default, list | tuple):
            if not isinstance(value, list | tuple):
                raise InvalidRequest(name, value, "a list")
            return list(value)
        if isinstance(self.default, dict):
            if not isinstance(value, dict):
                raise InvalidRequest(name, value, "an object")
            return value
        chosen = next((choice for choice in _values(self.arguments().get("choices") or ()) if str(choice) == str(value)), None)
        return self._coerce_single(name, value) if chosen is None else chosen

    def _coerce_single(self, name: str, value: object) -> Any:
        default, arguments = self._as_number(self.default), self.arguments()
        if isinstance(default, str) and isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        limits = _limit(arguments.get("minimum")), _limit(arguments.get("maximum"))
        field = OptionField(name, default, "", "", "", *limits, ())
        return field.coerce(value) if isinstance(default, bool | int | float | str) else value

    def _as_number(self, default: Any) -> Any:
        """A whole default of a slider with fractional steps stands for a fractional number."""
        step = self.arguments().get("step")
        is_whole = isinstance(default, int) and not isinstance(default, bool)
        return float(default) if is_whole and isinstance(step, float) and step != int(step) else default


class OptionHTML(OptionInfo):
    """Text between options, without a value."""

    def __init__(self, text: str) -> None:
        super().__init__(_plain(str(text)), label="")
        self.do_not_save = True


class OptionDiv(OptionInfo):
    """A line between options, without a value."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("", label="")
        self.do_not_save = True


def options_section(
    section_identifier: tuple[Any, ...], options_dict: dict[str, OptionInfo], category_id: str | None = None
) -> dict[str, OptionInfo]:
    """Give every option that has no section this one, (id, title) or (id, title, category); returns `options_dict`."""
    for info in options_dict.values():
        info.section = tuple(section_identifier[:2])
        info.category_id = info.category_id or (section_identifier[2] if len(section_identifier) > 2 else category_id)
    return options_dict


class ExtraOptions:
    """The options of all loaded extensions, by name, in the order they came, and who wants to hear of changes of any option."""

    def __init__(self) -> None:
        self._infos: dict[str, OptionInfo] = {}
        self._listeners: dict[str, list[Callable[[], Any]]] = {}

    def add(self, name: str, info: OptionInfo) -> None:
        """Add an option, or describe it anew."""
        if not isinstance(info, OptionInfo):
            raise TypeError(f"option {name!r}: wanted an OptionInfo, got {type(info).__name__}")
        self._infos[str(name)] = info

    def remove(self, name: str) -> None:
        self._infos.pop(name, None)
        self._listeners.pop(name, None)

    def listen(self, name: str, function: Callable[[], Any]) -> None:
        """Call `function` whenever the option `name`, ours or an extension's, was changed for good."""
        self._listeners.setdefault(name, []).append(function)

    def tell_changed(self, names: Iterable[str]) -> None:
        """Call those who listen; one that fails is logged."""
        for name in names:
            info = self._infos.get(name)
            own = [info.onchange] if info is not None and info.onchange is not None else []
            for function in [*own, *self._listeners.get(name, ())]:
                try:
                    function()
                except (Exception, SystemExit):
                    logger.exception("what was to follow a change of option %s failed", name)

    def values(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        """The value of every option that JSON can tell: what `kept` has for it, if it can be used, else its default."""
        found = {name: self.value(name, kept) for name, info in self._infos.items() if info.is_value}
        return {name: value for name, value in found.items() if _is_json(value)}

    def value(self, name: str, kept: Mapping[str, Any]) -> Any:
        info = self._infos[name]
        try:
            return info.coerce(name, kept[name]) if name in kept else info.default
        except InvalidRequest as error:
            logger.debug("%s; using the default", error)
            return info.default

    def fields(self) -> dict[str, OptionField]:
        """All that the settings page can edit, described as our own options are."""
        described = {name: info.describe(name) for name, info in self._infos.items()}
        return {name: field for name, field in described.items() if field is not None}

    def infotext_keys(self) -> dict[str, str]:
        """Infotext key to option, of those that are written into infotext."""
        return {info.infotext: name for name, info in self._infos.items() if info.infotext}

    def get(self, name: str) -> OptionInfo | None:
        return self._infos.get(name)

    def __getitem__(self, name: str) -> OptionInfo:
        return self._infos[name]

    def __contains__(self, name: object) -> bool:
        return name in self._infos

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._infos))

    def __len__(self) -> int:
        return len(self._infos)


EXTRA_OPTIONS = ExtraOptions()
"""Process-wide, as are the extensions that were imported."""


def _values(choices: Iterable[Any]) -> list[Any]:
    """What choices stand for; Gradio also takes (label, value) pairs."""
    return [choice[1] if isinstance(choice, list | tuple) and len(choice) == 2 else choice for choice in choices]


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _limit(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _plain(text: str) -> str:
    return " ".join(html.unescape(TAG.sub("", text)).split())
