"""Which packages each verb needs, and a stamp that tells when they last were installed."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from modules.base.errors import SaveFailed
from modules.base.files import write_atomically

RUNTIME, TEST, DEV = "runtime", "test", "dev"
STAMP_NAME = "pentimento-stamp.json"


def read_requirements(root: Path, group: str) -> list[str]:
    """The requirement strings of one group of `pyproject.toml`."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return list(project["project"]["dependencies"] if group == RUNTIME else project["dependency-groups"][group])


def read_pins(root: Path) -> dict[str, str]:
    """Normalised package name -> exact version, from `constraints.txt`."""
    pins = {}
    for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines():
        name, separator, version = line.partition("#")[0].strip().partition("==")
        if separator:
            pins[normalise(name)] = version
    return pins


def normalise(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def fingerprint(root: Path, group: str) -> str:
    """Changes when the group's list or any pin changes."""
    parts = sorted(read_requirements(root, group))
    parts += sorted(f"{name}=={version}" for name, version in read_pins(root).items())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def stale_groups(root: Path, environment: Path, groups: Sequence[str]) -> list[str]:
    """The groups that are not installed as the files now ask for."""
    stamp = _read_stamp(environment)
    return [group for group in groups if stamp.get(group) != fingerprint(root, group)]


def write_stamp(root: Path, environment: Path, groups: Sequence[str]) -> None:
    """Remember that `groups` are installed; a stamp that cannot be written only costs time at the next start."""
    stamp = _read_stamp(environment) | {group: fingerprint(root, group) for group in groups}
    try:
        write_atomically(environment / STAMP_NAME, json.dumps(stamp, indent=1).encode())
    except SaveFailed:
        return


def _read_stamp(environment: Path) -> dict[str, str]:
    try:
        stamp = json.loads((environment / STAMP_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}
