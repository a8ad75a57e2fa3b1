from __future__ import annotations

import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from tests.unit.scripts.conftest import RunScript

TITLE = "img2img alternative test"


def test_what_is_overridden(run_script: RunScript) -> None:
    made = run_script(
        TITLE, ["", True, True, "a cat", "dark", True, 6, True], sampler_name="DPM++ 2M", prompt="a dog", denoising_strength=0.4
    )
    (run,) = made.runs
    assert (run["sampler_name"], run["prompt"], run["steps"], run["denoising_strength"]) == ("Euler", "a cat", 6, 1.0)
    text = made.processed.images[0].info["parameters"]
    assert "Decode prompt: a cat, Decode negative prompt: dark, Decode CFG scale: 1.0, Decode steps: 6, Randomness: 0.0" in text


def test_what_is_kept(run_script: RunScript) -> None:
    made = run_script(
        TITLE, ["", False, False, "a cat", "", False, 6, False], sampler_name="DPM++ 2M", prompt="a dog", denoising_strength=0.4, steps=5
    )
    (run,) = made.runs
    assert (run["sampler_name"], run["prompt"], run["steps"], run["denoising_strength"]) == ("DPM++ 2M", "a dog", 5, 0.4)


def test_every_argument_changes_the_picture(run_script: RunScript) -> None:
    base = ["", True, True, "a cat", "", True, 6, True, 1.0, 0.0, False]
    variants = [
        base,
        *([*base[:place], value, *base[place + 1 :]] for place, value in ((3, "dog"), (6, 4), (8, 5.0), (9, 0.5), (10, True))),
    ]
    pictures = {run_script(TITLE, args).processed.images[0].tobytes() for args in variants}
    assert len(pictures) == len(variants)


def test_the_noise_is_found_once_for_all_iterations(run_script: RunScript) -> None:
    args = ["", True, True, "a cat", "", True, 6, True, 1.0, 0.5]
    one = run_script(TITLE, args)
    several = run_script(TITLE, args, n_iter=2, batch_size=2)
    calls = one.context.fake.predict_calls
    assert several.context.fake.predict_calls == 6 + 2 * (calls - 6)
    assert [image.info["parameters"].count("Seed") for image in several.processed.images] == [1] * 4
    assert len({image.tobytes() for image in several.processed.images}) == 4
    assert "sample" not in vars(several.p)


def test_with_a_mask_and_an_interruption(run_script: RunScript) -> None:
    hole = Image.new("L", (64, 64))
    hole.paste(255, (16, 16, 48, 48))
    masked = run_script(TITLE, ["", True, True, "a cat"], image_mask=hole, mask_blur=0, inpaint_full_res=False)
    assert masked.processed.changed_outside_mask == [0]
    stopped = run_script(TITLE, [], stop_after=3)
    assert stopped.processed.is_interrupted and len(stopped.processed.images) == 1


@pytest.mark.parametrize("args", [["", 1, 1, "", "", 1, 0], ["", 1, 1, "", "", 1, 5, 1, "x"], ["", 1, 1, "", "", 1, 5, 1, 1, 1.5]])
def test_arguments_that_cannot_be_used_are_named(run_script: RunScript, args: list[object]) -> None:
    with pytest.raises(InvalidRequest, match=rf"script_args\[{len(args) - 1}\]"):
        run_script(TITLE, args)
