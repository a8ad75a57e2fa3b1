"""/api/heat_map."""

from __future__ import annotations

import io

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image


def keep(client: TestClient, image: Image.Image) -> str:
    data = io.BytesIO()
    image.save(data, "PNG")
    return str(client.post("/api/assets", content=data.getvalue()).json()["id"])


def test_a_heat_map_is_a_picture_to_lay_over_the_result(client: TestClient) -> None:
    before, mask = Image.new("RGB", (40, 30), "teal"), Image.new("L", (40, 30))
    after = before.copy()
    after.paste((255, 200, 0), (10, 10, 20, 20))
    mask.paste(255, (8, 8, 22, 22))
    ids = {"start": keep(client, before), "result": keep(client, after), "mask": keep(client, mask)}
    reply = client.get("/api/heat_map", params=ids)
    assert reply.status_code == 200 and reply.headers["content-type"] == "image/png" and "immutable" in reply.headers["cache-control"]
    drawn = np.asarray(Image.open(io.BytesIO(reply.content)))
    assert drawn.shape == (30, 40, 4) and drawn[15, 15, 3] > 0 and drawn[2, 2, 3] == 0


def test_pictures_that_do_not_fit_or_are_gone_are_refused(client: TestClient) -> None:
    one, other = keep(client, Image.new("RGB", (40, 30))), keep(client, Image.new("RGB", (8, 8)))
    assert client.get("/api/heat_map", params={"start": one, "result": other}).status_code == 422
    assert client.get("/api/heat_map", params={"start": one, "result": "0" * 64}).status_code == 404
    assert client.get("/api/heat_map", params={"start": one}).status_code == 422
