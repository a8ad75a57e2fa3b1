"""Requests that A1111 1.10.1 answered, answered again: same checkpoint, same seed, same picture, same infotext."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.base.paths import Paths
from modules.imaging.picture import open_picture
from modules.pipeline.processing import Img2ImgProcessing
from modules.runtime.session import Session
from modules.settings.flags import parse_flags
from modules.web.api.schemas import StableDiffusionProcessingImg2Img as Body

DATA = Path(__file__).parent / "data"
CASES = sorted(path.stem for path in (DATA / "cases").glob("*.json"))
ORDINARY = (2, 0.1)
LOOSE = {"prompt_long": (4, 0.5), "inpaint_color_correction": (4, 0.5)}
"""(largest, mean) difference of 255; long prompts and colour correction amplify the rounding of a float32 network."""
PASSED_ON = [name for name in Body.model_fields if name in Img2ImgProcessing.__dataclass_fields__ and name != "init_images"]


@dataclass
class Table:
    """What is printed at the end, worst first."""

    rows: list[tuple[float, int, str, float, tuple[int, float]]] = field(default_factory=list)

    def show(self) -> str:
        head = f"{'case':34} {'max':>4} {'mean':>7} {'PSNR':>6}  limit"
        lines = [
            f"{name:34} {most:4} {mean:7.3f} {psnr:6.1f}  {limit[0]} / {limit[1]}"
            for mean, most, name, psnr, limit in sorted(self.rows)[::-1]
        ]
        return "\n".join([head, *lines])


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    made = Table()
    yield made
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n{made.show()}")


@pytest.fixture(scope="module")
def session(tiny_models: Path, vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    data = tmp_path_factory.mktemp("data")
    root = Path(__file__).parents[2]
    made = Session(Paths.under(root, data), parse_flags(["--no-half", "--ckpt-dir", str(tiny_models)]))
    made.options.update({"sd_model_checkpoint": "tiny_sd15.safetensors"})
    yield made
    made.close()


def make_request(payload: dict[str, Any]) -> Img2ImgProcessing:
    body = Body.model_validate({key: value for key, value in payload.items() if key not in ("init_images", "mask")})
    mask = payload.get("mask")
    body.do_not_save_samples = body.do_not_save_grid = True
    return Img2ImgProcessing(
        **{name: getattr(body, name) for name in PASSED_ON if name not in ("sampler_name", "styles", "override_settings")},
        sampler_name=body.sampler_name or body.sampler_index,
        override_settings=dict(body.override_settings or {}),
        init_images=[open_picture(DATA / name).image for name in payload["init_images"]],
        image_mask=open_picture(DATA / mask).image if mask else None,
    )


def without_version(infotext: str) -> str:
    return re.sub(r"Version: [^,\n]*", "Version: any", infotext)


@pytest.mark.parametrize("name", CASES)
def test_the_picture_is_a1111s(name: str, session: Session, table: Table) -> None:
    case = json.loads((DATA / "cases" / f"{name}.json").read_text(encoding="utf-8"))
    job = session.submit(make_request(case["payload"]), "golden")
    assert job.wait(300)
    processed = job.outcome()
    assert [without_version(text) for text in processed.infotexts] == [without_version(text) for text in case["image_infotexts"]]
    assert len(processed.images) == len(case["images"])
    most, mean, square = 0, 0.0, 0.0
    for made, wanted in zip(processed.images, case["images"], strict=True):
        with Image.open(DATA / wanted) as picture:
            assert (made.mode, made.size) == (picture.mode, picture.size)
            difference = np.abs(np.asarray(made, int) - np.asarray(picture, int))
        most, mean, square = (
            max(most, int(difference.max())),
            max(mean, float(difference.mean())),
            max(square, float((difference**2).mean())),
        )
    limit = LOOSE.get(name, ORDINARY)
    table.rows.append((mean, most, name, 99.0 if square == 0 else 10 * np.log10(255**2 / square), limit))
    assert most <= limit[0] and mean <= limit[1], f"max {most}, mean {mean:.3f} of 255; limit {limit}"
