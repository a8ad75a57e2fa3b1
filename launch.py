"""The one way in: `python launch.py` opens the studio, `python launch.py test` tests it.

Standard library only, and readable by Pythons too old to run the rest, so that they can be told. What an extension gets from
`import launch` is here too.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "Pentimento needs Python 3.11 or newer, and this is Python %d.%d.\n"
        "Try: python3.11 launch.py (or 3.12, 3.13); python.org and your system's package manager have it." % sys.version_info[:2]
    )

from modules import launch_utils
from modules.launch_utils import commit_hash, git_tag, is_installed, run, run_pip, start

__all__ = ["args", "commit_hash", "git_tag", "is_installed", "run", "run_pip", "start"]  # noqa: F822


def __getattr__(name):  # type: ignore[no-untyped-def]
    return getattr(launch_utils, name)


if __name__ == "__main__":
    sys.modules["launch"] = sys.modules["__main__"]
    sys.exit(start(sys.argv[1:]))
