"""The whole suite leaves no test out and runs none twice."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from modules.base.setup.suite import SUITES

ROOT = Path(__file__).resolve().parents[3]
IGNORED = "--ignore-glob="


def test_every_test_file_belongs_to_one_suite() -> None:
    files = [path for folder in ("unit", "golden", "api", "browser") for path in (ROOT / "tests" / folder).rglob("test_*.py")]
    assert len(files) > 200
    for file in [*files, ROOT / "tests" / "test_architecture.py"]:
        holding = [
            suite.name
            for suite in SUITES
            if any(file.is_relative_to(ROOT / path) for path in suite.paths)
            and not any(fnmatch(str(file), option.removeprefix(IGNORED)) for option in suite.options if option.startswith(IGNORED))
        ]
        assert len(holding) == 1, (file, holding)
