"""Objects in real pictures by click, box and on their own; against known outlines, against the clock, and without the network's file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from modules.backends.subject import BY_COLOUR, WITHOUT_NETWORK, Pixels, SubjectNetwork, SubjectSelector
from modules.base.errors import InvalidRequest, MissingModel
from modules.imaging.geometry import Box
from modules.imaging.outlines import PROBABLY, SURELY_NOT, cut_by_colour, follow_edges, keep_parts

FILE = Path(__file__).resolve().parents[3] / "models" / "subject" / "u2netp.onnx"


@pytest.fixture(scope="module")
def selector() -> SubjectSelector:
    """With the network, which set-up fetches; without it a test is left out, and fails in CI."""
    if not FILE.is_file():
        reason = f"{FILE.name} is not in models/subject: run `python launch.py` once with a network connection"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    selector = SubjectSelector(SubjectNetwork(FILE))
    selector.subject(data.coffee())
    return selector


@pytest.fixture
def blind(tmp_path: Path) -> SubjectSelector:
    """Without the network's file."""
    return SubjectSelector(SubjectNetwork(tmp_path / "models" / "u2netp.onnx"))


def overlap(mask: Pixels, truth: np.ndarray) -> float:
    """Intersection over union."""
    found = mask > 127
    return float((found & truth).sum() / (found | truth).sum())


def scene(texture: Pixels, ground: Pixels) -> tuple[Pixels, np.ndarray]:
    """A horse's outline filled with one picture, on another; and the outline itself."""
    truth = ~data.horse().astype(bool)
    size = truth.shape[::-1]
    front, back = (cv2.resize(part, size) for part in (texture, np.dstack([ground] * 3)))
    return np.where(truth[..., None], front, back), truth


def polygon(shape: tuple[int, ...], *points: tuple[int, int]) -> np.ndarray:
    area = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(area, [np.array(points, np.int32)], 1)
    return area.astype(bool)


FUR_ON_GRASS = scene(data.chelsea()[60:200, 20:160], data.grass())
BRICK_ON_GRAVEL = scene((np.dstack([data.brick()] * 3) // np.array([1, 2, 3])).astype(np.uint8), data.gravel())


@pytest.mark.parametrize(("picture", "truth"), [FUR_ON_GRASS, BRICK_ON_GRAVEL], ids=["fur on grass", "brick on gravel"])
def test_a_known_outline_is_found_by_click_by_box_and_alone(selector: SubjectSelector, picture: Pixels, truth: np.ndarray) -> None:
    ys, xs = np.nonzero(truth)
    box = Box.from_edges(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
    ways = {
        "click": selector.by_click(picture, (int(np.median(xs)), int(np.median(ys)))),
        "box": selector.by_box(picture, box),
        "subject": selector.subject(picture),
    }
    scores = {name: overlap(selection.mask, truth) for name, selection in ways.items()}
    print({name: f"{score:.3f}" for name, score in scores.items()})
    assert min(scores.values()) > 0.97
    assert not any(selection.notes for selection in ways.values())


def test_the_cup_on_its_saucer(selector: SubjectSelector) -> None:
    """Hand-made truth: ellipses along the saucer and the cup's rim, and the spoon's end."""
    picture = data.coffee()
    truth = np.zeros(picture.shape[:2], np.uint8)
    cv2.ellipse(truth, (278, 215), (200, 176), 0, 0, 360, 1, -1)
    cv2.ellipse(truth, (289, 112), (117, 93), 0, 0, 360, 1, -1)
    truth[polygon(picture.shape, (400, 70), (412, 66), (424, 72), (417, 112), (400, 112))] = 1
    for selection in (selector.by_click(picture, (300, 150)), selector.by_box(picture, Box(75, 15, 410, 375))):
        score = overlap(selection.mask, truth.astype(bool))
        print(f"coffee: {score:.3f}")
        assert score > 0.96


def test_the_rocket_by_its_box(selector: SubjectSelector) -> None:
    """Hand-made truth: its bounding box, and that it fills most of that."""
    picture = data.rocket()
    mask = selector.by_click(picture, (322, 250)).mask
    left, top, width, height = cv2.boundingRect((mask > 127).astype(np.uint8))
    assert abs(left - 310) < 8 and abs(left + width - 334) < 12, (left, width)
    assert abs(top - 126) < 6 and top + height > 380, (top, height)
    assert (mask[top : top + height, left : left + width] > 127).mean() > 0.6


def test_a_person_whole_and_nothing_of_the_wall(selector: SubjectSelector) -> None:
    picture = data.astronaut()
    mask = selector.by_click(picture, (230, 80)).mask
    assert (mask[polygon(picture.shape, (170, 60), (270, 60), (270, 150), (180, 150))] > 127).mean() > 0.97
    assert (mask[polygon(picture.shape, (120, 300), (300, 300), (300, 480), (120, 480))] > 127).mean() > 0.97
    assert not (mask[:150, 310:] > 127).any()
    assert (mask[20:160, 90:130] > 127).mean() < 0.02


def test_a_click_looks_closer_where_the_whole_picture_shows_something_else(selector: SubjectSelector) -> None:
    picture = data.astronaut()
    mask = selector.by_click(picture, (410, 120)).mask
    assert (mask[110:190, 392:410] > 127).mean() > 0.9
    assert not (mask[:, :330] > 127).any()
    assert not (mask[:, 500:] > 127).any()


def test_where_nothing_stands_out_colours_decide_and_it_is_said(selector: SubjectSelector) -> None:
    selection = selector.by_click(data.rocket(), (250, 60))
    assert selection.notes == (BY_COLOUR,)
    assert (selection.mask[30:100, 200:300] == 255).all()
    assert not (selection.mask[150:380, 318:326] > 127).any()


def test_a_box_keeps_what_is_outside_untouched(selector: SubjectSelector, blind: SubjectSelector) -> None:
    box = Box(75, 15, 410, 200)
    for chooser in (selector, blind):
        mask = chooser.by_box(data.coffee(), box).mask.copy()
        assert mask.any()
        mask[15:215, 75:485] = 0
        assert not mask.any()


def test_the_outline_runs_along_the_edges_of_a_large_picture(selector: SubjectSelector) -> None:
    """Eight times the working size: an outline brought up by plain enlarging would be wrong by more than half of its steps."""
    picture = np.full((3000, 3000, 3), (90, 120, 90), np.uint8)
    truth = np.zeros(picture.shape[:2], np.uint8)
    cv2.circle(truth, (1490, 1510), 803, 1, -1)
    picture[truth > 0] = (200, 60, 40)
    mask = selector.by_click(picture, (1500, 1500)).mask
    wrong = (mask > 127) != (truth > 0)
    print(f"{wrong.sum() / (2 * np.pi * 803):.2f} px off on average")
    assert wrong.sum() < 1.5 * 2 * np.pi * 803


def test_the_same_question_has_the_same_answer(selector: SubjectSelector) -> None:
    first, second = (selector.by_click(data.chelsea(), (200, 150)).mask for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", ["click", "box", "subject"])
def test_selecting_is_quick(selector: SubjectSelector, name: str) -> None:
    """The limit is a multiple of the network's own time on this machine; milliseconds are printed."""
    small = data.astronaut()
    large = cv2.resize(small, (4096, 4096), interpolation=cv2.INTER_CUBIC)
    network_s = min(_time(lambda: selector._network.look(small)) for _ in range(3))
    for picture, limit_s in ((small, 1.0), (large, 2.0)):
        scale = picture.shape[0] / 512
        ways: dict[str, Callable[[], object]] = {
            "click": lambda: selector.by_click(picture, (int(230 * scale), int(80 * scale))),  # noqa: B023
            "box": lambda: selector.by_box(picture, Box(0, 0, int(440 * scale), int(512 * scale))),  # noqa: B023
            "subject": lambda: selector.subject(picture),  # noqa: B023
        }
        took_s = min(_time(ways[name]) for _ in range(2))
        print(f"{name} at {picture.shape[0]} px: {took_s * 1000:.0f} ms; the network alone {network_s * 1000:.0f} ms")
        most_s = max(limit_s, (10 if scale == 1 else 20) * network_s)
        assert took_s < most_s


def _time(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def test_without_the_network_a_box_is_cut_out_by_colours_and_says_so(blind: SubjectSelector) -> None:
    picture, truth = FUR_ON_GRASS
    ys, xs = np.nonzero(truth)
    selection = blind.by_box(picture, Box.from_edges(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1))
    assert selection.notes == (WITHOUT_NETWORK,)
    assert overlap(selection.mask, truth) > 0.7


def test_without_the_network_a_click_says_what_is_missing_and_how_to_get_it(blind: SubjectSelector) -> None:
    for ask in (lambda: blind.by_click(data.coffee(), (9, 9)), lambda: blind.subject(data.coffee())):
        with pytest.raises(MissingModel, match=r"u2netp\.onnx.* is missing in .*models; start `python launch\.py`.* a box"):
            ask()


def test_a_damaged_network_is_said(tmp_path: Path) -> None:
    file = tmp_path / "u2netp.onnx"
    file.write_bytes(b"not a network")
    with pytest.raises(MissingModel, match=r"u2netp\.onnx is damaged; delete it"):
        SubjectSelector(SubjectNetwork(file)).subject(data.coffee())


def test_bad_points_and_boxes_are_named(selector: SubjectSelector) -> None:
    picture = data.coffee()
    with pytest.raises(InvalidRequest, match="x: got 600, wanted a pixel of the picture, 0 to 599"):
        selector.by_click(picture, (600, 0))
    for box in (Box(590, 0, 20, 20), Box(-1, 0, 20, 20), Box(0, 0, 7, 100)):
        with pytest.raises(InvalidRequest, match=r"box: got \[.*wanted \[left, top, right, bottom\] inside the picture"):
            selector.by_box(picture, box)


def test_a_picture_without_a_subject_is_said(selector: SubjectSelector) -> None:
    with pytest.raises(InvalidRequest, match="nothing stands out.*click on an object or draw a box"):
        selector.subject(np.full((300, 400, 3), 128, np.uint8))


@pytest.mark.parametrize("shape", [(1, 1, 3), (9, 2000, 3), (2000, 9, 3), (16, 16, 3)])
def test_odd_pictures_are_no_trouble(selector: SubjectSelector, shape: tuple[int, int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    assert selector.by_click(picture, (0, 0)).mask.shape == shape[:2]


def test_cutting_without_anything_to_learn_from_gives_the_guess_back() -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    assert cut_by_colour(picture, np.full((20, 30), PROBABLY, np.uint8)).all()
    assert not cut_by_colour(picture, np.full((20, 30), SURELY_NOT, np.uint8)).any()


def test_crumbs_are_dropped_and_small_gaps_closed() -> None:
    found = np.zeros((60, 60), bool)
    found[10:50, 10:50] = found[2:4, 2:4] = True
    found[20:22, 20:22] = False
    found[30:45, 30:45] = False
    kept = keep_parts(found, found)
    assert not kept[2:4, 2:4].any() and kept[20:22, 20:22].all() and not kept[30:45, 30:45].any()


def test_edges_of_the_picture_sharpen_a_coarse_mask() -> None:
    picture = np.full((400, 400, 3), 30, np.uint8)
    picture[:, 203:] = 220
    coarse = np.zeros((50, 50), bool)
    coarse[:, 25:] = True
    mask = follow_edges(picture, coarse)
    assert (mask[20:380, :198] < 64).all() and (mask[20:380, 208:] > 191).all()
    assert abs(int(np.argmax(mask[200] > 127)) - 203) <= 1
