"""The running program's session, as those find it who cannot be handed one: A1111's module-level names."""

from __future__ import annotations

import argparse
from pathlib import Path

from modules.base.paths import Paths
from modules.runtime.session import Session
from modules.settings.flags import Flags
from modules.settings.store import OptionsStore

ROOT = Path(__file__).resolve().parents[2]


class SharedSession:
    """Holds the running program's session; `launch` binds it once."""

    def __init__(self) -> None:
        self._session: Session | None = None

    def bind(self, session: Session) -> None:
        self._session = session

    @property
    def is_bound(self) -> bool:
        return self._session is not None

    @property
    def session(self) -> Session:
        """The session.

        Raises:
            RuntimeError: The program has not started one yet.
        """
        if self._session is None:
            raise RuntimeError("no session yet: shared values can be read once the program has started")
        return self._session

    @property
    def store(self) -> OptionsStore | None:
        """The session's options; None before there is a session."""
        return None if self._session is None else self._session.options

    @property
    def flags(self) -> Flags:
        """The session's flags; before there is one, the defaults."""
        return Flags() if self._session is None else self._session.flags

    @property
    def paths(self) -> Paths:
        """The session's folders; before there is one, those that the command line asks for."""
        return Paths.under(ROOT, _asked_data_folder()) if self._session is None else self._session.paths


def _asked_data_folder() -> Path | None:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--data-dir", type=Path)
    known, _ = parser.parse_known_args()
    return known.data_dir if isinstance(known.data_dir, Path) else None
