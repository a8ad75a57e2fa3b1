"""Where an extension was cloned from, and at which commit, as git tells it."""

from __future__ import annotations

import functools
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

GIT_TIMEOUT_S = 10
RUNS_NOTHING = ("-c", "log.showSignature=false", "-c", "core.fsmonitor=false")
"""A folder's own configuration can name programs for git to run. Listing an extension runs nothing of it."""
FETCHES_NOTHING = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}
LOGIN = re.compile(r"^(https?://)[^/@]*@")


@dataclass(frozen=True)
class Version:
    """Of a clone; empty for a folder that is none.

    Attributes:
        remote: Without a login.
        commit_date_s: Seconds since the epoch; 0 = unknown.
    """

    remote: str = ""
    branch: str = ""
    commit_hash: str = ""
    commit_date_s: int = 0


def read_version(folder: Path) -> Version:
    """What git says of `folder`; asked again only after a commit or pull."""
    try:
        stamps = tuple((folder / ".git" / name).stat().st_mtime_ns for name in ("HEAD", "config"))
    except OSError:
        return Version()
    log = folder / ".git" / "logs" / "HEAD"
    return _ask_git(folder, (*stamps, log.stat().st_mtime_ns if log.is_file() else 0))


@functools.lru_cache(maxsize=256)
def _ask_git(folder: Path, stamps: tuple[int, ...]) -> Version:
    branch, commit = _git(folder, "rev-parse", "--abbrev-ref", "HEAD"), _git(folder, "log", "-1", "--format=%H %ct")
    digest, _, date = commit.partition(" ")
    remote = LOGIN.sub(r"\1", _git(folder, "config", "--get", "remote.origin.url"))
    return Version(remote, branch, digest, int(date) if date.isdigit() else 0)


def _git(folder: Path, *words: str) -> str:
    command = ["git", *RUNS_NOTHING, "-C", str(folder), *words]
    environment = {**os.environ, **FETCHES_NOTHING, "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
    try:
        result = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""
