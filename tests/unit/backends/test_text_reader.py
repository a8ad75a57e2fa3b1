"""Reading lines of text, as rapidocr's own weights do it."""

from __future__ import annotations

import logging

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from modules.backends.text_reader import TextLine, TextReader
from modules.base.errors import MissingModel
from modules.pipeline.layers.builtin.texts import lift_texts


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return TextReader()


def _sheet() -> NDArray[np.uint8]:
    """Upright, upside down, a quarter round, and nearly white on white."""
    sheet = np.full((420, 520, 3), 255, np.uint8)
    word = np.full((60, 240, 3), 255, np.uint8)
    cv2.putText(word, "Sideways", (10, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (20, 20, 120), 4, cv2.LINE_AA)
    sheet[20:80, 20:260] = word
    sheet[100:160, 20:260] = word[::-1, ::-1]
    sheet[20:260, 330:390] = np.rot90(word, -1)
    cv2.putText(sheet, "Hidden words", (20, 350), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (248, 248, 248), 4, cv2.LINE_AA)
    return sheet


def test_turned_and_faint_lines_are_read_quietly(reader: TextReader, capfd: pytest.CaptureFixture[str]) -> None:
    lines = reader.read(_sheet())
    angles = sorted(round(line.angle_deg / 90) * 90 % 360 for line in lines if line.string.startswith("Sideways"))
    assert angles == [0, 90, 180]
    faint = [line for line in lines if line.is_faint]
    assert [line.string.replace(" ", "") for line in faint] == ["Hiddenwords"]
    assert logging.getLogger("RapidOCR").level >= logging.CRITICAL
    assert capfd.readouterr().out == ""


def test_nothing_is_read_where_nothing_is_written(reader: TextReader) -> None:
    assert reader.read(np.full((64, 64, 3), 128, np.uint8)) == []
    assert reader.read(np.zeros((1, 3, 3), np.uint8)) == []


def test_the_slimmest_pictures_are_searched_in_bounded_memory(reader: TextReader) -> None:
    """The package scales the shorter side up: a row of 3,000 px took the whole program with it."""
    seen: list[tuple[int, int]] = []
    reader.read(np.zeros((32, 32, 3), np.uint8))
    engine = reader._engine
    reader._engine = lambda pixels, **values: seen.append(pixels.shape[:2]) or engine(pixels[:32, :32], **values)
    try:
        for shape in ((1, 3000), (3000, 1), (20, 2500)):
            assert reader.read(np.full((*shape, 3), 90, np.uint8)) == []
    finally:
        reader._engine = engine
    assert all(max(size) <= 20 * min(size) for size in seen)


def test_text_on_nothing_leaves_nothing(reader: TextReader) -> None:
    """A see-through picture: where its text was lifted off, nothing is left."""
    alpha = np.zeros((100, 320), np.uint8)
    cv2.putText(alpha, "Label", (20, 70), cv2.FONT_HERSHEY_SIMPLEX, 2.2, 255, 7, cv2.LINE_AA)
    picture = np.dstack([np.where(alpha > 0, value, 0).astype(np.uint8) for value in (200, 30, 30)] + [alpha])
    lifted = lift_texts(picture, reader)
    assert [part.text.string for part in lifted.parts if part.text] == ["Label"]
    assert (lifted.beneath[:, :, 3] > 0).sum() < 0.02 * (alpha > 0).sum()


class _Mistaken(TextReader):
    """Reads a word in a cat's face."""

    def read(self, rgb: NDArray[np.uint8], *, join_broken_strokes: bool = False) -> list[TextLine]:
        quad = np.array([[124.3, 99.7], [3.2, 83.2], [11.7, 19.5], [127.7, 36.0]], np.float32)
        return [TextLine(quad, "do", 0.86, -172.2)]


def test_what_ink_on_a_ground_does_not_explain_stays_in_the_picture() -> None:
    photo = data.chelsea()
    square = cv2.resize(photo[:, 76:376], (128, 128), interpolation=cv2.INTER_AREA)
    fading = np.repeat(np.linspace(0, 255, 128)[:, None], 128, axis=1).astype(np.uint8)
    picture = np.dstack([square, fading])
    lifted = lift_texts(picture, _Mistaken())
    assert (lifted.parts, lifted.failed) == ((), ("do",))
    assert np.array_equal(lifted.beneath, picture)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modules.backends.text_reader.find_spec", lambda name: None)
    reader = TextReader()
    assert "rapidocr" in reader.why_not()
    with pytest.raises(MissingModel, match="rapidocr"):
        reader.read(np.zeros((32, 32, 3), np.uint8))
