"""Requests that A1111 1.10.1 answered over HTTP, answered again: same checkpoint, same seed, same picture, same infotext."""

from __future__ import annotations

import base64
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from modules.base.paths import Paths
from modules.runtime.session import Session
from modules.settings.flags import parse_flags
from modules.web.server import create_app
from tests.golden.rounding import SLACK

DATA = Path(__file__).parent / "data"
CASES = sorted(path.stem for path in (DATA / "cases").glob("*.json"))
SLOW_CASES = {"sampler_dpm_adaptive"}
"""It takes hundreds of steps, and its picture is bound to no limit anyway: only its texts are compared."""
Limit = tuple[float, float]
ORDINARY: Limit = (2, 0.1)
LIMITS: dict[str, Limit] = {
    r"loopback_|outpaint_mk2_": (12, 1.5),
    r"prompt_long|churn_|.*color_correction": (4, 0.5),
    r"sampler_dpm_adaptive": (math.inf, math.inf),
}
"""(largest, mean) difference of 255 where rounding is amplified, by the beginning of a case's name; README.md says why."""
RANDOM_KEYS = {"version"}
UNRECORDED_KEYS = {"pentimento", "job_timestamp"}
"""Keys of `info` that the recorded answers do not have: our own, and one that was left out of the records."""


@dataclass
class Table:
    """What is printed at the end, worst first."""

    rows: list[tuple[float, int, str, float, Limit]] = field(default_factory=list)

    def show(self) -> str:
        head = f"{'case':40} {'max':>4} {'mean':>7} {'PSNR':>6}  limit"
        lines = [
            f"{name:40} {most:4} {mean:7.3f} {psnr:6.1f}  {limit[0]} / {limit[1]}"
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
def client(tiny_models: Path, vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    data = tmp_path_factory.mktemp("data")
    root = Path(__file__).parents[2]
    folders = [("--ckpt-dir", ""), ("--lora-dir", "lora"), ("--embeddings-dir", "embeddings")]
    flags = ["--no-half", *(word for flag, folder in folders for word in (flag, str(tiny_models / folder)))]
    session = Session(Paths.under(root, data), parse_flags(flags))
    session.options.update({"sd_model_checkpoint": "tiny_sd15.safetensors"})
    with TestClient(create_app(session, with_page=False), base_url="http://127.0.0.1") as made:
        yield made


def without_version(infotext: str | None) -> str | None:
    return infotext and re.sub(r"Version: [^,\n]*", "Version: any", infotext)


def as_request(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with pictures in the place of their names."""
    names = {"init_images": payload["init_images"], "mask": payload.get("mask")}
    read = {name: base64.b64encode((DATA / name).read_bytes()).decode() for name in [*names["init_images"], names["mask"]] if name}
    return payload | {"init_images": [read[name] for name in names["init_images"]], "mask": read.get(names["mask"])}


def as_seen(picture: Image.Image) -> np.ndarray:
    """(H, W, C) integers; colours of a picture with alpha count as much as they show."""
    return np.asarray(picture.convert("RGBa") if picture.mode == "RGBA" else picture, int)


def limit_of(name: str) -> Limit:
    most, mean = next((limit for pattern, limit in LIMITS.items() if re.match(pattern, name)), ORDINARY)
    return most * min(SLACK, 2), mean * SLACK


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW_CASES else name for name in CASES])
def test_the_picture_is_a1111s(name: str, client: TestClient, table: Table) -> None:
    case = json.loads((DATA / "cases" / f"{name}.json").read_text(encoding="utf-8"))
    reply = client.post("/sdapi/v1/img2img", json=as_request(case["payload"]))
    assert reply.status_code == 200, reply.text
    answered = reply.json()
    pictures = [Image.open(io.BytesIO(base64.b64decode(text))) for text in answered["images"]]
    written = [without_version(picture.info.get("parameters")) for picture in pictures]
    assert written == [without_version(text) for text in case["image_infotexts"]]
    check_info(json.loads(answered["info"]), case["info"], case["payload"])
    assert len(pictures) == len(case["images"])
    most, mean, square = 0, 0.0, 0.0
    for made, wanted in zip(pictures, case["images"], strict=True):
        with Image.open(DATA / wanted) as picture:
            assert (made.mode, made.size) == (picture.mode, picture.size)
            difference = np.abs(as_seen(made) - as_seen(picture))
        most, mean = max(most, int(difference.max())), max(mean, float(difference.mean()))
        square = max(square, float((difference**2).mean()))
    limit = limit_of(name)
    table.rows.append((mean, most, name, 99.0 if square == 0 else 10 * np.log10(255**2 / square), limit))
    assert most <= limit[0] and mean <= limit[1], f"max {most}, mean {mean:.3f} of 255; limit {limit}"


def check_info(made: dict[str, Any], wanted: dict[str, Any], payload: dict[str, Any]) -> None:
    """The same keys, and the same values where the request determines them."""
    assert set(wanted) == set(made) - UNRECORDED_KEYS
    random = set(RANDOM_KEYS) if "subseed" in payload else RANDOM_KEYS | {"subseed", "all_subseeds"}
    texts = {"infotexts"}
    assert {key: made[key] for key in set(wanted) - random - texts} == {key: wanted[key] for key in set(wanted) - random - texts}
    assert [without_version(text) for text in made["infotexts"]] == [without_version(text) for text in wanted["infotexts"]]
