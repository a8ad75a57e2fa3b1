"""A folder of real pictures taken apart by the built-in backend; a line with seconds for each is printed."""

from __future__ import annotations

import csv
import io
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from modules.base.paths import Paths
from modules.pipeline.layers import file
from modules.pipeline.layers.render import render
from modules.runtime.layers.task import KIND
from modules.runtime.session import Session
from modules.settings.flags import Flags

ROOT = Path(__file__).resolve().parents[3]
PHOTOS = (data.astronaut, data.coffee, data.chelsea, data.rocket, data.camera)
SIDE_PX = 128
LIMIT_S = 3600.0
MAX_RESIDUAL = 1.5


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session(Paths(ROOT, tmp_path), Flags())
    yield session
    session.close()


def crop(number: int) -> Image.Image:
    """A square of a photo, another one for every number; some grey, some with transparency."""
    photo = Image.fromarray(PHOTOS[number % len(PHOTOS)]())
    side = min(photo.size) - 3 * (number // len(PHOTOS))
    left = (photo.width - side) // 2 + number // len(PHOTOS)
    image = photo.crop((left, 0, left + side, side)).resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    if number % 7 == 6:
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


@pytest.mark.parametrize("count", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_a_folder_of_photos_comes_apart_with_a_report(session: Session, tmp_path: Path, count: int) -> None:
    folder, out = tmp_path / "photos", tmp_path / "outputs" / "apart"
    folder.mkdir()
    for number in range(count):
        crop(number).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    recipe = session.layer_work.batch("photos", "outputs/apart", "built-in", {})
    begun_s = time.perf_counter()
    job = session.submit(session.layer_work.task(recipe), "test", kind=KIND, recipe=recipe)
    assert job.wait(LIMIT_S)
    assert job.outcome().counts == {"done": count, "failed": 1, "total": count + 1}
    rows = list(csv.DictReader(io.StringIO((out / "report.csv").read_bytes().decode("utf-8-sig"), newline="")))
    for row in rows:
        shown = ", ".join(row["layers"].split("\n"))
        print(f"{row['file']:>10} {row['state']:>6} {row['seconds']:>6} s, residual {row['residual'] or '-'} of 255: {shown}{row['error']}")
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{count} pictures in {time.perf_counter() - begun_s:.1f} s, peak RSS {peak_mib} MiB (bar: all of them made)")
    assert all(float(row["residual"]) < MAX_RESIDUAL for row in rows if row["state"] == "done")
    for number in range(count):
        opened = file.open(out / f"{number}.layers")
        made = render(opened.document, opened.sources)
        assert np.array_equal(made, np.asarray(crop(number).convert("RGBA"))), "maximum difference 0"
