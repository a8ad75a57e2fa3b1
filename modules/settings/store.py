"""Options on disk: read once, written whole, a broken file kept aside."""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from modules.base.errors import InvalidRequest
from modules.base.files import keep_aside, write_atomically
from modules.settings.a1111_names import NAMES_WITHOUT_EFFECT
from modules.settings.extra_options import EXTRA_OPTIONS
from modules.settings.options import Options, option_fields

logger = logging.getLogger(__name__)


class OptionsStore:
    """The current options and the JSON file that remembers them.

    Args:
        path: The file; it need not exist. Only values that differ from the defaults are written, and those of extensions that are away.

    Attributes:
        current: The options in force.
        kept_aside: Where the file lies that could not be read at the start; None = it could.
        ignored: What the file said of single options and could not be used, one sentence each.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.kept_aside: Path | None = None
        self.ignored: list[str] = []
        self.current = self._read()

    def update(self, changes: Mapping[str, object]) -> Options:
        """Apply `changes` (unknown names are ignored), save, and return the new snapshot.

        Raises:
            InvalidRequest: A value is wrong; nothing is changed.
            SaveFailed: The file cannot be written; nothing is changed.
        """
        with self._lock:
            before, changed = self.current, self.current.coerced(changes, ignore_unknown=True)
            if changed != before:
                self._write(changed)
                self.current = changed
        if changed != before:
            EXTRA_OPTIONS.tell_changed(name for name in changes if _value(before, name) != _value(changed, name))
        return changed

    def ensure_file(self) -> None:
        """Write the file if there is none: extensions read it themselves.

        Raises:
            SaveFailed: It cannot be written.
        """
        with self._lock:
            if not self._path.exists():
                self._write(self.current)

    def _write(self, options: Options) -> None:
        defaults, fields = Options().as_dict(), option_fields()
        own = {name: value for name, value in options.as_dict().items() if name in fields and value != defaults[name]}
        values = own | {name: value for name, value in options.kept.items() if not _is_default(name, value)}
        write_atomically(self._path, json.dumps(values, indent=2, ensure_ascii=False).encode())

    def _read(self) -> Options:
        if not self._path.exists():
            return Options()
        try:
            values = json.loads(self._path.read_text(encoding="utf-8"))
            if not isinstance(values, dict):
                raise ValueError("not a JSON object")
        except (ValueError, UnicodeDecodeError) as error:
            self.kept_aside = aside = keep_aside(self._path)
            logger.warning("%s cannot be read (%s); kept as %s, starting with the defaults", self._path.name, error, aside.name)
            return Options()
        return self._keep_valid(values)

    def _keep_valid(self, values: dict[str, object]) -> Options:
        kept: dict[str, object] = {}
        extras: dict[str, object] = {}
        fields = option_fields()
        for name, value in values.items():
            if name not in fields:
                if name not in NAMES_WITHOUT_EFFECT:  # an extension's, which comes later or is away
                    extras[name] = value
                continue
            try:
                kept[name] = fields[name].coerce(value)
            except InvalidRequest as error:
                self.ignored.append(str(error))
                logger.warning("%s: %s; using the default", self._path.name, error)
        return dataclasses.replace(Options().coerced(kept), kept=extras)


def _value(options: Options, name: str) -> object:
    return getattr(options, name) if name in option_fields() else options.kept.get(name)


def _is_default(name: str, value: object) -> bool:
    info = EXTRA_OPTIONS.get(name)
    return info is not None and value == info.default
