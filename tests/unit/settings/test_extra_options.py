"""Options that extensions add: values, the file, what the page and the API know of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.base.errors import InvalidRequest, UnknownName
from modules.settings.extra_options import EXTRA_OPTIONS, OptionHTML, OptionInfo, options_section
from modules.settings.options import Options
from modules.settings.store import OptionsStore


class Slider:
    """Stands in for Gradio's: only the name counts."""


class Radio:
    """Likewise."""


class ColorPicker:
    """Likewise."""


@pytest.fixture
def extra() -> Iterator[list[str]]:
    """Options of an extension; the list tells which were changed."""
    changed: list[str] = []
    infos: dict[str, Any] = {
        "ext_strength": OptionInfo(1, "Strength", Slider, {"minimum": 0, "maximum": 2, "step": 0.05}).info("more is more"),
        "ext_way": OptionInfo("soft", "Way", Radio, lambda: {"choices": ["soft", "hard"]}, onchange=lambda: changed.append("way")),
        "ext_level": OptionInfo(2, "Level", Radio, {"choices": [("one", 1), ("two", 2)]}),
        "ext_paint": OptionInfo("#ff0000", "Paint", ColorPicker, infotext="Ext paint").needs_restart(),
        "ext_names": OptionInfo(["a"], "Names"),
        "ext_on": OptionInfo(False, "On").link("wiki", "https://example.org/a"),
        "ext_text": OptionHTML("<b>About</b> it"),
        "ext_any": OptionInfo({"a": 1}, "Anything"),
    }
    for name, info in options_section(("ext", "My extension"), infos).items():
        EXTRA_OPTIONS.add(name, info)
    yield changed
    for name in infos:
        EXTRA_OPTIONS.remove(name)


def test_defaults_hold_until_something_is_set(extra: list[str]) -> None:
    values = Options().as_dict()
    assert (values["ext_strength"], values["ext_way"], values["ext_names"]) == (1, "soft", ["a"])
    assert "ext_text" not in values
    assert Options().value_of("ext_any") == {"a": 1}
    assert Options().coerced({"ext_strength": "0.25", "ext_level": "1", "ext_on": "True"}).value_of("ext_strength") == 0.25
    assert Options().coerced({"ext_level": "1"}).value_of("ext_level") == 1


@pytest.mark.parametrize(("name", "value"), [("ext_strength", 3), ("ext_names", "a"), ("ext_on", "perhaps"), ("ext_any", 5)])
def test_a_wrong_value_names_its_option(extra: list[str], name: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Options().coerced({name: value})
    assert caught.value.field == name


def test_the_page_gets_an_editor_for_each_kind(extra: list[str]) -> None:
    fields = EXTRA_OPTIONS.fields()
    strength = fields["ext_strength"]
    assert (strength.section, strength.minimum, strength.maximum, type(strength.default)) == ("My extension", 0, 2, float)
    assert strength.help == "(more is more)" and fields["ext_paint"].help == "(requires restart)"
    assert fields["ext_way"].choices == ("soft", "hard") and fields["ext_level"].choices == ("1", "2")
    assert fields["ext_on"].help == "[wiki]"
    assert "ext_text" not in fields and "ext_any" not in fields


def test_values_are_written_and_wait_for_an_extension_that_is_away(extra: list[str], tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    store = OptionsStore(path)
    store.update({"ext_way": "hard", "ext_strength": 1, "jpeg_quality": 95})
    assert json.loads(path.read_text()) == {"jpeg_quality": 95, "ext_way": "hard"}
    assert extra == ["way"]
    info = EXTRA_OPTIONS["ext_way"]
    EXTRA_OPTIONS.remove("ext_way")
    again = OptionsStore(path)
    again.update({"jpeg_quality": 90})
    assert "ext_way" not in again.current.as_dict() and json.loads(path.read_text())["ext_way"] == "hard"
    EXTRA_OPTIONS.add("ext_way", info)
    assert again.current.value_of("ext_way") == "hard"


def test_a_value_in_the_file_that_no_longer_fits_is_the_default(extra: list[str], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"ext_strength": "much"}))
    assert OptionsStore(tmp_path / "config.json").current.value_of("ext_strength") == 1


def test_overrides_know_them_and_names_nobody_knows_are_refused(extra: list[str]) -> None:
    assert Options().coerced({"ext_way": "hard"}).value_of("ext_way") == "hard"
    with pytest.raises(UnknownName):
        Options().coerced({"ext_other": 1})
    with pytest.raises(AttributeError):
        Options().value_of("ext_other")


def test_a_listener_that_fails_costs_nothing(extra: list[str], tmp_path: Path) -> None:
    heard: list[int] = []
    EXTRA_OPTIONS.listen("jpeg_quality", lambda: 1 // 0)
    EXTRA_OPTIONS.listen("jpeg_quality", lambda: sys.exit(3))
    EXTRA_OPTIONS.listen("jpeg_quality", lambda: heard.append(1))
    OptionsStore(tmp_path / "config.json").update({"jpeg_quality": 70})
    EXTRA_OPTIONS.remove("jpeg_quality")
    assert heard == [1]


def test_what_json_cannot_tell_is_for_the_extension_alone(extra: list[str]) -> None:
    thing = object()
    EXTRA_OPTIONS.add("ext_thing", OptionInfo(thing, "Thing"))
    try:
        assert Options().value_of("ext_thing") is thing and "ext_thing" not in json.loads(json.dumps(Options().as_dict()))
    finally:
        EXTRA_OPTIONS.remove("ext_thing")
