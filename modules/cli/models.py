"""`python launch.py models`: list the known models, fetch one, and say where models lie."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from modules.backends.known_models import KNOWN_MODELS, KnownModel, find_known
from modules.base.errors import PentimentoError, UnknownName
from modules.base.log import configure_logging
from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.runtime.downloads.fetching import GB, begun_bytes, fetch_model, is_there, place_of

ROOT = Path(__file__).resolve().parents[2]
FAILED, INTERRUPTED = 1, 130
Ask = Callable[[str], bool]


def main(argv: list[str], ask: Ask | None = None) -> int:
    """Run the command; returns the exit code.

    Args:
        argv: Arguments after `models`.
        ask: Puts a question to the person; None = on the terminal.
    """
    arguments = build_parser().parse_args(argv)
    configure_logging("WARNING")
    models = Paths.under(ROOT, arguments.data_dir).models
    try:
        VERBS[arguments.verb](models, arguments, ask or _ask)
    except PentimentoError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from there.", file=sys.stderr)
        return INTERRUPTED
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser behind `main`."""
    parser = argparse.ArgumentParser(prog="launch.py models", description="Models that are fetched by name, from the hub or a mirror.")
    parser.add_argument("--data-dir", type=Path, help="where models/ lives (the checkout)")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="the known models: size, licence, and whether they are there")
    getting = verbs.add_parser(
        "get",
        help="fetch one; what was cut off goes on",
        epilog="HF_ENDPOINT names a mirror of the hub; HF_TOKEN is for models that ask for a login.",
    )
    getting.add_argument("name", help="as in the list, with or without its ending")
    getting.add_argument("--agree", action="store_true", help="you have read the licence and agree to it; do not ask")
    where = verbs.add_parser("path", help="where a model lies or will lie; without a name, the folder of all")
    where.add_argument("name", nargs="?", default="")
    return parser


class Bar:
    """Progress on the terminal (`fetching.Watch`)."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: Any = None

    def tell(self, done: int, total: int, doing: str) -> None:
        """Draw it; what was there before counts as done, and not as speed."""
        if self._bar is None:
            self._bar = tqdm(total=total, initial=done, unit="B", unit_scale=True, desc=self._name, file=sys.stderr, mininterval=0.5)
        self._bar.update(done - self._bar.n)
        if doing != "fetching":
            self._bar.set_description(f"{self._name}: {doing}")

    def is_interrupted(self) -> bool:
        """Never: Ctrl-C ends the program."""
        return False

    def close(self) -> None:
        """Leave the terminal in order."""
        if self._bar is not None:
            self._bar.close()


def _list(models: Path, arguments: argparse.Namespace, ask: Ask) -> None:
    for model in KNOWN_MODELS:
        begun = begun_bytes(model, models)
        state = "there" if is_there(model, models) else f"{begun / GB:.1f} GB begun" if begun else "not there"
        print(f"{model.name}  ({model.size / GB:.1f} GB, {model.licence.name}; {state})\n    {model.about}")


def _get(models: Path, arguments: argparse.Namespace, ask: Ask) -> None:
    model = _find(arguments.name)
    place = place_of(model, models)
    if is_there(model, models):
        print(f"Already there: {place}")
        return
    make_hub: Any = load_dotted("modules.runtime.downloads.hub:Hub")
    hub = make_hub()
    print(f"{model.name}: {model.about} {model.size / GB:.1f} GB from {hub.page(model.page)}")
    print(f"Licence: {model.licence.name}. {model.licence.summary}\nIts text: {hub.page(model.licence.page)}")
    if not arguments.agree and not ask("Do you agree to the licence?"):
        raise PentimentoError("nothing was fetched: you did not agree (--agree agrees without being asked)")
    bar = Bar(model.name)
    try:
        fetch_model(model, models, hub, bar)
    finally:
        bar.close()
    print(f"Fetched and checked: {place}")


def _path(models: Path, arguments: argparse.Namespace, ask: Ask) -> None:
    print(place_of(_find(arguments.name), models) if arguments.name else models)


VERBS: dict[str, Callable[[Path, argparse.Namespace, Ask], None]] = {"list": _list, "get": _get, "path": _path}


def _find(name: str) -> KnownModel:
    model = find_known(name)
    if model is None:
        raise UnknownName("name", name, [known.name for known in KNOWN_MODELS])
    return model


def _ask(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
