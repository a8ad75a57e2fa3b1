"""The model's layers at the picture's own size: exact, named, with edges where the picture has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from skimage import data

from modules.backends.layered.request import LayeredRequest
from modules.backends.subject import SubjectNetwork
from modules.backends.text_reader import TextLine, TextReader
from modules.base.errors import InvalidRequest, MissingModel, UnknownName
from modules.imaging.lifting.upsampling import guide_upsampling, upsample_color
from modules.pipeline.layers.builtin.settling import compose
from modules.pipeline.layers.decomposing import Decomposition, Interrupted, Pixels
from modules.pipeline.layers.document import LayerKind
from modules.pipeline.layers.qwen.decomposer import QwenDecomposer, drop_repeated

WORKING = (160, 240)
NETWORK = SubjectNetwork(Path("nowhere.onnx"))


class Silent:
    """A watch; `steps` tells what it was told."""

    def __init__(self, stop_at: float = 2.0) -> None:
        self.steps: list[tuple[float, str]] = []
        self._stop_at = stop_at

    def tell(self, share: float, doing: str) -> None:
        self.steps.append((share, doing))

    def is_interrupted(self) -> bool:
        return bool(self.steps) and self.steps[-1][0] >= self._stop_at


class Reader(TextReader):
    """Reads what it was told, from layers that are no larger than it."""

    def __init__(self, lines: list[TextLine]) -> None:
        super().__init__()
        self._lines = lines

    def why_not(self) -> str:
        return ""

    def read(self, rgb: Pixels) -> list[TextLine]:
        return self._lines if (np.abs(rgb.astype(int) - rgb[0, 0]).sum(axis=2) > 60).mean() < 0.1 else []


class Painter:
    """Answers with given layers, as the model does: small, and not quite the truth."""

    def __init__(self, layers: list[Pixels]) -> None:
        self.layers, self.asked = layers, []

    def run(
        self, picture: Pixels, request: LayeredRequest, on_step: Callable[[int, int], None], is_interrupted: Callable[[], bool]
    ) -> list[Pixels] | None:
        self.asked.append(request)
        for step in range(1, 3):
            on_step(step, 2)
            if is_interrupted():
                return None
        return self.layers


def disc(height: int, width: int, row: float, column: float, radius: float) -> np.ndarray:
    """(height, width) float32 alpha of a disc with an edge of two pixels; numbers are shares of the height."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot(rows - row * height, columns - column * height)
    return np.clip((radius * height - away) / 2 + 0.5, 0, 1).astype(np.float32)


def scene() -> tuple[Pixels, np.ndarray]:
    """A red disc on a photo, and the disc's alpha."""
    ground = data.coffee().astype(np.float32)
    alpha = disc(*ground.shape[:2], 0.5, 0.7, 0.25)
    picture = ground + alpha[..., None] * (np.array([200, 30, 40], np.float32) - ground)
    return np.dstack([np.rint(picture), np.full(alpha.shape, 255)]).astype(np.uint8), alpha


def painted(alpha: np.ndarray) -> list[Pixels]:
    """The scene's layers as a model gives them: bottom, disc, an empty one, and the disc again."""
    small = cv2.resize(alpha, WORKING[::-1], interpolation=cv2.INTER_AREA)
    ground = cv2.resize(data.coffee(), WORKING[::-1], interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(0).normal(0, 3, (*WORKING, 3))
    bottom = np.dstack([np.clip(ground + noise, 0, 255), np.full(WORKING, 254)]).astype(np.uint8)
    red = np.dstack([np.clip(np.array([205, 35, 38]) + noise, 0, 255), np.clip(small * 255 + 2, 0, 252)]).astype(np.uint8)
    return [bottom, red, np.zeros((*WORKING, 4), np.uint8), red]


def take_apart(layers: list[Pixels], picture: Pixels, watch: Silent | None = None, lines: list[TextLine] | None = None) -> Decomposition:
    folder = Path(__file__).parent
    decomposer = QwenDecomposer(folder, Painter(layers), folder, NETWORK, Reader(lines or []))
    decomposer.why_not = lambda: ""  # type: ignore[method-assign]
    return decomposer.decompose(picture, {"layers": len(layers), "prompt": "a cup"}, watch or Silent())


def test_the_layers_compose_to_the_picture_and_nothing_hides_in_the_residual() -> None:
    picture, alpha = scene()
    made = take_apart(painted(alpha), picture)
    assert np.array_equal(compose(made.parts, picture.shape[:2]), picture)
    print(f"\nresidual {made.residual:.3f} of 255")
    assert made.residual < 0.5
    assert made.comes_apart
    assert {"key": "dropped", "layers": 2} in made.notes


def test_layers_come_back_at_full_size_with_the_pictures_edges() -> None:
    picture, truth = scene()
    small = cv2.resize(truth, WORKING[::-1], interpolation=cv2.INTER_AREA)
    guided = guide_upsampling(small, np.ascontiguousarray(picture[..., :3]))
    plain = cv2.resize(small, truth.shape[::-1], interpolation=cv2.INTER_CUBIC)
    band = cv2.dilate(((truth > 0) & (truth < 1)).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    errors = [float(np.abs(found - truth)[band].mean()) for found in (guided, plain)]
    print(f"\nalpha error at the edge: guided {errors[0]:.4f}, enlarged alone {errors[1]:.4f}")
    assert errors[0] < errors[1]
    assert np.abs(guided - truth)[~band].max() < 0.1


def test_without_the_disc_the_painted_ground_is_there() -> None:
    picture, alpha = scene()
    bottom, *_ = take_apart(painted(alpha), picture).parts
    assert bottom.pixels is not None
    hidden = alpha > 0.9
    assert np.abs(bottom.pixels[..., :3].astype(int) - data.coffee())[hidden].mean() < 12
    far = cv2.erode((alpha == 0).astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    assert np.array_equal(bottom.pixels[far][:, :3], data.coffee()[far])


def test_kinds_and_names() -> None:
    picture, alpha = scene()
    words = np.zeros((*WORKING, 4), np.uint8)
    cv2.putText(words, "SALE", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 240, 20, 255), 2)
    quad = np.array([[8, 14], [90, 14], [90, 46], [8, 46]], np.float32)
    made = take_apart([*painted(alpha)[:2], words], picture, lines=[TextLine(quad, "SALE", 0.9, 0.0)])
    assert [part.kind for part in made.parts] == [LayerKind.BACKGROUND, LayerKind.SUBJECT, LayerKind.TEXT]
    assert [part.name for part in made.parts] == ["background", "subject", "text: SALE"]
    text = made.parts[2].text
    assert text is not None and text.string == "SALE"
    assert text.size_px == pytest.approx(32 * picture.shape[0] / WORKING[0])


def test_a_model_that_paints_the_picture_once_found_nothing() -> None:
    picture, alpha = scene()
    made = take_apart(painted(alpha)[:1], picture)
    assert not made.comes_apart
    assert made.notes == ({"key": "one_piece"},)
    assert made.parts[0].pixels is not None and np.array_equal(made.parts[0].pixels, picture)


def test_nothing_at_all_was_painted() -> None:
    picture, _ = scene()
    made = take_apart([np.zeros((*WORKING, 4), np.uint8)], picture)
    assert not made.comes_apart and np.array_equal(compose(made.parts, picture.shape[:2]), picture)


def test_a_picture_with_alpha_stays_exact() -> None:
    picture, alpha = scene()
    picture[:100, :100, 3] = 0
    picture[100:200, :300, 3] = 90
    assert np.array_equal(compose(take_apart(painted(alpha), picture).parts, picture.shape[:2]), picture)


def test_steps_are_told_and_an_interruption_is_heard() -> None:
    picture, alpha = scene()
    watch = Silent()
    take_apart(painted(alpha), picture, watch)
    assert watch.steps[1:3] == [(0.45, "painting"), (0.9, "painting")]
    assert watch.steps[-1] == (1.0, "settling")
    for stop_at in (0.45, 0.9):
        with pytest.raises(Interrupted):
            take_apart(painted(alpha), picture, Silent(stop_at))


def test_bad_settings_are_named() -> None:
    picture, _ = scene()
    folder = Path(__file__).parent
    decomposer = QwenDecomposer(folder, Painter([]), folder, NETWORK, Reader([]))
    for settings, error in (({"layers": 0}, InvalidRequest), ({"resolution": "800"}, InvalidRequest), ({"layer": 4}, UnknownName)):
        with pytest.raises(error):
            decomposer.decompose(picture, settings, Silent())


def test_without_weights_it_says_where_they_belong() -> None:
    decomposer = QwenDecomposer(None, None, Path("models") / "Layered", NETWORK, Reader([]))
    assert decomposer.why_not().endswith("models/Layered")
    with pytest.raises(MissingModel, match="models/Layered"):
        decomposer.decompose(scene()[0], {}, Silent())


def test_the_request_is_what_was_asked_for() -> None:
    picture, alpha = scene()
    painter = Painter(painted(alpha))
    decomposer: Any = QwenDecomposer(Path(__file__).parent, painter, Path(), NETWORK, Reader([]))
    decomposer.why_not = lambda: ""
    decomposer.decompose(picture, {"seed": 7, "resolution": "1024", "steps": 3, "true_cfg_scale": 2.5, "prompt": "x"}, Silent())
    assert painter.asked == [LayeredRequest(layers=4, resolution=1024, steps=3, true_cfg_scale=2.5, seed=7, prompt="x")]


def test_repeated_layers_are_dropped() -> None:
    layers = painted(scene()[1])
    assert len(drop_repeated(layers)) == 2


def test_colours_do_not_bleed_from_what_is_transparent() -> None:
    layer = np.zeros((20, 20, 4), np.uint8)
    layer[:, :10] = (200, 100, 50, 255)
    assert np.abs(upsample_color(layer, (80, 80))[:, :60].astype(int) - [200, 100, 50]).max() <= 1
