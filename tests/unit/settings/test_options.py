"""Options: types, ranges, the file they live in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modules.base.errors import InvalidRequest, UnknownName
from modules.settings.a1111_names import NAMES_WITHOUT_EFFECT
from modules.settings.options import Options, option_fields
from modules.settings.store import OptionsStore


def test_every_option_is_described_and_its_default_is_valid() -> None:
    for name, field in option_fields().items():
        assert field.label and field.section, name
        assert field.coerce(field.default) == field.default, name
    assert not set(option_fields()) & NAMES_WITHOUT_EFFECT


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("tiling", "True", True),
        ("tiling", "off", False),
        ("CLIP_stop_at_last_layers", "2", 2),
        ("CLIP_stop_at_last_layers", 2.0, 2),
        ("eta_ddim", "0.5", 0.5),
        ("eta_ddim", 1, 1),
        ("eta_ddim", 1.0, 1.0),
        ("rho", "5", 5.0),
        ("samples_format", None, "png"),
    ],
)
def test_values_are_brought_to_their_type(name: str, given: object, kept: object) -> None:
    value = getattr(Options().coerced({name: given}), name)
    assert (value, type(value)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("tiling", "perhaps"),
        ("CLIP_stop_at_last_layers", 0),
        ("CLIP_stop_at_last_layers", 1.5),
        ("eta_ddim", "nan"),
        ("eta_ddim", 2),
        ("eta_ddim", True),
        ("sigma_max", 10**400),
        ("history_budget_gib", 1e308),
        ("samples_format", "bmp"),
        ("outdir_samples", 7),
    ],
)
def test_a_wrong_value_names_its_option(name: str, given: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Options().coerced({name: given})
    assert caught.value.field == name


def test_names_of_a1111_pass_and_unknown_ones_do_not() -> None:
    assert Options().coerced({"sd_hypernetwork": "None"}) == Options()
    assert Options().coerced({"no_such": 1}, ignore_unknown=True) == Options()
    with pytest.raises(UnknownName, match="no_such"):
        Options().coerced({"no_such": 1})


def test_only_changes_are_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    store = OptionsStore(path)
    store.update(store.current.as_dict())
    assert not path.exists()
    store.update({"jpeg_quality": 95})
    assert json.loads(path.read_text()) == {"jpeg_quality": 95}
    assert OptionsStore(path).current.jpeg_quality == 95


def test_a_wrong_update_changes_nothing(tmp_path: Path) -> None:
    store = OptionsStore(tmp_path / "config.json")
    with pytest.raises(InvalidRequest):
        store.update({"jpeg_quality": 95, "n_rows": 99})
    assert store.current == Options()


def test_a_broken_file_is_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("{half")
    assert OptionsStore(path).current == Options()
    assert (tmp_path / "config.broken.json").read_text() == "{half"


def test_one_wrong_value_in_the_file_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"jpeg_quality": 5000, "tiling": True, "from_the_future": 1}))
    store = OptionsStore(path)
    assert (store.current.jpeg_quality, store.current.tiling) == (80, True)


def test_a_file_is_written_for_those_who_read_it_themselves_and_a_file_that_is_there_is_left(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    OptionsStore(path).ensure_file()
    assert path.read_text() == "{}"
    path.write_text('{"tiling":true}')
    OptionsStore(path).ensure_file()
    assert path.read_text() == '{"tiling":true}'
