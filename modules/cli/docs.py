"""Writes docs/settings.md, docs/extensions.md and docs/api.md from the code: `.venv/bin/python -m modules.cli.docs`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modules.base.files import write_atomically
from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.cli.extensions_page import extensions_page
from modules.settings.flags import parse_flags
from modules.settings.option import OptionField
from modules.settings.options import option_fields

ROOT = Path(__file__).resolve().parents[2]
GENERATED = "*Written by `python -m modules.cli.docs`; do not edit by hand.*"


def settings_page() -> str:
    """Every option, a table a section."""
    sections: dict[str, list[OptionField]] = {}
    for field in option_fields().values():
        sections.setdefault(field.section, []).append(field)
    lines = ["# Settings", "", GENERATED, ""]
    lines += ["Names are A1111's where A1111 has the option. `GET` and `POST /sdapi/v1/options` read and write them; a request's"]
    lines += ["`override_settings` change them for that request alone.", ""]
    for section, fields in sections.items():
        lines += [f"## {section}", "", "| name | default | accepts | what it is |", "|---|---|---|---|"]
        lines += [
            f"| `{field.name}` | {_code(field.default)} | {_range(field)} | {_cell(f'{field.label}. {field.help}')} |" for field in fields
        ]
        lines.append("")
    return "\n".join(lines)


def api_page() -> str:
    """Every route, in alphabetical order, from the server's own OpenAPI description."""
    lines = ["# API", "", GENERATED, ""]
    lines += [
        "Always on, at the address of the page; `GET /openapi.json` has every field. `/sdapi/v1` speaks as A1111 does, `/api` is ours.",
        "",
    ]
    lines += ["| route | what it does |", "|---|---|"]
    for path, methods in sorted(_openapi()["paths"].items()):
        for method, operation in methods.items():
            said = operation.get("description") or operation.get("summary") or ""
            lines.append(f"| `{method.upper()} {path}` | {_cell(said.partition(chr(10) * 2)[0])} |")
    return "\n".join([*lines, ""])


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "extensions.md": lambda: extensions_page(GENERATED),
    "api.md": api_page,
}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        write_atomically(ROOT / "docs" / name, page().encode())


def _openapi() -> dict[str, Any]:
    make_session: Any = load_dotted("modules.runtime.session:Session")
    create_app: Any = load_dotted("modules.web.server:create_app")
    with tempfile.TemporaryDirectory() as folder:
        session = make_session(Paths.under(ROOT, Path(folder)), parse_flags([]))
        description: dict[str, Any] = create_app(session, with_page=False).openapi()
    return description


def _code(value: object) -> str:
    if isinstance(value, tuple):
        return "empty list" if not value else f"`{list(value)}`"
    return "empty" if value == "" else f"`{value}`"


def _range(field: OptionField) -> str:
    if field.choices:
        return ", ".join(f"`{choice}`" for choice in field.choices)
    low = "" if field.minimum is None else f"from {field.minimum:g} "
    high = "" if field.maximum is None else f"to {field.maximum:g}"
    kind = {bool: "true or false", int: "whole number", float: "number", tuple: "list of strings"}.get(type(field.default), "text")
    return f"{kind} {low}{high}".strip()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
