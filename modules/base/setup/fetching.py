"""`launch.py fetch`: files of the asset table that are large, and so only come when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modules.base.setup.assets import ASSETS, Asset, fetch_assets
from modules.base.setup.console import Console
from modules.base.setup.processes import Run


def fetch_wanted(words: Sequence[str], root: Path, python: Path, console: Console, run: Run, assets: Sequence[Asset] = ASSETS) -> int:
    """Fetch what `words` name, or list what there is.

    Args:
        words: Names as in `Asset.wanted_as`, in any case.

    Returns:
        0 when all of them are in place; 1 otherwise.
    """
    known = {asset.wanted_as.casefold(): asset.wanted_as for asset in assets if asset.wanted_as}
    unknown = [word for word in words if word.casefold() not in known]
    if unknown or not words:
        if unknown:
            console.say(f"Nothing is called {', '.join(unknown)}.")
        console.say("To be fetched by name, in quotes:")
        for name in known.values():
            files = [asset for asset in assets if asset.wanted_as == name]
            is_there = all(asset.path(root).is_file() for asset in files)
            console.say(f"  {name}: {files[0].feature} ({files[0].licence}){', already there' if is_there else ''}")
        return 1 if unknown else 0
    asked = {known[word.casefold()] for word in words}
    wanted = [asset for asset in assets if asset.wanted_as in asked and not asset.path(root).is_file()]
    if not wanted:
        console.say("Already there.")
    return 1 if fetch_assets(wanted, root, python, console, run) else 0
