"""`python launch.py workflow`: ComfyUI's workflows looked at and run, without the page."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from modules.base.errors import InvalidRequest, PentimentoError
from modules.base.log import configure_logging
from modules.base.paths import Paths, contain
from modules.cli.layers import show_progress
from modules.imaging.saving import write_new
from modules.pipeline.workflows.checking import runnable_outputs
from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.graph import Graph, GraphNode, Link, Problem
from modules.plugins.preloading import parse_with_preloads
from modules.runtime.session import Session
from modules.runtime.shared_objects import SHARED
from modules.runtime.workflows.api_graph import change_inputs
from modules.runtime.workflows.inputs import split_annotation
from modules.runtime.workflows.opened import Opened, picture_inputs
from modules.runtime.workflows.result import WorkflowResult
from modules.runtime.workflows.task import KIND
from modules.settings.flags import Flags

ROOT = Path(__file__).resolve().parents[2]
OWNER = "command line"
FAILED, INTERRUPTED = 1, 130
STOP_LIMIT_S = 60.0
MAX_SHOWN = 100
MAX_FILE_BYTES = 256 << 20
EPILOG = """\
FILE is a PNG or WebP that carries a workflow, JSON in ComfyUI's UI or API format, or the name of one that comes with the program: inpaint,
layers. Exit status 1 = it cannot run. Flags of the studio (--data-dir, --ckpt-dir, --use-cpu ...) are accepted.
"""
MakeSession = Callable[[Paths, Flags], Session]
MAKE_SESSION: MakeSession = partial(Session, keeps_history=False)
WORDS: Mapping[str, str] = {
    "unknown_node": "not known here, and cut off with it: {wanted}",
    "required_input_missing": "{field} is missing",
    "bad_linked_input": "{field} is linked to {got}, wanted {wanted}",
    "return_type_mismatch": "{field} is given {got}, wanted {wanted}",
    "dependency_cycle": "waits for itself: {got}",
    "missing_model": "{field}: there is no {got}; put it into the models folder, or see: python launch.py models list",
    "other_model": "{field}: {got} is not here; {wanted} is taken for it",
    "missing_picture": "{field}: there is no picture {got}; name its folder by --input",
    "value_smaller_than_min": "{field} is {got}, at least {wanted} is possible",
    "value_bigger_than_max": "{field} is {got}, at most {wanted} is possible",
    "value_not_in_list": "{field} is {got}, wanted one of {wanted}",
    "ignored": "{field} is left out: {got}",
    "workflow_differs": "the drawing in the file is not what ran ({got}); what ran counts",
    "prompt_no_outputs": "nothing in it saves or shows a picture",
}


def build_parser() -> argparse.ArgumentParser:
    """The parser of `launch.py workflow`."""
    parser = argparse.ArgumentParser(
        prog="launch.py workflow",
        description="Look at ComfyUI's workflows, and run them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, text in (("show", "say what is in a workflow, and what it lacks here"), ("run", "run it as the graph it is")):
        add = verbs.add_parser(name, help=text, allow_abbrev=False).add_argument
        add("file", metavar="FILE", help="a picture or JSON file, or a bundled workflow's name")
        add("--input", type=Path, metavar="FOLDER", help="has the pictures that the workflow names (input/ of the data folder as well)")
        add(
            "--set",
            action="append",
            default=[],
            dest="changes",
            metavar="NODE.INPUT=VALUE",
            help="another value, such as 3.seed=7; repeatable",
        )
        if name == "run":
            add("--out", type=Path, metavar="FOLDER", help="gets copies of the pictures (they are kept in outputs/workflows too)")
    return parser


def main(argv: list[str], make_session: MakeSession = MAKE_SESSION) -> int:
    """Run the command; returns the exit code.

    Args:
        argv: Arguments after `workflow`.
        make_session: Gives the session of an installation.
    """
    arguments, rest = build_parser().parse_known_args(argv)
    flags = parse_with_preloads(rest, ROOT)
    configure_logging(flags.loglevel)
    session: Session | None = None
    try:
        session = make_session(Paths.under(ROOT, flags.data_dir), flags)
        SHARED.bind(session)
        return 0 if {"show": show, "run": run}[arguments.verb](session, arguments) else FAILED
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except PentimentoError as error:
        return _fail(str(error))
    finally:
        if session is not None:
            session.close()


def show(session: Session, arguments: argparse.Namespace) -> bool:
    """Print nodes and problems; True when something in it can run."""
    opened = _open(session, arguments.file)
    graph = change_inputs(opened.workflow.graph, read_changes(opened.workflow.graph, arguments.changes))
    problems = _problems(session, opened, graph, _hand_in(session, graph, arguments.input))
    print(f"{opened.name}: {len(graph.nodes)} nodes, read from ComfyUI's {opened.workflow.source.upper()} format")
    for node in list(graph.nodes.values())[:MAX_SHOWN]:
        print(describe_node(node))
    if len(graph.nodes) > MAX_SHOWN:
        print(f"... and {len(graph.nodes) - MAX_SHOWN} more")
    for problem in problems[:MAX_SHOWN]:
        print(describe_problem(problem))
    runnable = runnable_outputs(graph, problems)
    print(f"can run: {', '.join(runnable) or 'nothing'}")
    return bool(runnable)


def run(session: Session, arguments: argparse.Namespace) -> bool:
    """Run a workflow; True when it was finished."""
    opened = _open(session, arguments.file)
    changes = read_changes(opened.workflow.graph, arguments.changes)
    graph = change_inputs(opened.workflow.graph, changes)
    handed = _hand_in(session, graph, arguments.input)
    for problem in _problems(session, opened, graph, handed)[:MAX_SHOWN]:
        say(describe_problem(problem))
    recipe = session.workflows.order(opened, changes, handed)
    job = session.submit(session.workflows.task(recipe), OWNER, kind=KIND, recipe=recipe)
    try:
        show_progress(job, opened.name)
    except KeyboardInterrupt:
        job.interrupt()
        job.wait(STOP_LIMIT_S)
        raise
    result = job.outcome()
    for note in result.notes:
        say(f"note: {note}")
    for path in _deliver(result, arguments.out):
        print(path, flush=True)
    return not result.is_interrupted


def read_changes(graph: Graph, texts: list[str]) -> dict[str, Any]:
    """Values by "NODE.INPUT": what a text's widget takes as text, everything else as JSON where it is JSON.

    Raises:
        InvalidRequest: No such pair.
    """
    changes: dict[str, Any] = {}
    for text in texts:
        place, sign, value = text.partition("=")
        node_id, dot, name = place.strip().partition(".")
        if not (sign and dot and name):
            raise InvalidRequest("--set", text, "NODE.INPUT=VALUE")
        changes[f"{node_id}.{name}"] = value if _takes_text(graph, node_id, name) else _as_json(value)
    return changes


def describe_node(node: GraphNode) -> str:
    """One line: id, type, values, and who gives the rest."""
    shown = [f"{name} ← {value.node}" if isinstance(value, Link) else f"{name}={_short(value)}" for name, value in node.inputs.items()]
    return f"  {node.id:>4}  {node.class_type}  {', '.join(shown)}".rstrip()


def describe_problem(problem: Problem) -> str:
    """One line of words."""
    where = f"node {problem.node} ({problem.class_type}): " if problem.node else ""
    text = WORDS.get(problem.kind, f"{problem.kind}: {{field}} is {{got}}, wanted {{wanted}}")
    values = {"field": problem.field, "got": problem.got or "nothing", "wanted": problem.wanted or "nothing"}
    stopped = f" - stops {', '.join(problem.affects[:10])}" if problem.affects else ""
    return f"problem: {where}{text.format(**values)}{stopped}"


def _open(session: Session, name: str) -> Opened:
    path = Path(name)
    try:
        if path.is_file():
            if path.stat().st_size > MAX_FILE_BYTES:
                raise InvalidRequest("FILE", f"{path.stat().st_size} bytes", f"at most {MAX_FILE_BYTES}")
            return session.workflows.opened.open(path.read_bytes(), path.name)
    except OSError as error:
        raise InvalidRequest("FILE", name, f"a file that can be read ({error.strerror or error})") from error
    if name not in session.workflows.bundled():
        raise InvalidRequest("FILE", name, "a file that exists, or one of " + ", ".join(session.workflows.bundled()))
    return session.workflows.opened.open(session.workflows.read_bundled(name), f"{name}.json")


def _problems(session: Session, opened: Opened, graph: Graph, handed: Mapping[str, str]) -> list[Problem]:
    return [*opened.workflow.problems, *session.workflows.check(graph, None, handed)]


def _hand_in(session: Session, graph: Graph, folder: Path | None) -> dict[str, str]:
    """Asset ids of the pictures that lie in a folder, by the names that the workflow has for them."""
    if folder is None:
        return {}
    if not folder.is_dir():
        raise InvalidRequest("--input", str(folder), "a folder that exists")
    handed = {}
    for _, _, name in picture_inputs(graph):
        path = contain(folder, split_annotation(name)[0].replace("\\", "/"))
        if path.is_file():
            handed[name] = str(session.store.add(path.read_bytes(), path.name, field=name).id)
    return handed


def _deliver(result: WorkflowResult, out: Path | None) -> list[Path]:
    """Where the pictures are; copied to `out` if it is given, under names that are not taken. What was only shown counts where nothing
    was saved."""
    pictures = result.saved or list(result.made)
    if out is None:
        return [one.path for one in pictures]
    return [write_new(out, _names(one.path), one.path.read_bytes()) for one in pictures]


def _names(path: Path) -> Any:
    yield path.name
    yield from (f"{path.stem}-{number}{path.suffix}" for number in range(2, 10_000))


def _takes_text(graph: Graph, node_id: str, name: str) -> bool:
    node = graph.nodes.get(node_id)
    definition = DEFINITIONS.get(node.class_type) if node is not None else None
    known = definition.input(name) if definition is not None else None
    return known is not None and known.type in ("STRING", "COMBO")


def _as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _fail(text: str, code: int = FAILED) -> int:
    say(f"workflow: {text}")
    return code
