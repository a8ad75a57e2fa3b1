"""`launch.py doctor`: looks at this installation and says what it finds."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from modules.base.setup.assets import ASSETS, is_intact
from modules.base.setup.chromium import find_chromium
from modules.base.setup.console import Console
from modules.base.setup.environment import Environment
from modules.base.setup.requirements import RUNTIME, TEST, normalise, read_pins, stale_groups

GIB = 1 << 30
CHECKPOINT_SUFFIXES = (".safetensors",)
PICKLE_SUFFIXES = (".ckpt", ".pt", ".pth")
PREVIEWS = ("tiny-decoder-16.safetensors", "tiny-enlarger.safetensors")
"""Networks for live previews, in models/preview."""


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        is_good: False = something to mend.
        advice: What to do; empty when all is well.
    """

    is_good: bool
    text: str
    advice: str = ""


def report(root: Path, models: Path, console: Console) -> int:
    """Print all findings; 0 when nothing is to be mended."""
    looks = (look_at_machine(root), look_at_packages(root), look_at_assets(root), look_at_previews(root), look_at_models(root, models))
    findings = [finding for look in looks for finding in look]
    for finding in findings:
        console.say(f"{'ok  ' if finding.is_good else 'MEND'}  {finding.text}")
        if finding.advice:
            console.say(f"      {finding.advice}")
    mended = sum(not finding.is_good for finding in findings)
    console.say(f"{mended} thing(s) to mend." if mended else "All is well.")
    return 1 if mended else 0


def look_at_machine(root: Path) -> Iterator[Finding]:
    """Python, system and disk."""
    yield Finding(True, f"Python {sys.version.split()[0]} on {platform.system()} {platform.machine()}")
    free_gib = shutil.disk_usage(root).free / GIB
    yield Finding(free_gib > 1, f"{free_gib:.1f} GiB free on this disk", "" if free_gib > 1 else "free some: pictures and models need room")
    chromium = find_chromium()
    yield Finding(True, f"browser for the tests: {chromium or 'none found (needed by `launch.py test` alone)'}")


def look_at_packages(root: Path) -> Iterator[Finding]:
    """Installed versions against the pins."""
    environment = Environment(root)
    if stale := stale_groups(root, environment.folder, (RUNTIME,)):
        yield Finding(
            False, f"the installed packages are not those of pyproject.toml ({', '.join(stale)})", "python launch.py installs them"
        )
    pins, wrong, count = read_pins(root), [], 0
    for distribution in metadata.distributions():
        name = normalise(distribution.metadata["Name"] or "")
        installed = distribution.version.partition("+")[0]
        if name in pins:
            count += 1
            if pins[name] != installed:
                wrong.append(f"{name} {installed} (wanted {pins[name]})")
    if wrong:
        yield Finding(False, "other versions than pinned: " + ", ".join(sorted(wrong)), "delete .venv and run python launch.py")
    else:
        yield Finding(True, f"{count} packages at their pinned versions")
    if TEST in stale_groups(root, environment.folder, (TEST,)):
        yield Finding(True, "the test packages are not installed (python launch.py test does that)")


def look_at_assets(root: Path) -> Iterator[Finding]:
    """Files of the asset table, by content."""
    for asset in ASSETS:
        name = f"models/{asset.destination}"
        if asset.wanted_as and not asset.path(root).is_file():
            yield Finding(True, f'{name} is not fetched: `python launch.py fetch "{asset.wanted_as}"` would')
        elif is_intact(asset, root):
            yield Finding(True, f"{name} is intact ({asset.licence}, from {asset.package})")
        elif asset.path(root).is_file():
            yield Finding(False, f"{name} is damaged", "delete it and start again: it is fetched anew")
        else:
            yield Finding(False, f"{name} is missing: {asset.feature} stays off", "start again with a network")


def look_at_previews(root: Path) -> Iterator[Finding]:
    """The networks for live previews; without them previews are drawn plainly."""
    for name in PREVIEWS:
        path, advice = root / "models" / "preview" / name, "check it out again: git checkout -- models/preview"
        if not path.is_file():
            yield Finding(False, f"models/preview/{name} is missing: live previews are blurred", advice)
        elif not _is_whole(path):
            yield Finding(False, f"models/preview/{name} is damaged: live previews are blurred", advice)
        else:
            yield Finding(True, f"models/preview/{name} is whole")


def _is_whole(path: Path) -> bool:
    """Whether a safetensors file has a header, and the bytes that it tells of."""
    try:
        data = path.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        ends = [entry["data_offsets"][1] for name, entry in json.loads(data[8:start]).items() if name != "__metadata__"]
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        return False
    return bool(ends) and start + max(ends) == len(data)


def look_at_models(root: Path, models: Path) -> Iterator[Finding]:
    """Checkpoints that are there, and pickles that will not be read."""
    folders = list(dict.fromkeys((root / "models" / "Stable-diffusion", models / "Stable-diffusion")))
    files = [path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*")) if path.is_file()]
    checkpoints = [path for path in files if path.suffix in CHECKPOINT_SUFFIXES]
    for path in checkpoints:
        yield Finding(path.stat().st_size > 0, f"checkpoint {path.name}, {path.stat().st_size / (1 << 20):.0f} MiB")
    if not checkpoints:
        yield Finding(
            False,
            "no checkpoint in models/Stable-diffusion",
            "put a .safetensors file there, or check out the built-in one: git checkout -- models",
        )
    for path in files:
        if path.suffix in PICKLE_SUFFIXES:
            yield Finding(False, f"{path.name} is a pickle and is not read", "convert it to .safetensors")
