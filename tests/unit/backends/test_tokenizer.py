"""A vocabulary that is not there, or not whole, is said with the step that brings it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from modules.backends.tokenizer import ClipTokenizer
from modules.base.errors import MissingModel


@pytest.mark.parametrize("content", [None, b"no gzip", gzip.compress(b"header\na b\n")])
def test_missing_or_damaged_vocabulary(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "vocabulary.txt.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MissingModel, match=r"vocabulary\.txt\.gz .*`python launch\.py`"):
        ClipTokenizer(path)
