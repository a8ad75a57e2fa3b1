"""Files of extensions in the browser: their scripts and style sheets, and what these ask for."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

from modules.plugins.extensions import Extension
from modules.web.ui.static import FRESH

FOLDERS = ("extensions", "extensions-builtin")
SECRET = {".py", ".pyc", ".pyo", ".db", ".sqlite", ".env", ".pem", ".key"}
"""Kinds of files that no browser needs."""


def serve_extension_files(app: FastAPI, extensions: Sequence[Extension], *, has_logins: bool = False) -> None:
    """Add A1111's `/file=extensions/<name>/...`, before the page is mounted: of enabled extensions, what lies in their folders.

    Args:
        has_logins: The page asks who comes, and so must this.
    """
    # Files may hold what a person wrote; where the page asks for a login, so do they.
    folders = {(FOLDERS[extension.is_builtin], extension.name): extension for extension in extensions if extension.is_enabled}

    @app.get("/file={path:path}", include_in_schema=False)
    def give_file(path: str, request: Request) -> Response:
        if has_logins and request.app.state.page_user(request) is None:
            return PlainTextResponse("log in on the page first", 401)
        kind, name, inner = (*path.split("/", 2), "", "")[:3]
        extension = folders.get((kind, name))
        if extension is None or not is_given(inner) or not extension.holds(file := extension.path / inner):
            return PlainTextResponse("no such file of an enabled extension", 404)
        return FileResponse(file, headers=FRESH)


def is_given(path: str) -> bool:
    """Whether a path is one that browsers may ask for: nothing hidden, no code of the server."""
    parts = Path(path).parts
    return bool(parts) and not any(part.startswith(".") for part in parts) and Path(path).suffix.lower() not in SECRET


def script_tags(extensions: Iterable[Extension]) -> str:
    """HTML for the head: what extensions' scripts need, then the scripts, in the extensions' order; all deferred, as ours are."""
    tags = [
        f'<script {"type=module" if file.suffix == ".mjs" else "defer"} src="{_address(extension, file)}"></script>'
        for extension in _enabled(extensions)
        for file in extension.files("javascript", (".js", ".mjs"))
    ]
    return '<script type="module" src="pentimento/js/a1111.js"></script>' + "".join(tags)


def style_tags(extensions: Iterable[Extension]) -> str:
    """HTML for the end of the page, after all of ours: style sheets."""
    sheets = [(extension, extension.style_sheet) for extension in _enabled(extensions)]
    return "".join(f'<link rel="stylesheet" href="{_address(extension, sheet)}">' for extension, sheet in sheets if sheet is not None)


def _enabled(extensions: Iterable[Extension]) -> list[Extension]:
    return [extension for extension in extensions if extension.is_enabled]


def _address(extension: Extension, file: Path) -> str:
    inner = file.relative_to(extension.path).as_posix()
    path = quote(f"{FOLDERS[extension.is_builtin]}/{extension.name}/{inner}")
    return html.escape(f"file={path}?{int(file.stat().st_mtime)}")
