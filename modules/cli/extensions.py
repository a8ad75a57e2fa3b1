"""`python launch.py extensions`: list, add, install, enable, disable and remove extensions, while the studio is not running."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from modules.base.errors import PentimentoError
from modules.base.folder_lock import FolderLock
from modules.base.log import configure_logging
from modules.base.paths import Paths
from modules.plugins.adding import add_extension, pick_extension, remove_extension, switch
from modules.plugins.extensions import Extension, find_extensions
from modules.plugins.installing import has_installer, install_extension, needs_install
from modules.settings.store import OptionsStore

ROOT = Path(__file__).resolve().parents[2]
ASKED = "Its installer is a program of its author, which runs with your rights. Run it?"


def main(argv: list[str], ask: Callable[[str], bool] | None = None) -> int:
    """Run the command; returns the exit code.

    Args:
        argv: Arguments after `extensions`.
        ask: Puts a question to the person; None = on the terminal.
    """
    arguments = build_parser().parse_args(argv)
    configure_logging("WARNING")
    paths = Paths.under(ROOT, arguments.data_dir)
    ask = ask or (lambda question: arguments.yes or _ask(question))
    try:
        if arguments.verb == "list":
            _list(paths, arguments.json)
            return 0
        with FolderLock(paths.cache / "server.lock", paths.data, "launch.py extensions"):
            VERBS[arguments.verb](paths, arguments, ask)
    except PentimentoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser behind `main`."""
    parser = argparse.ArgumentParser(prog="launch.py extensions", description="Manage extensions. Restart the studio afterwards.")
    parser.add_argument("--data-dir", type=Path, help="where extensions/ and config.json live (the checkout)")
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="all extensions, and whether they run")
    listing.add_argument("--json", action="store_true", help="as JSON")
    adding = verbs.add_parser("add", help="copy one from a folder or zip file, or clone it with your git; nothing of it is run")
    adding.add_argument("source", help="folder, zip file, or address for git")
    adding.add_argument("--name", default="", help="name of its folder")
    for verb, text in (
        ("install", "run its installer; its packages go to its own folder .deps"),
        ("enable", "let it run from the next start on"),
        ("disable", "do not run it"),
        ("remove", "move it to cache/removed-extensions"),
    ):
        added = verbs.add_parser(verb, help=text)
        added.add_argument("name", help="name of its folder")
        added.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _find(paths: Paths) -> list[Extension]:
    options = OptionsStore(paths.config).current
    return find_extensions(paths.builtin_extensions, paths.extensions, options.disabled_extensions, options.disable_all_extensions)


def _list(paths: Paths, as_json: bool) -> None:
    found = _find(paths)
    if as_json:
        print(json.dumps([describe(extension) for extension in found], indent=2, ensure_ascii=False))
        return
    for extension in found:
        notes = [extension.reason, "its installer has not run yet" if needs_install(extension) else "", "built in" * extension.is_builtin]
        said = "; ".join(note for note in notes if note)
        print(f"{'on ' if extension.is_enabled else 'off'}  {extension.name}{f'  ({said})' if said else ''}")
    if not found:
        print("no extensions")


def describe(extension: Extension) -> dict[str, object]:
    """An extension as plain data."""
    return {
        "name": extension.name,
        "path": str(extension.path),
        "is_builtin": extension.is_builtin,
        "is_enabled": extension.is_enabled,
        "state": extension.state.value,
        "reason": extension.reason,
        "needs_install": needs_install(extension),
    }


def _add(paths: Paths, arguments: argparse.Namespace, ask: Callable[[str], bool]) -> None:
    folder = add_extension(arguments.source, paths, arguments.name)
    print(f"{folder.name} is in {folder}")
    if has_installer(Extension(folder.name, folder)):
        print(f"It has an installer; run it with: python launch.py extensions install {folder.name}")


def _install(paths: Paths, arguments: argparse.Namespace, ask: Callable[[str], bool]) -> None:
    extension = pick_extension(_find(paths), arguments.name)
    if not has_installer(extension):
        print(f"{extension.name} has no installer: there is nothing to install")
        return
    _insist(ask, ASKED)
    install_extension(extension, paths, print)
    print(f"{extension.name} is installed")


def _switch(paths: Paths, name: str, *, is_on: bool) -> None:
    extension = pick_extension(_find(paths), name)
    store = OptionsStore(paths.config)
    store.update({"disabled_extensions": switch(store.current.disabled_extensions, extension.name, is_on=is_on)})
    print(f"{extension.name} is {'enabled' if is_on else 'disabled'}")


def _remove(paths: Paths, arguments: argparse.Namespace, ask: Callable[[str], bool]) -> None:
    extension = pick_extension(_find(paths), arguments.name)
    _insist(ask, f"Remove {extension.name}?")
    aside = remove_extension(extension, paths)
    print(f"{extension.name} was moved to {aside}" if aside else f"the link {extension.path} is gone; what it led to is untouched")


VERBS: dict[str, Callable[[Paths, argparse.Namespace, Callable[[str], bool]], None]] = {
    "add": _add,
    "install": _install,
    "enable": lambda paths, arguments, ask: _switch(paths, arguments.name, is_on=True),
    "disable": lambda paths, arguments, ask: _switch(paths, arguments.name, is_on=False),
    "remove": _remove,
}


def _insist(ask: Callable[[str], bool], question: str) -> None:
    if not ask(question):
        raise PentimentoError("nothing was done: you did not agree (--yes agrees without being asked)")


def _ask(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
