"""Checkpoints and vocabulary for the golden tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.tiny_models import require_vocabulary, tiny_models_folder


@pytest.fixture(scope="session")
def tiny_models() -> Path:
    """Folder of the tiny checkpoints that A1111 made the golden pictures with."""
    return tiny_models_folder()


@pytest.fixture(scope="session")
def vocabulary() -> Path:
    """CLIP's vocabulary, which set-up fetches; without it the test is left out."""
    return require_vocabulary()
