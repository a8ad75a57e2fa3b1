"""Captions as they are shown to the model: varied in wording, with a colour word now and then, sometimes dropped."""

from __future__ import annotations

import colorsys

import numpy as np

DROPPED = 0.10
COLOURED = 0.35

LIKE = {
    "the sea": ["the ocean", "sea water", "a beach and the sea", "waves"],
    "a forest": ["trees", "woods", "green trees in a forest"],
    "mountains": ["a mountain", "rocky mountains", "hills"],
    "a glacier": ["ice", "snow", "snow and ice", "an icy mountain"],
    "a street": ["a road", "a city street", "a street with houses"],
    "buildings in a city": ["buildings", "a building", "houses", "architecture"],
    "a cat": ["cat", "a kitten", "cat fur"],
    "a dog": ["dog", "a puppy", "dog fur"],
}
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


def vary_caption(caption: str, hole_rgb: np.ndarray, rng: np.random.Generator) -> str:
    """Reword a caption at random.

    Args:
        caption: As the data set gives it.
        hole_rgb: Mean colour of what the mask covers, three values in [0, 1].
        rng: Source of chance.

    Returns:
        The caption shown to the model; empty in one case of ten.
    """
    if rng.random() < DROPPED:
        return ""
    if rng.random() < 0.35:
        caption = str(rng.choice(LIKE.get(caption, [caption])))
    if rng.random() < 0.3:
        caption = caption.removeprefix("a ").removeprefix("the ")
    if rng.random() < COLOURED:
        colour = name_colour(hole_rgb)
        bare = caption.removeprefix("a ").removeprefix("the ")
        caption = str(rng.choice([f"{colour} {bare}", f"{bare}, {colour}", colour], p=[0.6, 0.25, 0.15]))
    if rng.random() < 0.15:
        caption = "a photo of " + caption
    return caption
