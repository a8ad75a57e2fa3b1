"""The files under which the browser fetches results."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from modules.pipeline.processed import Processed
from modules.runtime.jobs import Job, JobState
from modules.runtime.store import AssetStore
from modules.web.ui.desk import Desk
from modules.web.ui.source import KEEP_FILES_S, keep_result, open_result_folder


def test_a_result_is_shown_under_its_name_without_being_written_again(tmp_path: Path) -> None:
    store, saved = AssetStore(tmp_path / "store"), tmp_path / "00001-5.png"
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    pictures[0].save(saved)
    unsaved = store.add_picture(pictures[1], "infotext")
    job = Job("ann", None, state=JobState.DONE, id="job")
    job.result = Processed(None, pictures, 5, all_seeds=[5, 6], infotexts=["", "infotext"])
    job.result.paths = [saved, None]
    folder = tmp_path / "page"
    old = folder / "old"
    old.mkdir(parents=True)
    os.utime(old, (1000, 1000))
    session: Any = SimpleNamespace(store=store)
    desk = Desk(session, SimpleNamespace(), SimpleNamespace(), folder)  # type: ignore[arg-type]
    for _ in range(2):
        shown = [Path(entry["path"]) for entry in desk.keep(job)]
        assert [path.name for path in shown] == ["00001-5.png", "00001-6.png"]
    assert shown[0].samefile(saved) and shown[1].samefile(store.path(unsaved.id))
    assert len(list(store.ids())) == 2 and not old.exists()


def test_without_hard_links_a_result_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    kept = tmp_path / "kept.png"
    kept.write_bytes(b"bytes")
    monkeypatch.setattr(os, "link", refuse)
    assert Path(keep_result(kept, tmp_path / "job", "a.png")).read_bytes() == b"bytes"


def test_folders_of_killed_programs_go_after_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, recent = open_result_folder(), open_result_folder()
    (left / "job").mkdir()
    age_s = left.stat().st_mtime - KEEP_FILES_S - 60
    os.utime(left, (age_s, age_s))
    open_result_folder()
    assert not left.exists() and recent.exists()
