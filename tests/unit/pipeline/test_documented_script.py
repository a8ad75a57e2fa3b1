"""The script in docs/extensions.md runs as it stands there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from modules.plugins.discovery import ScriptFile
from modules.plugins.loader import SCRIPTS_DATA, ScriptLibrary
from modules.plugins.runner import ScriptRunner
from tests.source_tree import ROOT
from tests.unit.pipeline.conftest import Run


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[ScriptRunner]:
    """The script of the page, as the page says to save it."""
    page = (ROOT / "docs" / "extensions.md").read_text(encoding="utf-8")
    text = page.partition("```python\n")[2].partition("```")[0]
    assert len(text.splitlines()) == 15 and all(text.splitlines())
    said = re.search(r"Save this as `(\S+)`", page)
    assert said is not None
    file = tmp_path / said.group(1)
    file.parent.mkdir(parents=True)
    file.write_text(text)
    library = ScriptLibrary(lambda: [ScriptFile(file, file.parents[1])])
    yield library.img2img
    assert library.broken == []
    SCRIPTS_DATA[:] = [data for data in SCRIPTS_DATA if data.path != str(file)]
    for name in ("scripts.soft_finish", "soft_finish.py", "extensions.soft-finish.scripts.soft_finish"):
        del sys.modules[name]


def test_the_script_of_the_page_runs(run: Run, runner: ScriptRunner) -> None:
    plain, _ = run()
    softened, _ = run(scripts=runner, script_args=runner.assemble_args(None, [], {"Soft finish": {"args": [2.5]}}))
    unasked, _ = run(scripts=runner)
    assert "Softness: 2.5" in softened.infotexts[0] and "Softness" not in unasked.infotexts[0] and not softened.notes
    assert unasked.images[0].tobytes() == plain.images[0].tobytes()
    rough, smooth = (np.diff(np.asarray(image, dtype=float), axis=1).std() for image in (plain.images[0], softened.images[0]))
    assert smooth < rough / 3
