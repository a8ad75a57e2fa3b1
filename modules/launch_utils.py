"""Face: what installers of extensions expect of A1111's `launch`; the work is done in `modules.base.setup`."""

from __future__ import annotations

from typing import Any

from modules.base.setup.extension_help import commit_hash, git_tag, is_installed, run, run_pip, running_flags
from modules.base.setup.launcher import start

__all__ = ["args", "commit_hash", "git_tag", "is_installed", "run", "run_pip", "start"]  # noqa: F822


def __getattr__(name: str) -> Any:
    if name == "args":
        return running_flags()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
