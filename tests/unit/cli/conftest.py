"""Each test leaves `modules.shared` as it found it."""

from __future__ import annotations

import pytest

from modules.runtime.shared_objects import SHARED


@pytest.fixture(autouse=True)
def restore_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line binds its session, which may be a stand-in here."""
    monkeypatch.setattr(SHARED, "_session", None)
