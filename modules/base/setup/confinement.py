"""Runs a program that may write only below given folders: `python confinement.py FOLDER... -- PROGRAM ARGUMENT...`.

The kernel enforces it (Landlock, Linux 5.13 and newer), for the program and all that it starts. Standard library only; run as a file,
so that nothing of ours need be importable.

References:
    https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION = 1
RULE_PATH_BENEATH = 1
NO_NEW_PRIVILEGES = 38
WRITE_FILE, TRUNCATE, REFER = 1 << 1, 1 << 14, 1 << 13
CHANGE_FOLDERS = sum(1 << bit for bit in range(4, 13))
"""Removing and making entries of every kind."""
SEPARATOR = "--"


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def can_confine() -> bool:
    """Whether this system can keep a program from writing elsewhere."""
    return _version() > 0


def confine_writes(folders: Sequence[Path]) -> None:
    """From now on this process, and all it starts, write only below `folders` (and to devices that are there).

    Raises:
        OSError: The kernel refuses.
    """
    version = _version()
    rights = WRITE_FILE | CHANGE_FOLDERS | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    rules = _Ruleset(rights)
    ruleset = _call(CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(ctypes.sizeof(rules)), 0)
    try:
        for folder in folders:
            _allow(ruleset, folder, rights)
        _allow(ruleset, Path("/dev"), WRITE_FILE | (rights & TRUNCATE))
        if _library().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "the program's rights cannot be narrowed")
        _call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def main(arguments: Sequence[str]) -> None:
    """Confine, then become the program."""
    place = list(arguments).index(SEPARATOR)
    command = list(arguments[place + 1 :])
    confine_writes([Path(folder) for folder in arguments[:place]])
    os.execv(command[0], command)


def _allow(ruleset: int, folder: Path, rights: int) -> None:
    descriptor = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(rights, descriptor)
        _call(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)


def _version() -> int:
    """Of Landlock; 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(_library().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION)))


def _call(number: int, *arguments: object) -> int:
    result = int(_library().syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    main(sys.argv[1:])
