"""Arguments of `launch.py layers`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from modules.plugins.preloading import parse_with_preloads
from modules.settings.flags import Flags

ROOT = Path(__file__).resolve().parents[2]
Add = Callable[..., argparse.Action]
DECOMPOSE, COMPOSE, RENDER, EXPORT = "decompose", "compose", "render", "export"
KINDS = ("png", "zip", "psd", "ora", "pptx", "layers")
EPILOG = """\
A document is a folder that decompose made, a .layers file, or a ZIP, PSD or OpenRaster file. The same command goes on where an interrupted
one stopped. Columns of a table: text:NAME, color:NAME, subject:NAME (a picture file), background, picture:NAME, visible:NAME (yes or no),
size (such as 1080x1350, or 50%; several parted by ";"), name (of the result). Flags of the studio (--data-dir, --use-cpu ...) are accepted.
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of `launch.py layers`."""
    parser = argparse.ArgumentParser(
        prog="launch.py layers",
        description="Take pictures apart into layers, put them together again, and render templates.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_decompose(verbs.add_parser(DECOMPOSE, help="take a picture, or all pictures of a folder, apart", allow_abbrev=False).add_argument)
    add = verbs.add_parser(COMPOSE, help="put a document together to a picture", allow_abbrev=False).add_argument
    add("document", type=Path, metavar="DOCUMENT", help="folder or file of layers")
    add("--out", type=Path, required=True, metavar="PICTURE", help="result (.png, .jpg, .webp)")
    _add_render(verbs.add_parser(RENDER, help="render a document for every row of a table", allow_abbrev=False).add_argument)
    add = verbs.add_parser(EXPORT, help="write a document as a file of another program", allow_abbrev=False).add_argument
    add("document", type=Path, metavar="DOCUMENT", help="folder or file of layers")
    add("--kind", choices=KINDS, required=True, help="what to write")
    add("--out", type=Path, required=True, metavar="FILE", help="result")
    add("--trimmed", action="store_true", help="ZIP: each PNG holds only its layer's box")
    add("--text-boxes", action="store_true", help="PPTX: text layers become text that can be written in")
    return parser


def parse_arguments(argv: list[str]) -> tuple[argparse.Namespace, Flags]:
    """Parse; exits with a message and status 2 on a wrong command line."""
    known, rest = build_parser().parse_known_args(argv)
    return known, parse_with_preloads(rest, ROOT)


def _add_decompose(add: Add) -> None:
    add("picture", type=Path, metavar="PICTURE", help="a picture, or a folder of pictures")
    add("--out", type=Path, required=True, metavar="FOLDER", help="gets a folder of PNGs and a .layers file for each, and report.csv")
    add("--backend", default="built-in", help="what takes them apart (built-in, qwen-image-layered)")
    add("--set", action="append", default=[], metavar="NAME=VALUE", dest="settings", help="a setting of the backend, such as texts=false")


def _add_render(add: Add) -> None:
    add("document", type=Path, metavar="DOCUMENT", help="folder or file of layers: the template")
    add("--table", type=Path, required=True, metavar="ROWS", help="CSV or JSON file")
    add("--out", type=Path, required=True, metavar="FOLDER", help="gets the pictures and manifest.json")
    add("--files", type=Path, metavar="FOLDER", help="where pictures named in the table lie (the table's own folder)")
    add("--size", action="append", default=[], dest="sizes", metavar="SIZE", help="of rows that name none: 1080x1350, 50%% ...; repeatable")
    add("--format", choices=("png", "jpg", "webp"), default="png", help="of the results")
