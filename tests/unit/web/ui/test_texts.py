from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import gradio
import pytest

from modules.backends.known_models import KNOWN_MODELS
from modules.web.ui import texts as texts_module
from modules.web.ui.form import FIELDS
from modules.web.ui.notes import NOTES, say_note
from modules.web.ui.script_controls import ScriptControls
from modules.web.ui.texts import LANGUAGES, Texts, choose_language

UI = Path(texts_module.__file__).parent
WORKFLOWS = UI.parents[1] / "pipeline" / "workflows"
FILLING = UI.parents[1] / "runtime" / "workflows" / "filling.py"
"""They say what a workflow sets in the form, by ids of texts."""
TEXT_ID = r"[a-z0-9_]+(?:\.[a-z0-9_]+)+"
GAP = re.compile(r"(?:\\\$)?\\\{.*?\\\}")
"""A gap of an f-string or a template literal, in an escaped pattern."""
NO_TEXTS = {"gradio.inputs", "gradio.outputs"}
"""What looks like an id of a text and is none."""
NO_TEMPLATES = {"form.{error.field}", "form.{name}"}
"""Ids that are put together where any text, or none, may have them."""
BUILT_IDS = {f"form.{name}" for name in FIELDS} | {"form.image", "form.picture", "form.mask", "form.sketch"}
"""Ids that the source puts together so."""


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts.load()


def test_every_language_has_the_same_ids_and_the_same_gaps(texts: Texts) -> None:
    english = texts.strings["en"]
    for tag in LANGUAGES:
        other = texts.strings[tag]
        assert other.keys() == english.keys(), tag
        for text_id, text in other.items():
            assert text.strip(), text_id
            assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", english[text_id])), text_id


def test_files_are_sorted_by_id() -> None:
    for tag in LANGUAGES:
        for file in (texts_module.FOLDER / tag).glob("*.json"):
            ids = list(json.loads(file.read_text(encoding="utf-8")))
            assert ids == sorted(ids), file


def test_every_text_is_used_and_every_used_text_is_there(texts: Texts) -> None:
    files = [path for kind in ("*.py", "*.js") for path in UI.rglob(kind) if "vendor" not in path.parts]
    files += [*WORKFLOWS.glob("form*.py"), FILLING]
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    known = set(texts.strings["en"])
    quoted = {text for text in re.findall(rf"[\"']({TEXT_ID})[\"']", source) if text.split(".")[0] in prefixes(texts)}
    assert quoted - known - NO_TEXTS == set()
    built = [
        template for template in re.findall(r"[\"'`]([a-z0-9_]+\.[^\s\"'`]*\{[^\s\"'`]*)[\"'`]", source) if template not in NO_TEMPLATES
    ]
    patterns = [re.compile(GAP.sub(r"\\w+", re.escape(template))) for template in built]
    made = {text_id for text_id in known if any(pattern.fullmatch(text_id) for pattern in patterns)}
    of_scripts = {text_id for text_id in known if text_id.startswith("script.text.")}
    of_notes = {text_id for _, text_id in NOTES}
    of_gradio = {text_id for text_id in known if text_id.startswith("gradio.")}
    assert known - quoted - made - of_scripts - of_notes - of_gradio - BUILT_IDS == set()


def test_words_of_gradio_are_those_it_has(texts: Texts) -> None:
    """`gradio_words.js` knows them by their wording: one that Gradio has given up would be translated in vain."""
    assets = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
    source = "".join(path.read_text(encoding="utf-8") for path in assets.glob("*.js"))
    for text_id, text in texts.strings["en"].items():
        if text_id.startswith("gradio."):
            assert re.sub(r"{\w+}.*", "", text).strip() in source, text_id


def test_texts_of_scripts_are_found_by_their_english_wording(texts: Texts) -> None:
    page = ScriptControls(SimpleNamespace(), texts)
    for text_id, text in texts.strings["en"].items():
        if text_id.startswith("script.text."):
            assert text_id in str(page.say(text)) and "__i18n__" in str(page.say(text)), text
    assert page.say("Something of somebody's") == "Something of somebody's"


def prefixes(texts: Texts) -> set[str]:
    return {text_id.split(".")[0] for text_id in texts.strings["en"]}


def test_an_unknown_id_is_refused_when_the_page_is_built(texts: Texts) -> None:
    with pytest.raises(KeyError, match="no text"):
        texts("form.nothing")


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, None, "en"),
        (None, "zh-TW,zh;q=0.9,en;q=0.8", "zh-CN"),
        (None, "de-DE,de;q=0.9,zh;q=0.5", "zh-CN"),
        (None, "fr, en;q=0.5", "en"),
        ("zh-CN", "en-US", "zh-CN"),
        ("klingon", "zh", "zh-CN"),
    ],
)
def test_the_cookie_wins_then_the_browser_then_english(cookie: str | None, accepted: str | None, language: str) -> None:
    assert choose_language(cookie, accepted) == language


def test_notes_of_open_picture_are_said_in_the_language(texts: Texts) -> None:
    assert say_note(texts, "zh-CN", "16-bit grey was reduced to 8 bits") == "已从 16 位转换为 8 位"
    assert say_note(texts, "en", "CMYK was converted to RGB") == "converted from CMYK to RGB"
    assert say_note(texts, "en", "something new") == "something new"


def test_known_models_and_their_licences_are_told_of_in_every_language() -> None:
    strings = Texts.load().strings
    for model in KNOWN_MODELS:
        for kind, name, text in (("known", model.name, model.about), ("licence", model.licence.name, model.licence.summary)):
            text_id = f"workflows.{kind}.{re.sub('[^a-z0-9]+', '_', name.lower())}"
            assert strings["en"][text_id] == text
            assert strings["zh-CN"][text_id] != text
