"""One process a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modules.base.errors import SaveFailed
from modules.base.folder_lock import FolderInUse, FolderLock

HOLD = """
import sys, time
from pathlib import Path
from modules.base.folder_lock import FolderLock
with FolderLock(Path(sys.argv[1]), Path("studio"), "http://127.0.0.1:7860"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_told_who_has_it_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "server.lock"
    with FolderLock(path, tmp_path, "http://127.0.0.1:7860"), pytest.raises(FolderInUse) as caught, FolderLock(path, tmp_path):
        pass
    for words in (str(os.getpid()), "http://127.0.0.1:7860", str(tmp_path), "--data-dir"):
        assert words in str(caught.value)
    with FolderLock(path, tmp_path):
        pass


def test_the_lock_dies_with_its_process(tmp_path: Path, project_root: Path) -> None:
    path = tmp_path / "server.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], cwd=project_root, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline().strip() == b"held"
        with pytest.raises(FolderInUse, match=str(holder.pid)), FolderLock(path, tmp_path):
            pass
        holder.kill()
        holder.wait()
    with FolderLock(path, tmp_path):
        assert str(os.getpid()) in path.read_text()


def test_what_is_no_lock_file_of_ours_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "server.lock"
    path.write_bytes(b"\xff[nonsense")
    with FolderLock(path, tmp_path):
        path.write_bytes(b"\xff[nonsense")
        with pytest.raises(FolderInUse, match="another Pentimento already"), FolderLock(path, tmp_path):
            pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in place of the folder")
    with pytest.raises(SaveFailed, match="--data-dir"), FolderLock(tmp_path / "cache" / "server.lock", tmp_path):
        pass
