"""The object behind `modules.shared.opts`: the options, as A1111's scripts read, write and extend them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from modules.pipeline.context import RUNNING
from modules.runtime.shared_session import SharedSession
from modules.settings.a1111_names import DEFAULTS_WITHOUT_EFFECT
from modules.settings.extra_options import EXTRA_OPTIONS, OptionInfo
from modules.settings.option import OptionField
from modules.settings.options import Options, option_fields

logger = logging.getLogger(__name__)


class OptionLabels(MutableMapping[str, OptionInfo]):
    """`opts.data_labels` and `options_templates`: how every option is described; what is put in is added. Ours cannot be replaced."""

    def __init__(self) -> None:
        self._own: dict[str, OptionInfo] = {}

    def __getitem__(self, name: str) -> OptionInfo:
        fields = option_fields()
        if name not in fields:
            return EXTRA_OPTIONS[name]
        return self._own.setdefault(name, _describe(fields[name]))

    def __setitem__(self, name: str, info: OptionInfo) -> None:
        if name in option_fields():
            logger.warning("an extension describes the option %s anew; ours stays as it is", name)
            return
        EXTRA_OPTIONS.add(name, info)

    def __delitem__(self, name: str) -> None:
        EXTRA_OPTIONS.remove(name)

    def __iter__(self) -> Iterator[str]:
        return iter([*option_fields(), *EXTRA_OPTIONS])

    def __len__(self) -> int:
        return len(option_fields()) + len(EXTRA_OPTIONS)


def _describe(field: OptionField) -> OptionInfo:
    limits = {"minimum": field.minimum, "maximum": field.maximum, "choices": list(field.choices) or None}
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    arguments = {name: value for name, value in limits.items() if value is not None}
    return OptionInfo(default, field.label, component_args=arguments, section=(field.section.lower(), field.section)).info(field.help)


class OptionValues(dict[str, Any]):
    """`opts.data`: the options now; what is written into it is set, as `opts.name = value` would."""

    def __init__(self, values: Mapping[str, Any], write: Callable[[str, object], Any]) -> None:
        super().__init__(values)
        self._write = write

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._write(name, value)

    def update(self, *others: Any, **named: Any) -> None:
        for name, value in dict(*others, **named).items():
            self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]


class SharedOptions:
    """`shared.opts`: options as attributes, `data` as a dictionary, `set` to change one, `add_option` to add one.

    Within `process_images` these are the options of that run, the request's own among them. While a selected script works between its runs,
    they are the program's, as in A1111. A change within a job holds for that job alone.
    Names that are no options live as long as the process.

    Args:
        shared: Gives the session's `OptionsStore`; None before there is one.

    Attributes:
        data_labels: How every option is described.
        restricted_opts: Empty: what may not be changed over HTTP says so itself.
    """

    def __init__(self, shared: SharedSession) -> None:
        object.__setattr__(self, "_shared", shared)
        object.__setattr__(self, "_loose", {})
        object.__setattr__(self, "data_labels", OptionLabels())
        object.__setattr__(self, "restricted_opts", set())

    @property
    def data(self) -> OptionValues:
        """All options by name."""
        current = self._current
        known = {**DEFAULTS_WITHOUT_EFFECT, **current.kept, **self._loose, **current.as_dict()}
        return OptionValues(known, self.__setattr__)

    def set(self, name: str, value: object, is_api: bool = False, run_callbacks: bool = True) -> bool:
        """Change and save one option; False when nothing changed.

        Raises:
            InvalidRequest: It cannot have this value.
        """
        if name not in self.data_labels:
            self._loose[name] = value
            return True
        info = EXTRA_OPTIONS.get(name)
        if is_api and info is not None and info.restrict_api:
            return False
        before = self._current
        running, store = RUNNING.get(), self._shared.store
        if running is not None:
            running.options = before.coerced({name: value}, ignore_unknown=True)
            if running.context is not None:
                running.context.options = running.context.options.coerced({name: value}, ignore_unknown=True)
            return bool(running.options != before)
        if store is None:
            raise RuntimeError(f"option {name!r} can be set once the program has started")
        return bool(store.update({name: value}) != before)

    def add_option(self, key: str, info: OptionInfo) -> None:
        """Add an option of an extension: `opts.<key>` has its value from now on, the settings page and the API show it."""
        self.data_labels[key] = info

    def onchange(self, key: str, func: Callable[[], Any], call: bool = True) -> None:
        """Call `func` whenever the option was changed for good, and, with `call`, now."""
        EXTRA_OPTIONS.listen(key, func)
        if call:
            func()

    def get_default(self, key: str) -> Any:
        """The default of an option; None where there is none of that name."""
        info = self.data_labels.get(key)
        return DEFAULTS_WITHOUT_EFFECT.get(key) if info is None else info.default

    def cast_value(self, key: str, value: object) -> Any:
        """`value` in the type of the option.

        Raises:
            InvalidRequest: It cannot be brought to it.
        """
        field = option_fields().get(key)
        return field.coerce(value) if field is not None else EXTRA_OPTIONS[key].coerce(key, value)

    def save(self, filename: str | None = None) -> None:
        """Accepted: every change is saved when it is made, into our own file."""

    def reorder(self) -> None:
        """Accepted: options are listed by section."""

    def dumpjson(self) -> str:
        """All options as JSON text."""
        return json.dumps(self.data, default=str)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copy, pickle and the like ask
            raise AttributeError(name)
        if name in self._loose:
            return self._loose[name]
        return self._current.value_of(name)

    def __setattr__(self, name: str, value: object) -> None:
        self.set(name, value)

    @property
    def _current(self) -> Options:
        running = RUNNING.get()
        if running is not None:
            return running.options
        store = self._shared.store
        return store.current if store is not None else Options()
