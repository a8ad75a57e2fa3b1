"""Captions as they are shown to the model: varied in wording, English or Chinese, with a colour word now and then, sometimes dropped."""

from __future__ import annotations

import colorsys

import numpy as np

from .words import CHINESE, COARSE, COLOURS, GENERAL, SHADES, SYNONYMS

DROPPED = 0.10
COLOURED = 0.35
CHINESE_SHARE = 0.30
SYNONYM_SHARE = 0.45
GENERAL_SHARE = 0.60
PHOTO_SHARE = 0.15
HUES = [
    (0.04, "red"),
    (0.11, "orange"),
    (0.19, "yellow"),
    (0.44, "green"),
    (0.52, "turquoise"),
    (0.70, "blue"),
    (0.82, "purple"),
    (0.95, "pink"),
    (1.01, "red"),
]
_ARTICLES = ("a ", "an ", "the ", "some ")
_SYNONYMS = {caption: group for group in SYNONYMS for caption in group.members}
_GENERAL = {caption: group for group in GENERAL for caption in group.members}
_COARSE = {caption: name for name, captions in COARSE.items() for caption in captions}


def name_colour(rgb: np.ndarray) -> str:
    """Name a colour.

    Args:
        rgb: Three values in [0, 1].
    """
    hue, saturation, value = colorsys.rgb_to_hsv(*(float(v) for v in rgb))
    if value < 0.16:
        return "black"
    if saturation < 0.15:
        return "white" if value > 0.8 else "light grey" if value > 0.6 else "grey" if value > 0.35 else "dark grey"
    name = next(name for limit, name in HUES if hue < limit)
    if name == "orange" and value < 0.6:
        return "brown"
    if value < 0.38:
        return f"dark {name}"
    return f"light {name}" if saturation < 0.35 and value > 0.65 else name


def colour_in_chinese(name: str) -> str:
    """Translate what `name_colour` returns."""
    *shade, colour = name.split()
    return "".join(SHADES[word] for word in shade) + COLOURS[colour]


def without_article(words: str) -> str:
    """Return `words` less a leading article."""
    return next((words[len(article) :] for article in _ARTICLES if words.startswith(article)), words)


def coarse_class(caption: str) -> str:
    """Return the everyday class of a photo's caption, one of about 35: every kind of apple is "apple", every carton of milk "milk"."""
    if caption in _COARSE:
        return _COARSE[caption]
    group = _GENERAL.get(caption)
    if group is None or len(group.members) == 1:
        return without_article(caption)
    return next(word for word in group.english if not word.startswith(_ARTICLES))


def in_english(caption: str, rng: np.random.Generator) -> str:
    """Return the caption, or a random word of the same or a wider meaning."""
    for groups, share in ((_GENERAL, GENERAL_SHARE), (_SYNONYMS, SYNONYM_SHARE)):
        if caption in groups and rng.random() < share:
            return _pick(groups[caption].english, rng)
    return caption


def in_chinese(caption: str, rng: np.random.Generator) -> str:
    """Return the caption in random Chinese words; "" where none are known."""
    if caption in CHINESE and rng.random() >= GENERAL_SHARE:
        return CHINESE[caption]
    group = _GENERAL.get(caption) or _SYNONYMS.get(caption)
    return _pick(group.chinese, rng) if group else CHINESE.get(caption, "")


def vary_caption(caption: str, hole_rgb: np.ndarray, rng: np.random.Generator, caption_zh: str = "", dropped: float = DROPPED) -> str:
    """Reword a caption at random.

    Args:
        caption: As the data set gives it.
        hole_rgb: Mean colour of what the mask covers, three values in [0, 1].
        rng: Source of chance.
        caption_zh: The same in Chinese, where the data set has it; otherwise our own table is asked.
        dropped: Chance of no caption at all.

    Returns:
        The caption shown to the model: in three cases of ten Chinese, where known.
    """
    if rng.random() < dropped:
        return ""
    colour = name_colour(hole_rgb) if rng.random() < COLOURED else ""
    if rng.random() < CHINESE_SHARE:
        chinese = caption_zh or in_chinese(caption, rng)
        if chinese:
            return _word_chinese(chinese, colour, rng)
    return _word_english(in_english(caption, rng), colour, rng)


def _word_english(words: str, colour: str, rng: np.random.Generator) -> str:
    bare = without_article(words)
    if colour:
        words = _pick((f"{colour} {bare}", f"a {colour} {bare}", f"{bare}, {colour}", colour), rng, (0.4, 0.2, 0.25, 0.15))
    elif rng.random() < 0.3:
        words = bare
    return f"{_pick(('a photo of', 'a picture of', 'photo of'), rng)} {words}" if rng.random() < PHOTO_SHARE else words


def _word_chinese(words: str, colour: str, rng: np.random.Generator) -> str:
    if colour:
        colour = colour_in_chinese(colour)
        words = _pick((f"{colour}的{words}", f"{colour}{words}", f"{words}，{colour}", colour), rng, (0.45, 0.15, 0.25, 0.15))
    return _pick((f"{words}的照片", f"一张{words}的照片"), rng) if rng.random() < PHOTO_SHARE else words


def _pick(choices: tuple[str, ...], rng: np.random.Generator, chances: tuple[float, ...] | None = None) -> str:
    if chances is None:
        return choices[int(rng.integers(len(choices)))]
    return choices[min(int(np.searchsorted(np.cumsum(chances), rng.random(), side="right")), len(choices) - 1)]
