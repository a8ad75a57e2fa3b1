"""The built-in decomposer as a whole on real pictures: exact, with a small residual, in time; each bar is printed with its measure."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from modules.backends.subject import SubjectNetwork
from modules.imaging.geometry import Extent
from modules.pipeline.layers.building import build
from modules.pipeline.layers.builtin.decomposer import BuiltinDecomposer
from modules.pipeline.layers.builtin.settling import LARGEST_RESIDUAL, residual_of
from modules.pipeline.layers.decomposing import Decomposition
from modules.pipeline.layers.document import LayerKind
from modules.pipeline.layers.render import render
from modules.pipeline.layers.sources import MemorySources
from tests.golden.layers.cutouts import FOLDER
from tests.golden.layers.posters import has_fonts, make_poster

NETWORK = Path(__file__).parents[3] / "models" / "subject" / "u2netp.onnx"
MOST_SECONDS, CORES = 15.0, 2
LARGEST_SUM, LEAST_WITHIN = 1.02, 0.99

pytestmark = pytest.mark.skipif(
    not NETWORK.is_file() and not os.environ.get("CI"), reason="u2netp.onnx, which set-up fetches, is not there"
)


class Watch:
    def __init__(self) -> None:
        self.shares: list[float] = []

    def tell(self, share: float, doing: str) -> None:
        self.shares.append(share)

    def is_interrupted(self) -> bool:
        return False


@pytest.fixture(scope="module")
def decomposer() -> BuiltinDecomposer:
    return BuiltinDecomposer(SubjectNetwork(NETWORK))


def opaque(rgb: np.ndarray, side: int = 384) -> np.ndarray:
    image = Image.fromarray(rgb).convert("RGBA")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image)


def emoji(name: str) -> np.ndarray:
    return np.asarray(Image.open(FOLDER / f"{name}.webp").convert("RGBA"))


def shaded() -> np.ndarray:
    """An apple on a gradient, with a soft shadow."""
    side = 384
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    ground = np.dstack([150 + 60 * y, 170 + 40 * x, 190 + 20 * (1 - y)]) + np.random.default_rng(1).normal(0, 1.0, (side, side, 3))
    thing = np.zeros((side, side, 4), np.float32)
    apple = cv2.resize(emoji("1f34e"), (180, 180), interpolation=cv2.INTER_AREA)
    thing[100:280, 100:280] = apple
    alpha = thing[..., 3:] / 255
    shade = 0.45 * cv2.GaussianBlur(np.roll(alpha, (14, 16), (0, 1)), (0, 0), 8)[..., None]
    return opaque(np.clip(ground * (1 - shade) * (1 - alpha) + thing[..., :3] * alpha + 0.5, 0, 255).astype(np.uint8))


def see_through() -> np.ndarray:
    """A photograph that fades out to the right."""
    picture = opaque(data.coffee(), 256).copy()
    picture[..., 3] = np.clip(np.linspace(600, -60, picture.shape[1]), 0, 255)[None]
    return picture


PICTURES: dict[str, Callable[[], np.ndarray]] = {
    "astronaut": lambda: opaque(data.astronaut(), 320),
    "chelsea": lambda: opaque(data.chelsea(), 320),
    "rocket": lambda: opaque(data.rocket(), 320),
    "brick": lambda: opaque(data.brick(), 256),
    "apple with shadow": shaded,
    "cut-out": lambda: emoji("1f4f7"),
    "fading": see_through,
}


def decompose(decomposer: BuiltinDecomposer, name: str, picture: np.ndarray, **settings: object) -> Decomposition:
    """Taken apart, put together by a document's renderer, and compared."""
    watch, started = Watch(), time.perf_counter()
    found = decomposer.decompose(picture, settings, watch)
    seconds = time.perf_counter() - started
    sources = MemorySources()
    height, width = picture.shape[:2]
    composed = render(build(found, name, Extent(width, height), sources), sources)
    off = int(np.abs(composed.astype(np.int16) - picture).max())
    names = ", ".join(part.name for part in found.parts)
    print(f"{name}: difference {off} (bar 0), residual {found.residual:.2f} (bar {LARGEST_RESIDUAL}), {seconds:.1f} s: {names}")
    assert off == 0
    assert found.residual == residual_of(found.parts, (height, width)) < LARGEST_RESIDUAL
    assert watch.shares == sorted(watch.shares)
    assert found.comes_apart == (len(found.parts) > 1)
    assert len({part.name for part in found.parts}) == len(found.parts)
    return found


def kinds(found: Decomposition) -> list[LayerKind]:
    return [part.kind for part in found.parts]


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_come_apart_and_go_together_exactly(decomposer: BuiltinDecomposer, name: str) -> None:
    found = decompose(decomposer, name, PICTURES[name](), texts=False)
    assert _share_within(found, PICTURES[name]().shape[:2]) >= LEAST_WITHIN
    if name == "brick":
        assert LayerKind.SUBJECT not in kinds(found)
    if name == "cut-out":
        assert not found.comes_apart and kinds(found) == [LayerKind.SUBJECT]
    if name == "apple with shadow":
        shadow, subject = kinds(found).index(LayerKind.SHADOW), kinds(found).index(LayerKind.SUBJECT)
        assert found.parts[shadow].caster == subject > shadow


def test_linear_light_is_as_exact(decomposer: BuiltinDecomposer) -> None:
    found = decompose(decomposer, "in linear light", shaded(), texts=False, light="linear")
    assert LayerKind.SHADOW in kinds(found)


@pytest.mark.skipif(not has_fonts() and not os.environ.get("CI"), reason="no font for both scripts is here")
def test_a_poster_of_1024_px_comes_apart_in_time(decomposer: BuiltinDecomposer) -> None:
    picture = opaque(make_poster(0, size=(1024, 768)).picture, 1024)
    decomposer.decompose(picture[:96, :96].copy(), {}, Watch())
    started = time.process_time()
    found = decompose(decomposer, "poster of 1024 px", picture)
    cpu_s = time.process_time() - started
    steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in found.seconds.items())
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{cpu_s:.1f} s of processor time (bar {MOST_SECONDS:.0f} s on {CORES} cores); {steps}; peak RSS {peak_mib} MiB")
    assert cpu_s < 3 * MOST_SECONDS * CORES  # a slow machine that others share takes twice as long
    assert {LayerKind.TEXT, LayerKind.SUBJECT} <= set(kinds(found))
    _share_within(found, picture.shape[:2])


def _share_within(found: Decomposition, shape: tuple[int, int]) -> float:
    """Of pixels where subjects, texts and the background (0 in its holes) together cover no more than once.

    Text over a subject counts twice: the subject is completed below it, so that neither has a hole when the other moves.
    """
    total, most = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for part in found.parts:
        if part.kind in (LayerKind.SUBJECT, LayerKind.TEXT) and part.pixels is not None:
            left, top, right, bottom = part.box.edges
            alpha = part.pixels[..., 3].astype(np.float32) / 255
            total[top:bottom, left:right] += alpha
            most[top:bottom, left:right] = np.maximum(most[top:bottom, left:right], alpha)
    share = float((total + (1 - most) <= LARGEST_SUM).mean())
    print(f"alphas of subjects, texts and background sum to at most {LARGEST_SUM} on {100 * share:.2f} % (bar {100 * LEAST_WITHIN:.0f} %)")
    return share
