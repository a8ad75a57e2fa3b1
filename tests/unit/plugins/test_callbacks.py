"""Callbacks know who brought them, cost nothing when they fail, and come in the order that extensions ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from modules import script_callbacks
from modules.plugins.callback_order import ORDER
from modules.plugins.callbacks import CALLBACKS, CallbackRegistry
from modules.plugins.guard import MOST_FAULTS
from modules.plugins.hook_arguments import ImageGridLoopParams, ImageSaveParams
from modules.plugins.hooks import CALLBACK_HOOKS


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    CALLBACKS.clear()
    yield
    CALLBACKS.clear()
    ORDER.learn([])


@pytest.mark.parametrize("name", [hook.name for hook in CALLBACK_HOOKS])
def test_every_callback_of_the_table_can_be_registered_called_and_taken_back(name: str) -> None:
    told: list[Any] = []
    getattr(script_callbacks, name)(lambda *args: told.append(args))
    getattr(script_callbacks, name)(told.count, name="again")
    entry, other = script_callbacks.callback_map[f"callbacks_{name.removeprefix('on_')}"]
    moment = name.removeprefix("on_")
    assert (entry.script, entry.name) == (__file__, f"base/test_callbacks.py/{moment}")
    assert (other.callback, other.name) == (told.count, f"base/test_callbacks.py/{moment}/again")
    script_callbacks.remove_callbacks_for_function(told.count)
    getattr(script_callbacks, f"{moment}_callback")(1, 2)
    script_callbacks.remove_current_script_callbacks()
    getattr(script_callbacks, f"{moment}_callback")(3)
    assert told == [(1, 2)] and not CALLBACKS.has(name)


def test_names_that_are_not_there_are_told() -> None:
    assert not hasattr(script_callbacks, "on_full_moon") and set(dir(script_callbacks)) >= {"on_ui_tabs", "CFGDenoiserParams"}
    with pytest.raises(KeyError, match="on_full_moon"):
        CALLBACKS.call("on_full_moon")


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(3), BaseException("odd")])
def test_one_that_fails_is_named_once_and_skipped(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise error

    CALLBACKS.add("on_ui_tabs", fail)
    CALLBACKS.add("on_ui_tabs", lambda: "tab")
    job = SimpleNamespace(notes=[])
    assert CALLBACKS.call("on_ui_tabs") == CALLBACKS.call_in_job(job, "on_ui_tabs") == ["tab"]
    (broken,) = CALLBACKS.broken
    assert (broken.hook, broken.file) == ("on_ui_tabs", __file__) and str(error) in broken.reason
    assert job.notes == [f"Callback {broken.name} failed and was skipped: {broken.reason}"]
    assert "on_ui_tabs" in caplog.text


def test_what_one_breaks_is_put_back_for_the_next() -> None:
    picture = Image.new("RGB", (2, 2))

    def spoil(params: ImageSaveParams) -> None:
        params.image, params.pnginfo["kept"] = None, "no"  # type: ignore[assignment]

    CALLBACKS.add("on_before_image_saved", spoil)
    CALLBACKS.add("on_before_image_saved", lambda params: setattr(params, "filename", "b.png"))
    params = ImageSaveParams(picture, None, "a.png", {"parameters": "x"})
    CALLBACKS.call("on_before_image_saved", params)
    assert params == ImageSaveParams(picture, None, "b.png", {"parameters": "x"})
    assert [entry.reason for entry in CALLBACKS.broken] == ["TypeError: image is NoneType, not a picture"]


@pytest.mark.parametrize(
    "spoiled", [{"imgs": []}, {"imgs": None}, {"imgs": [3]}, {"cols": 1}, {"rows": 0}, {"cols": "many"}, {"rows": None}]
)
def test_a_grid_that_cannot_be_laid_out_is_put_back(spoiled: dict[str, Any]) -> None:
    CALLBACKS.add("on_image_grid", lambda params: vars(params).update(spoiled))
    params = ImageGridLoopParams([Image.new("RGB", (2, 2))] * 2, 2, 1)
    CALLBACKS.call("on_image_grid", params)
    assert (len(params.imgs), params.cols, params.rows) == (2, 2, 1) and CALLBACKS.broken


def test_extensions_order_their_callbacks(tmp_path: Path) -> None:
    registry = CallbackRegistry()
    for name, metadata in {
        "one": "",
        "two": "[Extension]\nName = Second\n[callbacks/second]\nBefore = one/a.py/ui_tabs",
        "three": "",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "metadata.ini").write_text(metadata)
    ORDER.learn(tmp_path / name for name in ("one", "two", "three"))
    for name in ("one", "three", "two"):
        registry.add("on_ui_tabs", lambda name=name: name, file=str(tmp_path / name / "a.py"))
    assert registry.call("on_ui_tabs") == ["three", "two", "one"]
    assert [entry.name for entry in registry.callbacks("on_ui_tabs")] == ["three/a.py/ui_tabs", "second/a.py/ui_tabs", "one/a.py/ui_tabs"]
    registry.remove_for_script(tmp_path / "two" / "a.py")
    assert registry.call("on_ui_tabs") == ["one", "three"]


def test_one_that_fails_in_other_words_each_time_fills_no_memory() -> None:
    def fail() -> None:
        raise RuntimeError(f"at {object()!r} {len(CALLBACKS.broken)}")

    for _ in range(3 * MOST_FAULTS):
        CALLBACKS.add("on_ui_tabs", fail)
        CALLBACKS.call("on_ui_tabs")
    assert len(CALLBACKS.broken) == MOST_FAULTS
