"""`python launch.py doctor`: this installation, or an A1111 or Forge folder: what of it will work here, and what can be taken over."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest, PentimentoError
from modules.base.folder_lock import FolderLock
from modules.base.log import configure_logging
from modules.base.paths import Paths
from modules.base.setup.console import Console
from modules.base.setup.doctor import report as report_installation
from modules.cli.migration.extensions import Report, Verdict, judge_extension
from modules.cli.migration.surface import Surface
from modules.cli.migration.takeover import Takeover, apply_takeover, plan_takeover
from modules.plugins.extensions import find_extensions

ROOT = Path(__file__).resolve().parents[3]
SIGNS = ("extensions", "config.json", "styles.csv", "models", "webui.py")
SHOWN = 8
QUESTION = "Take over these settings, styles and models? Nothing in that folder is changed. [y/N] "
HEADINGS = {Verdict.RUNS: "Will run", Verdict.IN_PART: "Will run in part", Verdict.NOT: "Will not run"}


def main(argv: Sequence[str], ask: Callable[[str], str] | None = None) -> int:
    """Run the command; returns the exit code.

    Args:
        argv: Arguments after `doctor`.
        ask: Puts the question and gives the answer; None = on the terminal, if there is one.
    """
    arguments = build_parser().parse_args(argv)
    configure_logging("ERROR")
    paths, console = Paths.under(ROOT, arguments.data_dir), Console()
    if arguments.folder is None:
        return report_installation(ROOT, paths.models, console)
    try:
        return _examine(arguments, paths, ask)
    except PentimentoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def build_parser() -> argparse.ArgumentParser:
    """The parser behind `main`."""
    parser = argparse.ArgumentParser(prog="launch.py doctor", description="Look at this installation, or at one of A1111 or Forge.")
    parser.add_argument("folder", nargs="?", type=Path, help="the folder of an A1111 or Forge installation; it is never changed")
    parser.add_argument("--apply", action="store_true", help="take over its settings, styles and models without being asked")
    parser.add_argument("--json", action="store_true", help="tell everything as JSON")
    parser.add_argument("--data-dir", type=Path, help="where models/, outputs/, extensions/ and config.json live (the checkout)")
    return parser


def _examine(arguments: argparse.Namespace, paths: Paths, ask: Callable[[str], str] | None) -> int:
    source = arguments.folder.expanduser().resolve()
    if not source.is_dir() or not any((source / sign).exists() for sign in SIGNS):
        raise InvalidRequest("folder", str(arguments.folder), "the folder of an A1111 or Forge installation, with " + ", ".join(SIGNS))
    if source in (paths.root, paths.data):
        raise InvalidRequest("folder", str(arguments.folder), "another folder than this program's own")
    surface = Surface()
    reports = [judge_extension(extension, surface) for extension in find_extensions(source / "none", source / "extensions")]
    plan = plan_takeover(source, paths)
    if arguments.json:
        print(json.dumps(as_json(reports, plan), indent=2, ensure_ascii=False, default=str))
    else:
        print("\n".join([*describe_reports(reports), *describe_plan(plan)]))
    if plan.is_empty or not (arguments.apply or _agrees(ask, arguments.json)):
        return 0
    with FolderLock(paths.cache / "server.lock", paths.data, "launch.py doctor"):
        copies = apply_takeover(plan, paths)
    said = f" The files before are kept as {', '.join(copies)}." if copies else ""
    print(f"Taken over.{said}", file=sys.stderr if arguments.json else sys.stdout)
    return 0


def describe_reports(reports: Sequence[Report]) -> list[str]:
    """The extensions, those that run first."""
    lines = [] if reports else ["No extensions."]
    for verdict, heading in HEADINGS.items():
        listed = [report for report in reports if report.verdict is verdict]
        lines += [f"{heading}:"] if listed else []
        for report in listed:
            lines.append(f"  {report.name}" + (f"  ({'; '.join(report.notes)})" if report.notes else ""))
            said = list(dict.fromkeys(f"{gap.file}:{gap.line}  {gap.said}" for gap in report.gaps))
            lines += [f"      missing  {line}" for line in said[:SHOWN]]
            lines += [f"      ... and {len(said) - SHOWN} more (--json has all)"] if len(said) > SHOWN else []
    if reports:
        lines += ["  Judged by reading their Python, without running it: what is built at run time, and JavaScript, is not seen.", ""]
    return lines


def describe_plan(plan: Takeover) -> list[str]:
    """What would be taken over, and what cannot be."""
    lines = [f"Settings to take over: {len(plan.settings)}"]
    lines += [f"  {name} = {value!r}" for name, value in plan.settings.items()]
    if plan.kept:
        lines.append(f"Settings of extensions, kept for them: {len(plan.kept)}")
    lines += [f"Settings that cannot be taken over: {len(plan.refused)}"] if plan.refused else []
    lines += [f"  {said}" for said in plan.refused]
    lines.append(f"Styles to take over: {len(plan.styles)}")
    lines.append(f"Models to link: {len(plan.links)}")
    lines += [f"  {link.target.parent.name}/{link.target.name}" for link in plan.links[:SHOWN]]
    lines += [f"  ... and {len(plan.links) - SHOWN} more"] if len(plan.links) > SHOWN else []
    lines += [f"Left out: {said}" for said in plan.left_out]
    return lines


def as_json(reports: Sequence[Report], plan: Takeover) -> dict[str, Any]:
    """Everything, for programs."""
    extensions = [dataclasses.asdict(report) | {"verdict": report.verdict.value} for report in reports]
    return {"extensions": extensions, "takeover": dataclasses.asdict(plan)}


def _agrees(ask: Callable[[str], str] | None, is_json: bool) -> bool:
    if ask is None and (is_json or not sys.stdin.isatty()):
        print("Nothing is taken over without your word: add --apply.", file=sys.stderr)
        return False
    return (ask or input)(QUESTION).strip().lower() in ("y", "yes")
