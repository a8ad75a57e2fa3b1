"""Prompt matrix, and Prompts from file or textbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.settings.options import Options
from tests.unit.scripts.conftest import RunScript

MATRIX, FROM_FILE = "Prompt matrix", "Prompts from file or textbox"
PARTS = "a cat|red,|in snow"
CHOICES = ["a cat", "a cat, red", "a cat, in snow", "a cat, red, in snow"]


def test_a_matrix_has_every_choice_of_parts(run_script: RunScript) -> None:
    made = run_script(MATRIX, [], prompt=PARTS, negative_prompt="blue")
    assert made.processed.all_prompts == CHOICES and made.processed.all_seeds == [5] * 4
    assert made.processed.index_of_first_image == 1 and len(made.processed.images) == 5
    for choice, picture in zip(CHOICES, made.processed.pictures, strict=True):
        alone = run_script("", [], prompt=choice, negative_prompt="blue").processed
        assert picture.tobytes() == alone.images[0].tobytes()
        assert picture.info["parameters"] == alone.images[0].info["parameters"]


@pytest.mark.parametrize(
    ("args", "prompts", "negatives", "seeds"),
    [
        ([True, True], ["a cat", "red, a cat", "in snow, a cat", "red, in snow, a cat"], ["x|y"] * 4, [5, 6, 7, 8]),
        ([False, False, "negative", "space"], [PARTS] * 2, ["x", "x y"], [5, 5]),
        ([False, False, "Positive", "space"], [choice.replace(",", "") for choice in CHOICES], ["x|y"] * 4, [5] * 4),
    ],
)
def test_values_of_a_matrix(run_script: RunScript, args: list[Any], prompts: list[str], negatives: list[str], seeds: list[int]) -> None:
    made = run_script(MATRIX, args, prompt=PARTS, negative_prompt="x|y").processed
    assert (made.all_prompts, made.all_negative_prompts, made.all_seeds) == (prompts, negatives, seeds)


def test_the_batch_size_changes_no_picture_of_a_matrix(run_script: RunScript) -> None:
    one, three = (run_script(MATRIX, [], prompt=PARTS, batch_size=size) for size in (1, 3))
    assert three.all("batch_size") == [2] and three.all("n_iter") == [2]
    assert [picture.tobytes() for picture in one.processed.images] == [picture.tobytes() for picture in three.processed.images]


def test_an_interrupted_matrix_shows_what_was_made_in_its_place(run_script: RunScript) -> None:
    made = run_script(MATRIX, [False, False, "positive", "comma", 4], prompt=PARTS, stop_after=3).processed
    assert made.is_interrupted and len(made.pictures) == 2 and len(made.infotexts) == len(made.images) == 3
    whole = run_script(MATRIX, [False, False, "positive", "comma", 4], prompt=PARTS).processed
    assert made.images[0].size == whole.images[0].size


def test_a_matrix_is_saved_once(run_script: RunScript) -> None:
    made = run_script(MATRIX, [], prompt="a|b", do_not_save_samples=False, do_not_save_grid=False)
    assert len(made.context.saved) == 3 and [str(path) for path in made.processed.paths] == [
        str(path) for path in [made.context.saved[-1], *made.context.saved[:2]]
    ]
    with Image.open(made.context.saved[-1]) as grid:
        assert grid.info["parameters"].startswith("a\n")
    hidden = run_script(MATRIX, [], prompt="a|b", options=Options(return_grid=False)).processed
    assert hidden.index_of_first_image == 0 and len(hidden.images) == 2


def test_a_matrix_that_would_be_too_large_is_refused_before_the_first_picture(run_script: RunScript) -> None:
    with pytest.raises(InvalidRequest, match="prompt: got .10 parts"):
        run_script(MATRIX, [], prompt="|" * 10)
    with pytest.raises(InvalidRequest, match="grid: got '256 pictures of 64x64"):
        run_script(MATRIX, [], prompt="|" * 8, options=Options(img_max_size_mp=1))


def test_every_line_is_a_run(run_script: RunScript) -> None:
    lines = ["a cat", "", '--prompt "a dog" --steps 3 --seed 9 --negative_prompt ugly thing --cfg_scale 2.5 --tiling yes', " an owl "]
    made = run_script(FROM_FILE, [False, False, "start", "\n".join(lines)], prompt="painted", negative_prompt="bad")
    assert made.all("prompt") == ["a cat painted", "a dog painted", "an owl painted"]
    assert made.all("steps") == [2, 3, 2] and made.all("seed") == [5, 9, 5]
    assert made.processed.all_negative_prompts == ["bad", "ugly thing bad", "bad"] and made.processed.all_seeds == [5, 9, 5]
    fields = {"prompt": "a dog painted", "negative_prompt": "ugly thing bad", "steps": 3, "seed": 9, "cfg_scale": 2.5, "tiling": True}
    alone = run_script("", [], **fields).processed
    assert made.processed.images[1].tobytes() == alone.images[0].tobytes() and made.processed.infotexts[1] == alone.info


def test_where_the_common_prompt_goes_and_how_seeds_run(run_script: RunScript) -> None:
    made = run_script(FROM_FILE, [True, False, "end", "a\nb\n--prompt c --seed 3\nd"], prompt="x", batch_size=2)
    assert made.all("prompt") == ["x a", "x b", "x c", "x d"] and made.all("seed") == [5, 7, 3, 11]
    assert [
        len(run_script(FROM_FILE, [False, False, "start", "a\nb"], prompt="x", **one).processed.images) for one in ({"n_iter": 2},)
    ] == [4]
    same = run_script(FROM_FILE, [False, True, "start", "a\nb"], seed=-1).all("seeds")
    assert same[0] == same[1]
    first, second = run_script(FROM_FILE, [False, False, "start", "a\nb"], seed=-1).all("seeds")
    assert first != second


def test_an_interruption_keeps_finished_lines(run_script: RunScript) -> None:
    made = run_script(FROM_FILE, [False, False, "start", "a\nb\nc"], stop_after=3)
    assert len(made.runs) == 2 and len(made.processed.images) == 2 and made.processed.is_interrupted


def test_paths_of_lines_stay_inside_the_data_folder(run_script: RunScript, tmp_path: Path) -> None:
    made = run_script(FROM_FILE, [False, False, "start", "--prompt a --outpath_samples outputs/mine"], do_not_save_samples=False)
    assert made.context.saved[0].is_relative_to(tmp_path / "outputs" / "mine") and made.processed.paths == made.context.saved
    with pytest.raises(Exception, match="evil"):
        run_script(FROM_FILE, [False, False, "start", "--prompt a --outpath_samples ../evil"], do_not_save_samples=False)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("a\n--prompt b --stepz 4", "line 2: got '--stepz', wanted one of --"),
        ("--prompt a --steps many", "line 1, --steps: got 'many'"),
        ("--prompt a --steps", "line 1: got '--steps', wanted a value"),
        ("--prompt 'a", "line 1: .* quotes in pairs"),
        ("--tiling maybe", "line 1, --tiling: got 'maybe', wanted true or false"),
        ("a\n\n--prompt b --steps 0", "steps: got 0"),
        ("a\n--prompt b --sampler_name Nobody", "sampler_name: got 'Nobody'"),
        ("--sampler_index 999", "line 1, --sampler_index: got '999'"),
        ("  \n", "1 to 1000 lines"),
        ("", "1 to 1000 lines"),
    ],
)
def test_lines_that_cannot_be_used_are_named_before_the_first_picture(run_script: RunScript, lines: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        run_script(FROM_FILE, [False, False, "start", lines], stop_after=0)
