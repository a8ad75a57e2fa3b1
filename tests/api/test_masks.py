"""`POST /api/masks` on a real server: every operation, refusals that name the field, and a click without the network's file."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw

from modules.imaging import mask_operations
from tests.api.conftest import take_port
from tests.api.serving import ROOT, Server, start_server

SIZE = (300, 200)
UNKNOWN = "0" * 64
NETWORK = Path("models") / "subject" / "u2netp.onnx"


def upload(client: httpx.Client, image: Image.Image) -> str:
    """Keep a picture; its id."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return str(client.post("/api/assets", content=buffer.getvalue()).raise_for_status().json()["id"])


def fetch(client: httpx.Client, asset: dict[str, Any]) -> np.ndarray:
    """The new mask's pixels."""
    with Image.open(io.BytesIO(client.get(f"/api/assets/{asset['id']}").raise_for_status().content)) as image:
        assert image.mode == "L" and image.size == (asset["width"], asset["height"])
        return np.asarray(image)


@pytest.fixture(scope="module")
def painted() -> Image.Image:
    """A white box, grey at one side."""
    mask = Image.new("L", SIZE)
    ImageDraw.Draw(mask).rectangle((100, 60, 180, 120), fill=255)
    ImageDraw.Draw(mask).rectangle((100, 60, 110, 120), fill=90)
    ImageDraw.Draw(mask).rectangle((140, 80, 150, 90), fill=0)
    return mask


@pytest.fixture(scope="module")
def scenery() -> Image.Image:
    """A red ball on a noisy green ground, its left part transparent."""
    noise = np.random.default_rng(1).integers(0, 40, (*SIZE[::-1], 3), np.uint8)
    picture = Image.fromarray((noise + np.array([20, 110, 30], np.uint8)).astype(np.uint8))
    ImageDraw.Draw(picture).ellipse((110, 50, 210, 150), fill=(220, 30, 40))
    alpha = Image.new("L", SIZE, 255)
    ImageDraw.Draw(alpha).rectangle((0, 0, 19, 199), fill=0)
    picture.putalpha(alpha)
    return picture


@pytest.fixture(scope="module")
def ids(client: httpx.Client, painted: Image.Image, scenery: Image.Image) -> dict[str, str]:
    return {"mask": upload(client, painted), "picture": upload(client, scenery)}


@pytest.mark.parametrize("name", ["grow", "shrink", "feather"])
def test_by_pixels(client: httpx.Client, ids: dict[str, str], painted: Image.Image, name: str) -> None:
    made = client.post("/api/masks", json={"operation": name, **ids, "px": 6.5}).raise_for_status().json()
    assert np.array_equal(fetch(client, made), mask_operations.BY_PX[name](np.asarray(painted), 6.5))
    assert made["notes"] == made["hints"] == []


@pytest.mark.parametrize("name", ["invert", "fill_holes"])
def test_without_numbers(client: httpx.Client, ids: dict[str, str], painted: Image.Image, name: str) -> None:
    made = client.post("/api/masks", json={"operation": name, "mask": ids["mask"]}).raise_for_status().json()
    assert np.array_equal(fetch(client, made), mask_operations.UNARY[name](np.asarray(painted)))


@pytest.mark.parametrize("name", ["union", "subtract", "intersect"])
def test_joining(client: httpx.Client, ids: dict[str, str], painted: Image.Image, name: str) -> None:
    other = Image.linear_gradient("L").resize(SIZE)
    made = client.post("/api/masks", json={"operation": name, **ids, "other": upload(client, other)}).raise_for_status().json()
    assert np.array_equal(fetch(client, made), mask_operations.combine(np.asarray(painted), np.asarray(other), name))


def test_a_second_mask_of_the_same_shape_is_resized_and_that_is_said(client: httpx.Client, ids: dict[str, str]) -> None:
    half = upload(client, Image.new("L", (150, 100), 255))
    made = client.post("/api/masks", json={"operation": "union", **ids, "other": half}).raise_for_status().json()
    assert fetch(client, made).all()
    assert made["hints"] == ["resized"] and made["notes"] == ["the mask was resized from 150x100 to 300x200"]


def test_the_bucket_by_colour_joins_the_mask(client: httpx.Client, ids: dict[str, str]) -> None:
    order = {"operation": "bucket", **ids, "x": 200.7, "y": 100.2, "tolerance": 10}
    made = fetch(client, client.post("/api/masks", json=order).raise_for_status().json())
    assert made[100, 205] == 255 and made[70, 115] == 255 and made[100, 230] == 0
    alone = fetch(client, client.post("/api/masks", json=order | {"combine": "replace"}).raise_for_status().json())
    assert alone[100, 205] == 255 and alone[62, 115] == 0
    without = fetch(client, client.post("/api/masks", json=order | {"combine": "subtract"}).raise_for_status().json())
    assert without[100, 160] == 0 and without[62, 115] == 255


def test_transparency_becomes_the_mask_where_none_is_painted(client: httpx.Client, ids: dict[str, str]) -> None:
    made = fetch(client, client.post("/api/masks", json={"operation": "alpha", "picture": ids["picture"]}).raise_for_status().json())
    assert (made[:, :20] == 255).all() and not made[:, 20:].any()


def test_object_and_background(client: httpx.Client, ids: dict[str, str]) -> None:
    if not (ROOT / NETWORK).is_file():
        pytest.skip(f"{NETWORK} is missing: run `python launch.py` once with a network connection")
    picture = {"picture": ids["picture"]}
    ways = {
        "click": {"operation": "object", **picture, "x": 160, "y": 100},
        "box": {"operation": "object", **picture, "box": [100.2, 40, 220, 160.7]},
        "subject": {"operation": "object", **picture},
    }
    truth = Image.new("L", SIZE)
    ImageDraw.Draw(truth).ellipse((110, 50, 210, 150), fill=255)
    wanted = np.asarray(truth) > 0
    for name, order in ways.items():
        found = fetch(client, client.post("/api/masks", json=order).raise_for_status().json()) > 127
        share = (found & wanted).sum() / (found | wanted).sum()
        print(f"{name}: {share:.3f}")
        assert share > 0.97
    rest = fetch(client, client.post("/api/masks", json={"operation": "background", **picture}).raise_for_status().json())
    assert (rest[wanted] < 128).mean() > 0.97 and (rest[~wanted] > 127).mean() > 0.97


BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "unknown operation": ({"operation": "melt"}, 422, "operation"),
    "unknown field": ({"operation": "invert", "radius": 3}, 422, "radius"),
    "no id": ({"operation": "invert", "mask": "../../etc/passwd"}, 422, "mask"),
    "unknown asset": ({"operation": "invert", "mask": UNKNOWN}, 404, "no picture is kept"),
    "nothing to work on": ({"operation": "invert", "mask": None, "picture": None}, 422, "picture"),
    "no px": ({"operation": "grow", "px": None}, 422, "px: got None"),
    "negative px": ({"operation": "grow", "px": -1}, 422, "px: got -1"),
    "huge px": ({"operation": "feather", "px": 1e9}, 422, "px: got 1000000000"),
    "px in words": ({"operation": "grow", "px": "many"}, 422, "px"),
    "no other": ({"operation": "union"}, 422, "other"),
    "unknown combine": ({"operation": "bucket", "x": 1, "y": 1, "combine": "xor"}, 422, "combine"),
    "no point": ({"operation": "bucket"}, 422, "x: got None"),
    "half a point": ({"operation": "bucket", "x": 3}, 422, "y: got None"),
    "point outside": ({"operation": "bucket", "x": 300, "y": 1}, 422, "x: got 300, wanted a pixel of the picture, 0 to 299"),
    "tolerance": ({"operation": "bucket", "x": 3, "y": 3, "tolerance": 256}, 422, "tolerance"),
    "box outside": ({"operation": "object", "box": [10, 10, 310, 50]}, 422, "box"),
    "box turned round": ({"operation": "object", "box": [50, 50, 10, 10]}, 422, "box"),
    "box of three": ({"operation": "object", "box": [1, 2, 3]}, 422, "box"),
    "box and point": ({"operation": "object", "box": [1, 2, 30, 40], "x": 1, "y": 1}, 422, "not both"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name(client: httpx.Client, ids: dict[str, str], name: str) -> None:
    body, status, words = BAD[name]
    answer = client.post("/api/masks", json={**ids, **body})
    assert answer.status_code == status, answer.text
    assert words in answer.text


def test_sizes_must_agree(client: httpx.Client, ids: dict[str, str]) -> None:
    small = upload(client, Image.new("L", (120, 200), 255))
    answer = client.post("/api/masks", json={"operation": "grow", "px": 3, "picture": ids["picture"], "mask": small})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "mask: got '120x200', wanted a mask of the picture's size, 300x200"
    answer = client.post("/api/masks", json={"operation": "union", **ids, "other": small})
    assert answer.status_code == 422 and "or of the same shape" in answer.json()["detail"]


def test_many_at_once(client: httpx.Client, ids: dict[str, str]) -> None:
    """Requests run beside each other, and the same one gives the same mask."""
    orders = [{"operation": "grow", **ids, "px": px % 4 + 1} for px in range(16)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda order: client.post("/api/masks", json=order).raise_for_status().json()["id"], orders))
    assert made == made[:4] * 4 and len(set(made)) == 4


def test_a_large_mask_comes_back_soon(client: httpx.Client) -> None:
    """4096 x 4096 over HTTP: decode, work, encode, keep. Printed; the limit is a multiple of encoding that mask once here."""
    mask = Image.new("L", (4096, 4096))
    ImageDraw.Draw(mask).ellipse((900, 700, 3100, 3300), fill=255)
    started = time.perf_counter()
    asset = upload(client, mask)
    upload_s = time.perf_counter() - started
    for order in ({"operation": "invert"}, {"operation": "grow", "px": 20}, {"operation": "feather", "px": 20}):
        started = time.perf_counter()
        client.post("/api/masks", json={**order, "mask": asset}).raise_for_status()
        took_s = time.perf_counter() - started
        print(f"{order['operation']} at 4096 x 4096 over HTTP: {took_s * 1000:.0f} ms (uploading the mask took {upload_s * 1000:.0f} ms)")
        assert took_s < max(10.0, 10 * upload_s)


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server from a checkout without fetched files."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("modules", "scripts", "extensions-builtin"):
        (root / name).symlink_to(ROOT / name)
    (root / "models").mkdir()
    running = start_server(root / "data", take_port(), "--nowebui", root=root)
    yield running
    running.stop()
    shutil.rmtree(root, ignore_errors=True)


def test_without_the_network_a_click_says_how_to_get_it_and_a_box_works(blind: Server, scenery: Image.Image) -> None:
    with blind.client() as client:
        picture = {"picture": upload(client, scenery)}
        for order in ({"operation": "object", "x": 160, "y": 100}, {"operation": "object"}, {"operation": "background"}):
            answer = client.post("/api/masks", json=order | picture)
            assert answer.status_code == 503
            assert answer.json()["error"] == "MissingModel"
            assert "u2netp.onnx" in answer.json()["detail"] and "`python launch.py`" in answer.json()["detail"]
        made = client.post("/api/masks", json={"operation": "object", "box": [100, 40, 220, 160]} | picture).raise_for_status().json()
        assert made["hints"] == ["without_network"] and "u2netp.onnx is missing" in made["notes"][0]
        assert fetch(client, made)[100, 160] == 255
