"""Text on posters whose truth is known: found, read, lifted off with soft edges, and gone from the background."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from modules.backends.text_reader import TextLine, TextReader
from modules.imaging.layering.compositing import apply_difference, blend
from modules.pipeline.layers.builtin.texts import LiftedTexts, lift_texts
from tests.golden.layers.posters import Line, Poster, has_fonts, make_posters

POSTERS, ALL_POSTERS, LIFTED_EVERY = 16, 30, 5
LEAST_FOUND, LEAST_RIGHT = 0.95, 0.98
LARGEST_ALPHA_ERROR, LARGEST_GHOST = 0.15, 0.08

pytestmark = pytest.mark.skipif(not has_fonts() and not os.environ.get("CI"), reason="no font for both scripts: start `python launch.py`")


class _Recalling(TextReader):
    """Reads what was read before."""

    def __init__(self, lines: list[TextLine]) -> None:
        super().__init__()
        self._lines = lines

    def read(self, rgb: NDArray[np.uint8], *, join_broken_strokes: bool = False) -> list[TextLine]:
        return list(self._lines)


@dataclass
class _Read:
    poster: Poster
    lines: list[TextLine]

    def lift(self) -> LiftedTexts:
        picture = np.dstack([self.poster.picture, np.full(self.poster.picture.shape[:2], 255, np.uint8)])
        return lift_texts(picture, _Recalling(self.lines))


@pytest.fixture(scope="module", params=[POSTERS, pytest.param(ALL_POSTERS, marks=pytest.mark.slow)])
def readings(request: pytest.FixtureRequest) -> list[_Read]:
    reader = TextReader()
    return [_Read(poster, reader.read(poster.picture)) for poster in make_posters(request.param)]


def test_lines_are_found_and_read(readings: list[_Read]) -> None:
    found = lines = errors = characters = 0
    for reading in readings:
        for line in reading.poster.lines:
            hits = sorted((hit for hit in reading.lines if _shared(hit, line) > 0.5), key=lambda hit: float(hit.quad[0, 0]))
            wanted, got = _plain(line.string), _plain("".join(hit.string for hit in hits))
            lines, found = lines + 1, found + bool(hits)
            if hits:
                errors, characters = errors + _distance(got, wanted), characters + len(wanted)
    right = 1 - errors / characters
    print(f"\nlines found {found} of {lines} ({found / lines:.1%}, limit {LEAST_FOUND:.0%}); characters right {right:.2%} of {characters}")
    assert lines >= 4 * POSTERS
    assert found / lines >= LEAST_FOUND and right >= LEAST_RIGHT


def test_strokes_are_lifted_without_a_ghost(readings: list[_Read]) -> None:
    wrong, ghosts, energies, residuals = [], [], [], []
    for reading in readings[::LIFTED_EVERY]:
        poster, lifted = reading.poster, reading.lift()
        assert np.array_equal(_composed(lifted), poster.picture)
        wrong += list(_alpha_errors(poster, lifted))
        covered = np.max([line.alpha for line in poster.lines], axis=0) > 0
        near = cv2.dilate(covered.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        was = (poster.picture.astype(np.float64) - poster.bare)[near]
        left = (lifted.beneath[:, :, :3].astype(np.float64) - poster.bare)[near]
        ghosts.append(float((was * left).sum() / (was**2).sum()))
        energies.append(float((left**2).sum() / (was**2).sum()))
        total = sum(float(np.abs(part.difference).sum()) for part in lifted.parts if part.difference is not None)
        residuals.append(total / lifted.beneath.size)
    print(
        f"\nstroke alpha, relative SAD: mean {np.mean(wrong):.3f} (limit {LARGEST_ALPHA_ERROR}), median {np.median(wrong):.3f};"
        f" text left in the background: projection {np.mean(ghosts):.3f} (limit {LARGEST_GHOST}), worst {max(ghosts):.3f},"
        f" residual energy {np.mean(energies):.3f}; residual {np.mean(residuals):.3f} of 255"
    )
    assert np.mean(wrong) <= LARGEST_ALPHA_ERROR
    assert abs(np.mean(ghosts)) <= LARGEST_GHOST
    assert np.mean(residuals) < 1.0


def test_attributes_are_those_the_poster_was_set_with(readings: list[_Read]) -> None:
    """On flat colours, where nothing hides them: colour, angle and size."""
    seen = 0
    for reading in [reading for reading in readings if "flat" in reading.poster.name][:2]:
        for part in reading.lift().parts:
            line = next((line for line in reading.poster.lines if part.text and _plain(line.string) == _plain(part.text.string)), None)
            if line is None or part.text is None or len(line.inks) > 1:
                continue
            seen += 1
            color = [int(part.text.color[place : place + 2], 16) for place in (1, 3, 5)]
            assert np.abs(np.array(color) - line.inks[0]).max() <= 12
            assert abs(part.text.angle_deg - line.angle_deg) < 2
            assert 0.75 < part.text.size_px / line.size_px < 1.3
    assert seen >= 3


def _composed(lifted: LiftedTexts) -> NDArray[np.uint8]:
    beneath = lifted.beneath.copy()
    for part in lifted.parts:
        assert part.pixels is not None and part.difference is not None
        blend(beneath, part.box, part.pixels)
        apply_difference(beneath, part.box, part.difference)
    return beneath[:, :, :3]


def _alpha_errors(poster: Poster, lifted: LiftedTexts) -> Iterator[float]:
    """For each line that was lifted: sum of |alpha - truth|, as a share of the truth's sum."""
    shown = np.zeros(poster.picture.shape[:2], np.float32)
    for part in lifted.parts:
        assert part.pixels is not None
        left, top, right, bottom = part.box.edges
        here = shown[top:bottom, left:right]
        np.maximum(here, part.pixels[:, :, 3] / np.float32(255), out=here)
    for line in poster.lines:
        rows, columns = np.nonzero(line.alpha)
        area = (slice(max(rows.min() - 6, 0), rows.max() + 7), slice(max(columns.min() - 6, 0), columns.max() + 7))
        if shown[area].any():
            yield float(np.abs(shown[area] - line.alpha[area]).sum() / line.alpha.sum())


def _shared(hit: TextLine, line: Line) -> float:
    shared, _ = cv2.intersectConvexConvex(hit.quad, line.quad)
    return float(shared) / min(cv2.contourArea(hit.quad), cv2.contourArea(line.quad))


def _plain(string: str) -> str:
    return "".join(unicodedata.normalize("NFKC", string).split())


def _distance(one: str, two: str) -> int:
    """Levenshtein's."""
    row = list(range(len(two) + 1))
    for place, sign in enumerate(one, 1):
        before, row[0] = row[0], place
        for other, wanted in enumerate(two, 1):
            before, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, before + (sign != wanted))
    return row[-1]
