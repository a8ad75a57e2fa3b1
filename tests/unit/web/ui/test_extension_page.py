"""What extensions bring to the page, without a page: Gradio 3's words, and files for the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from modules.plugins.extensions import Extension
from modules.web.ui.bridge.dialect import component_keywords, event_keywords
from modules.web.ui.bridge.sketch import SketchCanvas, fresh_sketches
from modules.web.ui.bridge.watching import in_english
from modules.web.ui.extension_files import script_tags, serve_extension_files, style_tags
from modules.web.ui.texts import Texts

IMAGE = ("value", "sources", "type", "height", "elem_id")


@pytest.mark.parametrize(
    ("kind", "given", "known", "wanted"),
    [
        (
            "Image",
            {"source": "canvas", "tool": "editor", "type": "file", "shape": (1, 2)},
            IMAGE,
            {"sources": ["upload"], "type": "filepath"},
        ),
        ("Image", {"source": "webcam", "sources": ["upload"]}, IMAGE, {"sources": ["upload"]}),
        ("Dropdown", {"choices": ["a"]}, ("choices", "value"), {"choices": ["a"], "value": None}),
        ("Dropdown", {"choices": ["a"], "value": "a"}, ("choices", "value"), {"choices": ["a"], "value": "a"}),
        ("Gallery", {"grid": 4}, ("columns",), {"columns": 4}),
        (
            "Button",
            {"variant": "tool", "elem_classes": "x"},
            ("variant", "size", "elem_classes"),
            {"variant": "secondary", "size": "sm", "elem_classes": ["x", "tool"]},
        ),
    ],
)
def test_old_keywords_of_components_become_new_ones(
    kind: str, given: dict[str, Any], known: tuple[str, ...], wanted: dict[str, Any]
) -> None:
    assert component_keywords(kind, given, known) == wanted


def test_a_list_that_is_made_again_for_an_update_keeps_its_value_open() -> None:
    assert component_keywords("Dropdown", {"choices": ["a"]}, ("choices", "value"), is_new=False) == {"choices": ["a"]}


def test_what_is_unseen_stays_in_the_browser_where_gradio_can_have_it_so() -> None:
    known = ("visible", "render_children")
    assert component_keywords("Tab", {"visible": False}, known) == {"visible": "hidden", "render_children": True}
    assert component_keywords("Row", {"visible": False}, ("visible",), is_layout=True) == {"visible": False}
    assert component_keywords("Button", {"visible": False}, ("visible",), is_new=False) == {"visible": False}


def test_old_keywords_of_events_become_new_ones() -> None:
    known = ("fn", "js", "show_progress", "api_name", "api_visibility")
    given = {"_js": "go", "show_progress": False, "api_name": False, "status_tracker": None}
    assert event_keywords("click", given, known) == {"js": "go", "show_progress": "hidden", "api_name": None, "api_visibility": "private"}


def test_an_event_that_reads_a_canvas_waits_for_its_strokes() -> None:
    pad = SketchCanvas(tool="sketch", elem_id="pad", brush_radius=3, render=False)
    assert fresh_sketches(["other"]) is None
    script = fresh_sketches(["other", pad], "(a, b) => [a, b]")
    assert script and 'withSketches(values.slice(0, 2), [[1, "pad"]])' in script and script.startswith("async (...values) => ((a, b) =>")
    assert SketchCanvas(**{**pad.constructor_args, "render": False, "visible": False}).visible is False


def test_extensions_see_the_words_of_a_component_and_not_their_ids() -> None:
    texts = Texts.load()
    assert in_english(texts, {"label": texts("form.width"), "value": 3, "elem_id": "x"}) == {"label": "Width", "value": 3, "elem_id": "x"}


@pytest.fixture
def extension(tmp_path: Path) -> Extension:
    folder = tmp_path / "extensions" / "my ext"
    for path in ("javascript/a.js", "javascript/b.mjs", "style.css", "scripts/s.py", ".git/config", "images/i.svg"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    (tmp_path / "outside.js").write_text("secret")
    (folder / "javascript" / "c.js").symlink_to(tmp_path / "outside.js")
    return Extension("my ext", folder)


def test_the_browser_gets_an_extensions_files_and_nothing_from_beyond(extension: Extension) -> None:
    app = FastAPI()
    serve_extension_files(app, [extension])
    client = TestClient(app)
    tags = script_tags([extension])
    assert (
        "my%20ext/javascript/a.js" in tags and 'type=module src="file=extensions/my%20ext/javascript/b.mjs' in tags and "c.js" not in tags
    )
    address = style_tags([extension]).partition('href="')[2].partition('"')[0]
    answer = client.get(f"/{address}")
    assert (answer.text, answer.headers["cache-control"]) == ("style.css", "no-cache")
    assert client.get("/file=extensions/my ext/images/i.svg").text == "images/i.svg"
    for path in ("javascript/c.js", "scripts/s.py", ".git/config", "../../outside.js", "%2e%2e/%2e%2e/outside.js", "", "nothing.js"):
        assert client.get(f"/file=extensions/my ext/{path}").status_code == 404, path
    assert client.get("/file=extensions/another/style.css").status_code == 404


def test_where_the_page_asks_for_a_login_so_do_the_files(extension: Extension) -> None:
    app = FastAPI()
    serve_extension_files(app, [extension], has_logins=True)
    app.state.page_user = lambda request: request.headers.get("user")
    client = TestClient(app)
    assert client.get("/file=extensions/my ext/style.css").status_code == 401
    assert client.get("/file=extensions/my ext/style.css", headers={"user": "ada"}).status_code == 200
