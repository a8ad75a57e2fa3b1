"""Face: what installers of extensions expect of A1111's `launch`; the work is done in `modules.base.setup`."""

from __future__ import annotations

from typing import Any

from modules.base.registry import load_dotted
from modules.base.setup.extension_help import commit_hash, git_tag, is_installed, run, run_pip, running_flags
from modules.base.setup.extension_names import (
    check_run,
    check_run_python,
    default_command_live,
    dir_repos,
    git,
    git_clone,
    index_url,
    prepare_environment,
    python,
    repo_dir,
    requirements_met,
    run_extension_installer,
    run_python,
)
from modules.base.setup.launcher import start


def __getattr__(name: str) -> Any:
    if name in ("args", "cmd_opts"):
        return running_flags()
    if name in ("script_path", "data_path", "models_path", "extensions_dir"):
        find_place: Any = load_dotted("modules.runtime.face_calls.places:find_place")
        return find_place(__name__, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
