"""What the settings page is made from, and what Apply does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from modules.runtime.session import Session
from modules.settings.options import option_fields
from modules.settings.unsupported import WITHOUT_EFFECT
from modules.web.ui.texts import LANGUAGES, Texts

MODULES = Path(__file__).resolve().parents[4] / "modules"


def fields(client: TestClient) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in client.get("/api/settings").json()["fields"]}


def test_every_option_is_described_with_its_kind(client: TestClient) -> None:
    described = fields(client)
    assert list(described) == list(option_fields())
    assert described["samples_format"]["kind"] == "text"
    assert [choice["value"] for choice in described["samples_format"]["choices"]] == ["png", "jpg", "webp"]
    assert described["jpeg_quality"] | {"choices": None} == {
        "name": "jpeg_quality",
        "label": "JPEG and lossy WebP quality",
        "help": "",
        "section": "Saving",
        "default": 80,
        "minimum": 1,
        "maximum": 100,
        "kind": "int",
        "choices": None,
        "value": 80,
        "has_effect": True,
    }
    assert described["grid_background_color"]["kind"] == "color"
    assert described["tiling"]["kind"] == "bool"
    assert [choice["value"] for choice in described["sd_vae"]["choices"]] == ["Automatic", "None"]


def test_apply_changes_all_or_nothing_and_names_what_is_wrong(client: TestClient) -> None:
    wrong = {"jpeg_quality": 900, "tiling": True, "grid_background_color": "no colour", "sd_vae": "missing.pt", "nothing": 1}
    answer = client.post("/api/settings", json=wrong)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["jpeg_quality", "grid_background_color", "sd_vae", "nothing"]
    assert answer.json()["errors"][0] == {"field": "jpeg_quality", "got": "900", "wanted": "a whole number from 1 up to 100"}
    assert fields(client)["tiling"]["value"] is False
    good = client.post("/api/settings", json={"jpeg_quality": 90, "tiling": True, "grid_background_color": "teal"})
    assert good.status_code == 200 and good.json()["values"]["jpeg_quality"] == 90
    assert fields(client)["tiling"]["value"] is True


def test_options_that_nothing_reads_are_marked_as_such() -> None:
    """An option is read where its name stands in the source, outside its definition and the lists of names."""
    lists = {MODULES / "settings" / name for name in ("options.py", "a1111_names.py", "unsupported.py")}
    source = "\n".join(path.read_text(encoding="utf-8") for path in MODULES.rglob("*.py") if path not in lists)
    unread = {name for name in option_fields() if not re.search(rf"\b{name}\b", source)}
    told_only = {"face_restoration_model"}
    assert unread | told_only == set(WITHOUT_EFFECT)


def test_every_option_and_section_has_words_in_every_language() -> None:
    texts = Texts.load()
    for tag in LANGUAGES:
        strings = texts.strings[tag]
        for name, field in option_fields().items():
            assert strings[f"option.{name}.label"].strip(), name
            assert bool(strings.get(f"option.{name}.help")) == bool(field.help), name
    sections = {f"settings.section.{field.section.lower()}" for field in option_fields().values()}
    assert {text_id for text_id in texts.strings["en"] if text_id.startswith("settings.section.")} == sections
    wanted = {f"option.{name}.label" for name in option_fields()} | {
        f"option.{name}.help" for name, field in option_fields().items() if field.help
    }
    assert {text_id for text_id in texts.strings["zh-CN"] if text_id.startswith("option.")} == wanted


def test_chinese_texts_of_options_are_those_of_the_english_in_force() -> None:
    """Each was made from an English text; where that changes, the Chinese one is stale."""
    texts = Texts.load()
    noted = json.loads((Path(__file__).parent / "data" / "option_texts.json").read_text(encoding="utf-8"))
    english = {text_id: text for text_id, text in texts.strings["en"].items() if text_id.startswith("option.")}
    assert english == noted, "change the Chinese text too, then note the English one in data/option_texts.json"


def test_a_corrupt_settings_file_is_kept_and_told(make_client: Callable[..., TestClient], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{broken")
    (tmp_path / "config.broken.json").write_text("an older one")
    client = make_client()
    assert client.get("/api/notices").json() == [{"kind": "settings_kept_aside", "values": {"file": "config.broken-2.json"}}]
    assert (tmp_path / "config.broken-2.json").read_text() == "{broken"
    assert (tmp_path / "config.broken.json").read_text() == "an older one"


def test_a_single_bad_option_is_told(make_client: Callable[..., TestClient], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"jpeg_quality": "much", "tiling": true}')
    client = make_client()
    (notice,) = client.get("/api/notices").json()
    assert notice["kind"] == "option_ignored" and "jpeg_quality" in notice["values"]["reason"]
    assert fields(client)["tiling"]["value"] is True


def test_every_notice_has_words() -> None:
    texts = Texts.load()
    source = "\n".join(path.read_text(encoding="utf-8") for path in (MODULES / "runtime").rglob("*.py"))
    kinds = set(re.findall(r"""Notice\("(\w+)\"""", source)) | set(re.findall(r"""notices\.add\(\s*"(\w+)\"""", source))
    assert kinds >= {"settings_kept_aside", "option_ignored", "styles_kept_aside"}
    assert {f"notice.{kind}" for kind in kinds} == {text_id for text_id in texts.strings["en"] if text_id.startswith("notice.")}


def test_counting_without_the_tokenizer_says_so(client: TestClient) -> None:
    answer = client.post("/api/tokens", json={"prompt": "a cat"}).json()
    assert answer["prompt"] is None and "bpe_simple_vocab" in answer["problem"]


@pytest.mark.parametrize(("styles", "tokens"), [([], 2), (["oil"], 5)])
def test_tokens_are_counted_with_styles_and_without_a_model(
    client: TestClient, project_root: Path, tmp_path: Path, styles: list[str], tokens: int
) -> None:
    target = tmp_path / "models" / "tokenizer" / "bpe_simple_vocab_16e6.txt.gz"
    target.parent.mkdir(parents=True)
    target.write_bytes((project_root / "models" / "tokenizer" / target.name).read_bytes())
    (tmp_path / "styles.csv").write_text('name,prompt,negative_prompt\noil,"oil paint, {prompt}",flat\n')
    body = {"prompt": "a cat <lora:x:1>", "negative_prompt": "dog " * 80, "styles": styles}
    answer = client.post("/api/tokens", json=body).json()
    assert answer["prompt"] == {"tokens": tokens, "room": 75}
    assert answer["negative_prompt"] == {"tokens": 80 + (2 if styles else 0), "room": 150}
    session: Session = client.app.state.session  # type: ignore[attr-defined]
    assert session.pool.model is None
