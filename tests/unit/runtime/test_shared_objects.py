"""`modules.shared` before and after a session is bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.base.paths import Paths
from modules.runtime.session import Session
from modules.runtime.shared_objects import SharedFlags, SharedOptions, SharedSession, SharedState
from modules.settings.flags import parse_flags
from modules.settings.options import Options


@pytest.fixture
def shared() -> SharedSession:
    return SharedSession()


def test_defaults_are_there_before_the_program_starts(shared: SharedSession) -> None:
    assert SharedOptions(shared).samples_format == Options().samples_format
    assert SharedFlags(shared).port == 7860
    assert not SharedState(shared).interrupted
    with pytest.raises(RuntimeError, match="no session"):
        _ = shared.session


def test_a_bound_session_shows_through_and_changes_are_saved(shared: SharedSession, tmp_path: Path) -> None:
    shared.bind(Session(Paths.under(tmp_path), parse_flags(["--port", "1234"])))
    opts = SharedOptions(shared)
    opts.samples_format = "webp"
    assert opts.data["samples_format"] == "webp"
    assert opts.set("samples_format", "webp") is False
    assert Session(Paths.under(tmp_path), parse_flags([])).options.current.samples_format == "webp"
    assert SharedFlags(shared).port == 1234
    with pytest.raises(AttributeError):
        _ = opts.no_such_option
