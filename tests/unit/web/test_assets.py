"""/api/assets."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import ExifTags, Image
from starlette.testclient import TestClient


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_picture_is_uploaded_and_comes_back(client: TestClient) -> None:
    data = encode(Image.new("RGBA", (30, 20), (1, 2, 3, 4)))
    reply = client.post("/api/assets", content=data, headers={"X-File-Name": "%E7%8C%AB%20cat.png"})
    asset_id = hashlib.sha256(data).hexdigest()
    assert reply.json() == {"id": asset_id, "width": 30, "height": 20, "has_alpha": True, "name": "猫 cat.png", "notes": []}
    assert client.get(f"/api/assets/{asset_id}/info").json() == reply.json()
    for path in (f"/api/assets/{asset_id}", f"/api/assets/{asset_id}/view"):
        got = client.get(path)
        assert got.content == data and got.headers["content-type"] == "image/png"
        assert "immutable" in got.headers["cache-control"] and "private" in got.headers["cache-control"]
    thumbnail = client.get(f"/api/assets/{asset_id}/thumbnail?side_px=32")
    assert thumbnail.headers["content-type"] == "image/webp" and Image.open(io.BytesIO(thumbnail.content)).size == (30, 20)


def test_a_turned_photo_is_viewed_upright(client: TestClient) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 8
    asset = client.post("/api/assets", content=encode(Image.new("RGB", (30, 20)), "JPEG", exif=exif)).json()
    assert (asset["width"], asset["height"]) == (20, 30)
    view = Image.open(io.BytesIO(client.get(f"/api/assets/{asset['id']}/view").content))
    assert view.format == "PNG" and view.size == (20, 30)


@pytest.mark.parametrize(("data", "named"), [(b"", "body"), (b"hello", "image"), (encode(Image.new("RGB", (90, 90)))[:-60], "image")])
def test_what_is_no_whole_picture_is_refused_by_name(client: TestClient, data: bytes, named: str) -> None:
    reply = client.post("/api/assets", content=data)
    assert reply.status_code == 422 and f"{named}: got" in reply.json()["detail"]


def test_a_picture_of_too_many_pixels_is_refused(client: TestClient) -> None:
    client.post("/sdapi/v1/options", json={"img_max_size_mp": 1})
    reply = client.post("/api/assets", content=encode(Image.new("L", (1001, 1000))))
    assert reply.status_code == 422 and "megapixels" in reply.json()["detail"]


def test_a_huge_upload_is_refused_by_its_length(client: TestClient) -> None:
    client.post("/sdapi/v1/options", json={"img_max_size_mp": 1})
    announced = client.build_request("POST", "/api/assets", content=b"x", headers={"Content-Length": str(13_000_000)})
    assert client.send(announced).status_code == 413
    unannounced = client.post("/api/assets", content=iter([b"\0" * 7_000_000] * 2))
    assert unannounced.status_code == 413 and "img_max_size_mp" in unannounced.json()["detail"]


@pytest.mark.parametrize("asset_id", ["a" * 64, "A" * 64, "nonsense", "..%2F..%2Fconfig.json"])
def test_an_unknown_id_is_not_found(client: TestClient, asset_id: str) -> None:
    for path in ("", "/view", "/thumbnail", "/info"):
        assert client.get(f"/api/assets/{asset_id}{path}").status_code == 404


def test_a_login_is_asked_for_where_the_api_asks_for_one(make_client: Callable[..., TestClient]) -> None:
    client, data = make_client(api_auth="ann:secret"), encode(Image.new("RGB", (8, 8)))
    assert client.post("/api/assets", content=data).status_code == 401
    asset = client.post("/api/assets", content=data, auth=("ann", "secret")).json()
    assert client.get(f"/api/assets/{asset['id']}").status_code == 401
    assert client.get(f"/api/assets/{asset['id']}", auth=("ann", "secret")).status_code == 200


def test_pages_of_other_hosts_may_not_upload(client: TestClient) -> None:
    reply = client.post("/api/assets", content=encode(Image.new("RGB", (8, 8))), headers={"Origin": "https://evil.example"})
    assert reply.status_code == 403
