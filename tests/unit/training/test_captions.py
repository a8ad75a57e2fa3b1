"""Wording of captions in English and Chinese."""

from __future__ import annotations

import collections

import numpy as np
import pytest

from models.training import captions, words

GREY = np.array([0.5, 0.5, 0.5])


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def shares(caption: str, chinese: str = "", count: int = 3000) -> tuple[float, float]:
    """Shares of empty and of Chinese wordings."""
    rng = np.random.default_rng(0)
    found = [captions.vary_caption(caption, GREY, rng, chinese) for _ in range(count)]
    return found.count("") / count, sum(map(is_chinese, found)) / count


def test_a_tenth_is_empty_and_a_third_of_the_rest_chinese():
    empty, chinese = shares("the sea")
    assert abs(empty - 0.10) < 0.02
    assert abs(chinese - 0.27) < 0.03


def test_what_has_no_chinese_name_stays_english():
    assert shares("an unheard-of thing")[1] == 0
    assert shares("an unheard-of thing", "怪物")[1] > 0.2


def test_the_share_of_dropped_captions_can_be_chosen():
    rng = np.random.default_rng(1)
    assert all(captions.vary_caption("a dog", GREY, rng, dropped=0.0) for _ in range(300))


def test_groceries_are_mostly_called_by_the_everyday_word():
    rng = np.random.default_rng(2)
    found = collections.Counter("royal gala" in captions.in_english("royal gala apple", rng) for _ in range(1000))
    assert 0.55 < found[False] / 1000 < 0.65


@pytest.mark.parametrize("caption", [caption for group in words.SYNONYMS + words.GENERAL for caption in group.members])
def test_every_caption_of_the_photos_has_chinese_words(caption):
    rng = np.random.default_rng(3)
    assert all(is_chinese(captions.in_chinese(caption, rng)) for _ in range(5))


def test_captions_belong_to_one_group():
    members = [caption for group in words.SYNONYMS + words.GENERAL for caption in group.members]
    assert len(members) == len(set(members))
    assert set(words.CHINESE) <= set(members)


@pytest.mark.parametrize(
    ("caption", "name"),
    [
        ("royal gala apple", "apple"),
        ("anjou pear", "pear"),
        ("garant ecological standard milk", "milk"),
        ("tropicana juice smooth", "juice"),
        ("arla sour cream", "yoghurt"),
        ("a long-sleeved shirt", "shirt"),
        ("the sea", "sea"),
        ("a cat", "cat"),
        ("buildings in a city", "buildings in a city"),
    ],
)
def test_coarse_classes(caption, name):
    assert captions.coarse_class(caption) == name


def test_there_are_few_coarse_classes():
    members = [caption for group in words.SYNONYMS + words.GENERAL for caption in group.members]
    assert 25 <= len({captions.coarse_class(caption) for caption in members}) <= 40


@pytest.mark.parametrize(("english", "chinese"), [("red", "红色"), ("light blue", "浅蓝色"), ("dark grey", "深灰色")])
def test_colours_in_chinese(english, chinese):
    assert captions.colour_in_chinese(english) == chinese


def test_every_colour_has_a_chinese_name():
    for rgb in np.random.default_rng(4).random((500, 3)):
        assert is_chinese(captions.colour_in_chinese(captions.name_colour(rgb)))
