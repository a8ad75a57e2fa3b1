"""`python launch.py layers`: pictures into layers and back, templates rendered, without the page."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from modules.base.errors import InvalidRequest, PentimentoError
from modules.base.files import write_atomically
from modules.base.log import configure_logging
from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.cli.layers_arguments import COMPOSE, DECOMPOSE, EXPORT, RENDER, parse_arguments
from modules.pipeline.layers.document import LayerDocument
from modules.runtime.batch.listing import PictureFile, list_folder, mark_of
from modules.runtime.context import JobContext
from modules.runtime.jobs import Job
from modules.runtime.layers.batch import Batch, check_output, save_document
from modules.runtime.layers.opened import read_file
from modules.runtime.layers.rows import MAX_BYTES, read_table
from modules.runtime.layers.table import FORMATS, Rendering, encode_picture
from modules.runtime.layers.task import KIND, JobWatch, LayerTask
from modules.runtime.layers.template import Template
from modules.runtime.session import Session
from modules.runtime.shared_objects import SHARED
from modules.settings.flags import Flags

ROOT = Path(__file__).resolve().parents[2]
OWNER = "command line"
FAILED, INTERRUPTED = 1, 130
POLL_S, STOP_LIMIT_S = 0.1, 60.0
MakeSession = Callable[[Paths, Flags], Session]
MAKE_SESSION: MakeSession = partial(Session, keeps_history=False)


def main(argv: list[str], make_session: MakeSession = MAKE_SESSION) -> int:
    """Run the command; returns the exit code.

    Args:
        argv: Arguments after `layers`.
        make_session: Gives the session of an installation.
    """
    arguments, flags = parse_arguments(argv)
    configure_logging(flags.loglevel)
    session: Session | None = None
    try:
        session = make_session(Paths.under(ROOT, flags.data_dir), flags)
        SHARED.bind(session)
        return 0 if VERBS[arguments.verb](session, arguments) else FAILED
    except KeyboardInterrupt:
        return _fail("interrupted; the same command goes on with what is left", INTERRUPTED)
    except PentimentoError as error:
        return _fail(str(error))
    finally:
        if session is not None:
            session.close()


def decompose(session: Session, arguments: argparse.Namespace) -> bool:
    """Take a picture, or all of a folder, apart."""
    source: Path = arguments.picture
    workshop = session.layer_work.workshop
    settings = workshop.check_settings(arguments.backend, read_settings(arguments.settings))
    files = list_folder(source, "PICTURE").files if source.is_dir() else (_one_file(source),)
    if not files:
        raise InvalidRequest("PICTURE", str(source), "a folder with pictures in it")
    work = Batch(workshop, files, check_output(arguments.out), arguments.backend, settings, partial(tell, arguments.out))
    return run(session, source.name, lambda task, context, watch: work.run(watch))


def compose(session: Session, arguments: argparse.Namespace) -> bool:
    """Put a document together."""
    out: Path = arguments.out
    fmt = out.suffix.lower().lstrip(".").replace("jpeg", "jpg")
    if fmt not in FORMATS:
        raise InvalidRequest("--out", str(out), "a file name that ends in .png, .jpg or .webp")
    document, sources = open_document(arguments.document)
    render: Any = load_dotted("modules.pipeline.layers.render:render")
    write_atomically(out, encode_picture(Image.fromarray(render(document, sources)), fmt, session.options.current))
    print(out, flush=True)
    return True


def render_table(session: Session, arguments: argparse.Namespace) -> bool:
    """Render a document for every row."""
    path: Path = arguments.table
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    except OSError as error:
        raise InvalidRequest("--table", str(path), f"a file that can be read ({error.strerror or error})") from error
    table = read_table(data, "--table")
    for note in table.notes:
        say(f"note: {path.name} is read as {note.get('encoding', note['key'])}")
    document, sources = open_document(arguments.document)
    files = (arguments.files or path.parent).resolve()
    template = Template(document, sources, files, lambda: session.layer_work.workshop.fonts)
    out = check_output(arguments.out)
    work = Rendering(template, table, out, arguments.sizes, arguments.format, session.options.current, partial(tell, out))
    is_whole = run(session, path.name, lambda task, context, watch: work.run(watch))
    for note in template.notes:
        say(f"note: columns that change nothing: {', '.join(note['columns'])}")
    return is_whole


def export(session: Session, arguments: argparse.Namespace) -> bool:
    """Write a document as a file of another program."""
    document, sources = open_document(arguments.document)
    if arguments.kind == "layers":
        save_document(arguments.out, document, sources)
    else:
        make: Any = load_dotted("modules.pipeline.layers.exchange.exporting:export")
        make_options: Any = load_dotted("modules.pipeline.layers.exchange.exporting:ExportOptions")
        made = make(document, sources, arguments.kind, make_options(arguments.trimmed, arguments.text_boxes))
        for note in made.notes:
            say(f"note: {note.get('text') or note.get('key')}")
        write_atomically(arguments.out, made.data)
    print(arguments.out, flush=True)
    return True


VERBS: Mapping[str, Callable[[Session, argparse.Namespace], bool]] = {
    DECOMPOSE: decompose,
    COMPOSE: compose,
    RENDER: render_table,
    EXPORT: export,
}


def run(session: Session, name: str, do: Callable[[LayerTask, JobContext, JobWatch], list[str]]) -> bool:
    """Run work as a job and show its progress; True when all of it was made."""
    task = LayerTask({"work": "command line"}, do)
    job = session.submit(task, OWNER, kind=KIND)
    try:
        show_progress(job, name)
    except KeyboardInterrupt:
        job.interrupt()
        job.wait(STOP_LIMIT_S)
        raise
    result = job.outcome()
    say("; ".join(result.notes) if result is not None else "nothing was made")
    return task.counts.get("done") == task.counts.get("total") != 0


def open_document(path: Path) -> tuple[LayerDocument, Any]:
    """Document and sources of a folder or file; says its notes.

    Raises:
        InvalidRequest: There is none, or it cannot be read.
    """
    if not path.exists():
        raise InvalidRequest("DOCUMENT", str(path), "a folder or file of layers that exists")
    document, sources, notes = read_file(path, path.name)
    for note in notes:
        say(f"note: {note.get('text') or note.get('key')}")
    return document, sources


def read_settings(texts: list[str]) -> dict[str, Any]:
    """NAME=VALUE pairs: numbers, true and false as such, everything else as text.

    Raises:
        InvalidRequest: No such pair.
    """
    settings: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise InvalidRequest("--set", text, "NAME=VALUE")
        try:
            settings[name.strip()] = json.loads(value)
        except ValueError:
            settings[name.strip()] = value
    return settings


def tell(out: Path, name: str, state: Mapping[str, Any]) -> None:
    """One line a result, or why there is none; called from the worker's thread while the bar is drawn."""
    if state.get("error"):
        tqdm.write(f"layers: {name}: {state['error']}", file=sys.stderr)
    elif state.get("files"):
        tqdm.write(f"{out / state['files'][0]}", file=sys.stdout)


def show_progress(job: Job, name: str) -> None:
    """Draw a bar on standard error until the job is over."""
    with tqdm(total=100, desc=name, unit="waiting", bar_format="{desc}: {percentage:3.0f}% |{bar:30}| {unit}", file=sys.stderr) as bar:
        is_over = False
        while not is_over:
            is_over = job.wait(POLL_S)
            shown = round(100 * job.progress), (job.textinfo or "").removeprefix("Layers: ")
            if shown != (bar.n, bar.unit):
                bar.n, bar.unit = shown
                bar.refresh()


def _one_file(path: Path) -> PictureFile:
    try:
        return PictureFile(path, path.name, mark_of(path.stat()))
    except OSError as error:
        raise InvalidRequest("PICTURE", str(path), f"a picture or folder that can be read ({error.strerror or error})") from error


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _fail(text: str, code: int = FAILED) -> int:
    say(f"layers: {text}")
    return code
