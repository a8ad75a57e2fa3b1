"""The built-in decomposer without its network: settling, names, settings, what does not come apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modules.backends.subject import SubjectNetwork
from modules.backends.text_reader import TextLine
from modules.base.errors import InvalidImage, InvalidRequest
from modules.imaging.layering.blend_mode import BlendMode
from modules.pipeline.layers.backend_settings import read_settings
from modules.pipeline.layers.builtin import decomposer
from modules.pipeline.layers.builtin.decomposer import SETTINGS, BuiltinDecomposer
from modules.pipeline.layers.builtin.lone_signs import is_likely
from modules.pipeline.layers.builtin.naming import Namer
from modules.pipeline.layers.builtin.settling import NotExact, Peeling, check_exact, compose, residual_of
from modules.pipeline.layers.builtin.things import Thing
from modules.pipeline.layers.decomposing import Interrupted
from modules.pipeline.layers.document import LayerKind
from modules.pipeline.layers.naming import shorten


class Watch:
    def __init__(self, stops: bool = False) -> None:
        self.told: list[tuple[float, str]] = []
        self._stops = stops

    def tell(self, share: float, doing: str) -> None:
        self.told.append((share, doing))

    def is_interrupted(self) -> bool:
        return self._stops


def without_network() -> BuiltinDecomposer:
    return BuiltinDecomposer(SubjectNetwork(Path("nowhere.onnx")))


def noise(height: int = 12, width: int = 15, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)


@pytest.mark.parametrize("mode", [BlendMode.NORMAL, BlendMode.MULTIPLY, BlendMode.SCREEN])
def test_whatever_is_lifted_the_parts_compose_to_the_picture(mode: BlendMode) -> None:
    picture = noise()
    peeling = Peeling(picture)
    over = noise(seed=2)
    over[:3, :, 3] = over[:, 10:, 3] = 0
    first = peeling.lift(LayerKind.SUBJECT, "subject", over, noise(seed=3), mode=mode)
    again = peeling.lift(LayerKind.SHADOW, "shadow", over, noise(seed=4), mode=BlendMode.MULTIPLY)
    peeling.link(again, first)
    peeling.lift_detail("texture", noise(seed=5))
    parts = peeling.finish(LayerKind.BACKGROUND, "background")
    assert [part.name for part in parts] == ["background", "texture", "shadow", "subject"]
    assert parts[2].caster == 3
    assert parts[3].box.edges == (0, 3, 10, 12)
    assert np.array_equal(compose(parts, picture.shape[:2]), picture)
    assert residual_of(parts, (12, 15)) > 0
    covered = parts[3].pixels[..., 3] > 0
    assert not parts[3].difference[~covered].any()


def test_parts_that_do_not_compose_to_the_picture_are_refused() -> None:
    peeling = Peeling(noise())
    parts = peeling.finish(LayerKind.BACKGROUND, "background")
    with pytest.raises(NotExact, match="1 values differ, by up to 1"):
        other = noise()
        other[2, 3, 1] ^= 1
        check_exact(parts, other)


def test_a_part_without_alpha_is_not_lifted() -> None:
    peeling = Peeling(noise())
    assert peeling.lift(LayerKind.SUBJECT, "subject", np.zeros((12, 15, 4), np.uint8), noise()) is None
    assert len(peeling.finish(LayerKind.BACKGROUND, "background")) == 1


def test_names_are_their_own_and_short() -> None:
    namer = Namer()
    assert [namer.name(LayerKind.SUBJECT) for _ in range(2)] == ["subject", "subject 2"]
    assert namer.name(LayerKind.SHADOW, of="subject 2") == "shadow of subject 2"
    assert namer.name(LayerKind.SHADOW, of="subject") == "shadow"
    assert namer.name(LayerKind.TEXT, "SALE") == "text: SALE"
    assert namer.name(LayerKind.TEXT, "sale") == "text: sale 2"
    assert namer.name(LayerKind.TEXT, " \n ") == "text"
    assert shorten("../a\x00b\u202ec") == ".. a b c"
    assert shorten("夏日" * 20) == "夏日" * 11 + "夏…"


@pytest.mark.parametrize(
    "given", [{"max_subjects": 0}, {"max_subjects": 1.5}, {"max_subjects": True}, {"texts": 1}, {"light": "moon"}, {"layers": 3}]
)
def test_settings_are_strict(given: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match=next(iter(given))):
        read_settings(SETTINGS, given)


def test_settings_take_whole_numbers_for_what_they_are_and_keep_defaults() -> None:
    read = read_settings(SETTINGS, {"max_subjects": 2.0, "light": "linear"})
    assert (read["max_subjects"], read["light"], read["texts"]) == (2, "linear", True)


def test_a_flat_picture_does_not_come_apart() -> None:
    picture = np.full((40, 50, 4), (200, 180, 160, 255), np.uint8)
    watch = Watch()
    found = without_network().decompose(picture, {"texts": False}, watch)
    assert not found.comes_apart
    assert [part.kind for part in found.parts] == [LayerKind.BACKGROUND]
    assert [note["key"] for note in found.notes] == ["without_network", "one_piece"]
    shares = [share for share, _ in watch.told]
    assert shares == sorted(shares) and shares[-1] == 1


def test_it_stops_when_asked() -> None:
    with pytest.raises(Interrupted):
        without_network().decompose(noise(), {}, Watch(stops=True))


@pytest.mark.parametrize("picture", [np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4, 4), np.uint8), np.zeros((4, 4, 4), np.float32)])
def test_what_is_no_picture_is_refused(picture: np.ndarray) -> None:
    with pytest.raises(InvalidImage):
        without_network().decompose(picture, {}, Watch())


@pytest.mark.parametrize(
    ("string", "score", "height", "is_text"),
    [
        ("8", 0.97, 90, False),
        ("O", 0.84, 20, False),
        ("8", 0.97, 20, True),
        ("OK", 0.6, 90, True),
        ("福", 0.99, 25, True),
        ("-", 0.5, 9, False),
    ],
)
def test_single_signs_have_to_be_sure_and_small(string: str, score: float, height: float, is_text: bool) -> None:
    quad = np.array([[0, 0], [50, 0], [50, height], [0, height]], np.float32)
    assert is_likely(TextLine(quad, string, score, 0.0), 100) == is_text


@pytest.mark.parametrize(("paints", "notes"), [(0, ["not_refined"]), (1, [])])
def test_what_lies_behind_is_refined_and_it_is_said_when_that_did_not_help(
    paints: int, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = np.full((64, 64, 4), (120, 130, 140, 255), np.uint8)
    picture[..., :3] += np.random.default_rng(1).integers(0, 12, (64, 64, 3), np.uint8)
    picture[20:40, 20:40, :3] = (200, 20, 30)
    alpha = np.zeros((64, 64), np.float32)
    alpha[20:40, 20:40] = 1
    things = [Thing(alpha, picture[..., :3].copy(), 0.9)]
    monkeypatch.setattr(decomposer, "find_things", lambda *_: things)
    monkeypatch.setattr(SubjectNetwork, "is_there", True)

    def refine(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.where(mask[..., None] > 0, rgb + paints, rgb).astype(np.uint8)

    made = BuiltinDecomposer(SubjectNetwork(Path("nowhere.onnx")), refine=refine)
    found = made.decompose(picture, {"texts": False, "texture": False, "refine": True}, Watch())
    assert [part.name for part in found.parts] == ["background", "subject"]
    assert [note["key"] for note in found.notes] == notes
    assert np.array_equal(compose(found.parts, (64, 64)), picture)
    below = found.parts[0].pixels
    assert below is not None and abs(int(below[30, 30, 0]) - 126) <= 8
