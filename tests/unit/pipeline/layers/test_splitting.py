"""One layer becomes several, and the picture stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modules.base.errors import InvalidRequest
from modules.imaging.geometry import Box, Extent
from modules.imaging.layering.blend_mode import BlendMode
from modules.imaging.layering.placement import Placement
from modules.pipeline.layers.building import build
from modules.pipeline.layers.builtin.settling import Peeling
from modules.pipeline.layers.decomposing import Decomposition, Part, Pixels
from modules.pipeline.layers.document import LayerDocument, LayerKind
from modules.pipeline.layers.edits import apply
from modules.pipeline.layers.render import render
from modules.pipeline.layers.sources import MemorySources
from modules.pipeline.layers.splitting import picture_to_split, split

SIZE = Extent(90, 70)


def noise(height: int, width: int, seed: int, alpha: tuple[int, int] = (0, 256)) -> Pixels:
    rng = np.random.default_rng(seed)
    return np.dstack([rng.integers(0, 256, (height, width, 3)), rng.integers(*alpha, (height, width))]).astype(np.uint8)


def document(placement: Placement | None = None) -> tuple[LayerDocument, MemorySources]:
    """A full ground, a layer of every alpha, and one above it."""
    sources = MemorySources()
    parts = (
        Part(LayerKind.BACKGROUND, "background", Box(0, 0, 90, 70), noise(70, 90, 1, (255, 256))),
        Part(LayerKind.SUBJECT, "subject", Box(10, 20, 40, 30), noise(30, 40, 2)),
        Part(LayerKind.TEXT, "text", Box(30, 30, 30, 10), noise(10, 30, 3)),
    )
    made = build(Decomposition(parts), "x", SIZE, sources)
    if placement is None:
        return made, sources
    layers = (made.layers[0], replace(made.layers[1], placement=placement), made.layers[2])
    return replace(made, layers=layers), sources


def take_apart(picture: Pixels) -> Decomposition:
    """A square off the middle, exactly."""
    peeling = Peeling(picture)
    square = np.zeros_like(picture)
    square[8:20, 10:25] = picture[8:20, 10:25]
    behind = np.full_like(picture, 128)
    behind[..., 3] = picture[..., 3]
    peeling.lift(LayerKind.SUBJECT, "subject", square, behind)
    return Decomposition(peeling.finish(LayerKind.BACKGROUND, "background"))


@pytest.mark.parametrize(
    "placement",
    [
        None,
        Placement(left=-12, top=50),
        Placement(left=70, top=-8, is_flipped_x=True),
        Placement(left=3, top=4, is_flipped_y=True),
    ],
)
def test_the_picture_stays_to_the_bit(placement: Placement | None) -> None:
    made, sources = document(placement)
    layer = made.layers[1].id
    result, change = split(made, layer, take_apart(picture_to_split(made, layer, sources)), sources)
    assert change == 0
    assert np.array_equal(render(made, sources), render(result, sources))
    assert [one.name for one in result.layers] == ["background", "background 2", "subject", "text"]
    assert result.layers[0] == made.layers[0] and result.layers[3] == made.layers[2]


def test_a_turned_layer_changes_little_and_says_how_much() -> None:
    made, sources = document(Placement(left=20, top=20, scale_x=1.3, scale_y=1.3, rotation_deg=20))
    layer = made.layers[1].id
    result, change = split(made, layer, take_apart(picture_to_split(made, layer, sources)), sources)
    off = np.abs(render(made, sources).astype(int) - render(result, sources))
    assert change > 0 and off.mean() < 2
    moved = apply(result, {"op": "set", "layer": result.layers[2].id, "values": {"placement": {"left": 0.0}}}, sources)
    assert not np.array_equal(render(moved, sources), render(result, sources))


def test_what_followed_the_layer_follows_its_topmost_part() -> None:
    made, sources = document()
    layer = made.layers[1].id
    made = apply(made, {"op": "link", "layer": made.layers[2].id, "follows": layer}, sources)
    result, _ = split(made, layer, take_apart(picture_to_split(made, layer, sources)), sources)
    assert result.layers[3].follows == result.layers[2].id


def test_one_piece_stays_one() -> None:
    made, sources = document()
    whole = Decomposition((Part(LayerKind.BACKGROUND, "background", Box(0, 0, 40, 30), noise(30, 40, 2)),), comes_apart=False)
    with pytest.raises(InvalidRequest, match="one piece"):
        split(made, made.layers[1].id, whole, sources)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"opacity": 0.5}, "opacity"),
        ({"blend": BlendMode.SCREEN}, "blend"),
        ({"is_locked": True}, "not locked"),
        ({"source": None}, "only differences"),
    ],
)
def test_layers_that_cannot_be_repeated_are_refused(values: dict[str, object], words: str) -> None:
    made, sources = document()
    changed = replace(made, layers=(made.layers[0], replace(made.layers[1], **values), made.layers[2]))  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match=words):
        picture_to_split(changed, made.layers[1].id, sources)
