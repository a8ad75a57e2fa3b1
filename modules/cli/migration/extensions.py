"""Whether an extension will run here: its scripts, the files these import, and what they ask for and do not find."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from modules.cli.migration.scan import FileScan, Kind, Use, Weight, own_file, scan_file
from modules.cli.migration.surface import Surface
from modules.plugins.extensions import Extension
from modules.plugins.installing import has_installer
from modules.plugins.not_offered import why_not

PROGRAM_SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
FOREIGN_ROOTS = frozenset({"scripts", "extensions"})


class Verdict(Enum):
    """In the order of the report."""

    RUNS = "runs"
    IN_PART = "in part"
    NOT = "not"


@dataclass(frozen=True)
class Gap:
    """Something that is not there; `stops` = the file cannot be loaded without it."""

    file: str
    line: int
    said: str
    stops: bool = False


@dataclass
class Report:
    """What is known of one extension.

    Attributes:
        gaps: What is missing, most important first.
        notes: What is good to know.
        packages: What its installer must bring.
    """

    name: str
    verdict: Verdict = Verdict.RUNS
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)


def judge_extension(extension: Extension, surface: Surface) -> Report:
    """Read an extension's Python and compare it with the surface; nothing of it is run or changed."""
    report, root = Report(extension.name), extension.path
    starts = [*extension.files("scripts", (".py",)), *(path for path in (root / "preload.py",) if extension.holds(path))]
    scans = _read_reachable(starts, root)
    _share_definitions(scans.values())
    installs = has_installer(extension)
    stopped: dict[Path, set[str]] = {}
    for path, scan in scans.items():
        gaps = _gaps_of(scan, root, surface, report, installs)
        report.gaps += gaps
        stopped[path] = {gap.said for gap in gaps if gap.stops}
    _spread_stops(scans, stopped, root)
    scripts = [path for path in starts if path.parent.name == "scripts"]
    working = [path for path in scripts if scans[path].does_something] or scripts
    report.gaps = sorted(set(report.gaps), key=lambda gap: (not gap.stops, gap.file, gap.line))
    report.packages.sort()
    if working and all(stopped[path] for path in working):
        report.verdict = Verdict.NOT
    elif report.gaps:
        report.verdict = Verdict.IN_PART
    report.notes += _notes(extension, scripts, report.packages)
    return report


def _read_reachable(starts: Iterable[Path], root: Path) -> dict[Path, FileScan]:
    """The scripts and all own files that they import, however deep."""
    scans: dict[Path, FileScan] = {}
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        if path in scans or path.is_dir():
            continue
        scans[path] = scan_file(path)
        waiting += [own for use in scans[path].imports if (own := own_file(use.name, root, path)) is not None]
    return scans


def _share_definitions(scans: Iterable[FileScan]) -> None:
    """An option or field that one file defines is there for the others."""
    scans = list(scans)
    options, flags, given = (set[str]().union(*(getattr(scan, name) for scan in scans)) for name in ("options", "flags", "given"))
    is_unknown = any(scan.has_unknown_options for scan in scans)
    for scan in scans:
        scan.options, scan.flags, scan.given, scan.has_unknown_options = options, flags, given, is_unknown


def _gaps_of(scan: FileScan, root: Path, surface: Surface, report: Report, installs: bool) -> list[Gap]:
    file = scan.path.relative_to(root).as_posix()
    if scan.problem:
        return [Gap(file, 0, f"cannot be read: {scan.problem}", stops=True)]
    gaps = []
    for use in scan.uses:
        if use.weight is Weight.GUARDED or not (said := surface.complain(use, scan)):
            continue
        if use.kind is Kind.HOOK:
            report.notes += [said] if said not in report.notes else []
        else:
            gaps.append(Gap(file, use.line, _with_reason(said, said), use.weight is Weight.AT_LOADING and use.kind is not Kind.REPLACED))
    for use in scan.imports:
        if use.kind is Kind.PACKAGE and use.weight is not Weight.GUARDED and own_file(use.name, root, scan.path) is None:
            gaps += _missing_package(use, file, surface, report, installs)
    return gaps


def _missing_package(use: Use, file: str, surface: Surface, report: Report, installs: bool) -> list[Gap]:
    name, _, rest = use.name.partition(".")
    stops = use.weight is Weight.AT_LOADING
    if name in FOREIGN_ROOTS:
        is_ours = name == "scripts" and (PROGRAM_SCRIPTS / f"{rest.partition('.')[0]}.py").is_file()
        return [] if is_ours or not rest else [Gap(file, use.line, f"{use.name}, of another extension", stops)]
    if not name or surface.has_package(name):
        return []
    if installs and not why_not(use.name):
        report.packages += [name] if name not in report.packages else []
        return []
    return [Gap(file, use.line, _with_reason(f"the package {name}", use.name), stops)]


def _with_reason(said: str, name: str) -> str:
    """What is missing, and why it cannot be had, where that is known."""
    reason = why_not(name)
    return f"{said}: {reason}" if reason else said


def _spread_stops(scans: dict[Path, FileScan], stopped: dict[Path, set[str]], root: Path) -> None:
    """A file that imports one that cannot be loaded cannot be loaded itself."""
    has_changed = True
    while has_changed:
        has_changed = False
        for path, scan in scans.items():
            needed = (own_file(use.name, root, path) for use in scan.imports if use.weight is Weight.AT_LOADING)
            reasons = set[str]().union(*(stopped.get(own, set()) for own in needed if own is not None))
            if not reasons <= stopped[path]:
                stopped[path] |= reasons
                has_changed = True


def _notes(extension: Extension, scripts: list[Path], packages: list[str]) -> list[str]:
    notes = []
    if packages:
        notes.append(f"its installer must bring {', '.join(packages)}")
    elif has_installer(extension):
        notes.append("it has an installer")
    if not scripts:
        files = extension.files("javascript", (".js", ".mjs"))
        notes.append("it is JavaScript and style alone, which is not checked" if files or extension.style_sheet else "it has no scripts")
    return notes
