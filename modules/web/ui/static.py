"""The page's own files, served beside Gradio's: scripts, styles and texts below `/pentimento`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from starlette.staticfiles import StaticFiles

from modules.web.ui.texts import Texts

ASSETS = Path(__file__).parent / "assets"
PREFIX = "/pentimento"
SCRIPTS = (
    "nudge",
    "pentimento",
    "canvas",
    "language",
    "gradio_words",
    "theme",
    "keys",
    "live_text",
    "results",
    "png_info",
    "history",
    "layers",
    "workflows",
    "clipspace",
    "settings",
    "extensions",
    "notices",
    "quick",
    "sight",
    "modes",
    "proportions",
    "tokens",
    "styles",
    "fold",
)
"""Modules of `assets/js` in the order in which the page runs them; others are imported by these."""
FRESH = {"Cache-Control": "no-cache"}
"""Browsers keep a copy, but ask whether it is still the newest: an update must never meet half of its predecessor."""


class FreshFiles(StaticFiles):
    """Static files that are asked for anew, answered with 304 where nothing changed."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers.update(FRESH)
        return response


def serve_assets(app: FastAPI, texts: Texts) -> None:
    """Add the routes; before the page is mounted, which takes every other path."""
    said = f"window.PENTIMENTO_TEXTS = {json.dumps(texts.strings, ensure_ascii=False)};".encode()

    @app.get(f"{PREFIX}/texts.js", include_in_schema=False)
    def say_texts() -> Response:
        return Response(said, media_type="text/javascript", headers=FRESH)

    app.mount(PREFIX, FreshFiles(directory=ASSETS))


def head_tags() -> str:
    """HTML for the page's head: texts first, then the scripts, deferred but before Gradio's own."""
    modules = "".join(f'<script type="module" src="pentimento/js/{name}.js"></script>' for name in SCRIPTS)
    return f'<script src="pentimento/texts.js"></script>{modules}'


def style_sheets() -> list[Path]:
    """All of `assets/css`, `page.css` first."""
    return sorted((ASSETS / "css").glob("*.css"), key=lambda path: (path.stem != "page", path.stem))


def read_script(name: str) -> str:
    """The text of a script of `assets/js`."""
    return (ASSETS / "js" / f"{name}.js").read_text(encoding="utf-8")
