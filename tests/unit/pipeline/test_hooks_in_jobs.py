"""What a job does with what scripts' hooks change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.plugins.hooks import SCRIPT_HOOKS
from modules.plugins.runner import ScriptRunner
from modules.plugins.script import Script
from tests.unit.pipeline.conftest import Run

JOB_HOOKS = [hook.name for hook in SCRIPT_HOOKS if hook.is_called and hook.signature.startswith("p,")]


class Everywhere(Script):
    """Notes every hook's name; `changes` are called with the hook's arguments."""

    def __init__(self, **changes: Any) -> None:
        self.called: list[str] = []
        for hook in JOB_HOOKS:
            setattr(self, hook, self._noting(hook, changes.get(hook)))

    def title(self) -> str:
        return "Everywhere"

    def _noting(self, name: str, change: Any) -> Any:
        def call(p: Any, *args: Any, **named: Any) -> None:
            self.called.append(name)
            if change is not None:
                change(p, *args, **named)

        return call


@pytest.fixture
def asked(mask: Image.Image) -> dict[str, Any]:
    return {"image_mask": mask, "inpainting_fill": 1, "inpaint_full_res": False}


def test_hooks_are_called_in_the_order_of_the_table(run: Run, asked: dict[str, Any]) -> None:
    script = Everywhere()
    run(scripts=ScriptRunner([], [script]), **asked)
    assert list(dict.fromkeys(script.called)) == JOB_HOOKS
    assert script.called.count("setup") == 1 and script.called.count("on_mask_blend") > 1


def test_a_job_that_comes_again_is_set_up_once(run: Run, asked: dict[str, Any]) -> None:
    script = Everywhere()
    runner = ScriptRunner([], [script])
    run(scripts=runner, scripts_setup_complete=True, **asked)
    assert "setup" not in script.called


def test_changes_behind_the_overlay_are_counted(run: Run, asked: dict[str, Any]) -> None:
    def spoil(p: Any, pp: Any, *args: Any) -> None:
        pp.image = pp.image.copy()
        pp.image.paste((1, 2, 3), (0, 0, 2, 3))

    processed, _ = run(scripts=ScriptRunner([], [Everywhere(postprocess_image_after_composite=spoil)]), **asked)
    assert processed.changed_outside_mask == [6] and not processed.is_mask_replaced


def test_a_mask_of_a_script_is_told(run: Run, asked: dict[str, Any]) -> None:
    def hide(p: Any, ppmo: Any, *args: Any) -> None:
        ppmo.mask_for_overlay = Image.new("L", ppmo.mask_for_overlay.size)
        ppmo.overlay_image = p.init_images[0].convert("RGBA")

    processed, _ = run(scripts=ScriptRunner([], [Everywhere(postprocess_maskoverlay=hide)]), **asked)
    assert processed.changed_outside_mask == [0] and processed.is_mask_replaced
    assert processed.as_info()["pentimento"]["is_mask_replaced"] is True


@pytest.mark.parametrize("hook", JOB_HOOKS)
def test_a_hook_that_breaks_costs_no_picture(run: Run, asked: dict[str, Any], hook: str) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("third party")

    plain, _ = run(**asked)
    processed, _ = run(scripts=ScriptRunner([], [Everywhere(**{hook: fail})]), **asked)
    assert processed.images[0].tobytes() == plain.images[0].tobytes()
    assert processed.notes == [f"Script Everywhere failed in {hook} and was skipped: RuntimeError: third party"]


def test_pictures_that_a_script_adds_are_results_but_not_of_the_job(run: Run, asked: dict[str, Any]) -> None:
    def add(p: Any, processed: Any, *args: Any) -> None:
        processed.images.append(Image.new("L", (3, 2)))
        processed.images.extend([np.zeros((2, 3, 3), dtype=np.uint8)])

    processed, _ = run(scripts=ScriptRunner([], [Everywhere(postprocess=add)]), batch_size=3, do_not_save_grid=True, **asked)
    assert [processed.picture_number(index) for index in range(5)] == [0, 1, 2, None, None]
    assert processed.images[4].size == (3, 2) and len(processed.pictures) == 3 and processed.js() and not processed.notes


@pytest.mark.parametrize("junk", [{"images": None}, {"images": ["x"]}, {"infotexts": 42}, {"infotexts": [None]}])
def test_results_that_are_none_are_put_back(run: Run, asked: dict[str, Any], junk: dict[str, Any]) -> None:
    def spoil(p: Any, processed: Any, *args: Any) -> None:
        vars(processed).update(junk)

    plain, _ = run(**asked)
    processed, _ = run(scripts=ScriptRunner([], [Everywhere(postprocess=spoil)]), **asked)
    assert (processed.images, processed.infotexts) == (plain.images, plain.infotexts)
    assert len(processed.notes) == 1 and "failed in postprocess and was skipped" in processed.notes[0]


@pytest.mark.parametrize(
    ("hook", "junk"),
    [
        ("post_sample", {"samples": None}),
        ("postprocess_batch_list", {"images": ["not a picture"]}),
        ("postprocess_batch_list", {"images": None}),
        ("postprocess_image", {"image": None}),
        ("postprocess_maskoverlay", {"mask_for_overlay": 7}),
        ("postprocess_maskoverlay", {"overlay_image": "x"}),
        ("postprocess_image_after_composite", {"image": "x"}),
        ("on_mask_blend", {"blended_latent": None}),
    ],
)
def test_junk_in_a_hooks_arguments_is_put_back(run: Run, asked: dict[str, Any], hook: str, junk: dict[str, Any]) -> None:
    def spoil(p: Any, handed: Any, *args: Any, **named: Any) -> None:
        vars(handed).update(junk)

    plain, _ = run(**asked)
    processed, _ = run(scripts=ScriptRunner([], [Everywhere(**{hook: spoil})]), **asked)
    assert processed.images == plain.images
    assert len(processed.notes) == 1 and f"failed in {hook} and was skipped: TypeError" in processed.notes[0]
