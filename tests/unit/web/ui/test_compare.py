from __future__ import annotations

import dataclasses

import pytest

from modules.imaging.heat_map import Change, Changes
from modules.runtime.comparison import Comparison
from modules.runtime.repair import Candidate, Way, describe
from modules.web.ui.compare import VIEWS, describe_facts, lay_out_views
from modules.web.ui.desk import read_facts
from modules.web.ui.notes import say_note
from modules.web.ui.texts import Texts

FOUND = Comparison("r" * 64, "s" * 64, "m" * 64, 640, 480, Changes(Change(900, 1000, 200, 31.234), Change(0, 5000, 0, 0.0)), 1.05)


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts.load()


def spoiled(pixels: int) -> Comparison:
    return dataclasses.replace(FOUND, changes=Changes(FOUND.changes.inside, Change(pixels, 5000, 7, 0.001)))


def test_a_clean_result_gets_two_green_badges(texts: Texts) -> None:
    said = describe_facts(texts, "en", FOUND)
    assert said.count("pm-fact-good") == 2
    assert "0 pixels changed outside the mask" in said and "Seam: invisible (1.05)" in said


@pytest.mark.parametrize(
    ("is_mask_replaced", "why"), [(True, "A script replaced the mask"), (False, "A script or a setting changed the picture")]
)
def test_drift_is_amber_with_number_and_reason(texts: Texts, is_mask_replaced: bool, why: str) -> None:
    said = describe_facts(texts, "en", spoiled(1234), is_mask_replaced=is_mask_replaced)
    assert "pm-fact-fair" in said and "1,234 pixels changed outside the mask" in said and why in said


def test_what_cannot_be_compared_is_said(texts: Texts) -> None:
    assert "another size" in describe_facts(texts, "en", None)
    assert "No mask" in describe_facts(texts, "en", dataclasses.replace(FOUND, mask=None, seam=None))
    assert lay_out_views(texts, "en", None) == ""


def test_views_carry_the_ids_and_numbers(texts: Texts) -> None:
    said = lay_out_views(texts, "zh-CN", spoiled(3))
    assert all(f'data-view="{view}"' in said for view in VIEWS)
    assert f'data-start="{"s" * 64}"' in said and 'data-width="640"' in said
    assert "蒙版内：1,000 个像素中有 900 个改变，最大 200，平均 31.23" in said
    assert "平均 &lt; 0.01" in said


@pytest.mark.parametrize("best", list(Way))
def test_notes_of_a_repair_are_said_in_the_language(texts: Texts, best: Way) -> None:
    picture = None
    candidates = [Candidate(way, picture, score) for way, score in zip(Way, (2.31, 1.05, 1.2), strict=True)]  # type: ignore[arg-type]
    note = describe(candidates, candidates[list(Way).index(best)])
    for language in ("en", "zh-CN"):
        said = say_note(texts, language, note)
        assert said != note and all(score in said for score in ("2.31", "1.05", "1.20"))


def test_facts_of_a_result_that_tells_little() -> None:
    class Bare:
        images = ("a", "b")

    assert read_facts(Bare(), 1) == {"number": 1, "seam": None, "is_mask_replaced": False}


def test_two_checkpoints_are_offered_under_the_slider_with_their_names_escaped(texts: Texts) -> None:
    versus = {"left": "a" * 64, "right": "b" * 64, "names": ["<one>", "two"]}
    for found in (FOUND, None):
        page = lay_out_views(texts, "en", found, versus)
        assert page.count('data-view="gallery"') == page.count('data-view="models"') == 1
        assert 'data-left-name="&lt;one&gt;"' in page and f'data-right="{"b" * 64}"' in page
        assert page.count('data-view="compare"') == (found is not None)
    assert lay_out_views(texts, "en", None) == ""
