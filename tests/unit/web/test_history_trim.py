"""/api/history/trim: counted first, deleted when it is meant."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image
from starlette.testclient import TestClient

from .conftest import encode
from .test_history import make

TINY_GIB = 1e-9


def test_trimming_is_counted_before_it_is_done(client: TestClient, picture: str) -> None:
    for _ in range(3):
        make(client, picture)
    counted = client.post("/api/history/trim", json={"budget_gib": TINY_GIB}).json()
    assert counted["entries"] == 3 and client.get("/api/history").json()["total"] == 3
    done = client.post("/api/history/trim", json={"budget_gib": TINY_GIB, "dry_run": False}).json()
    assert done["entries"] == 3 and client.get("/api/history").json()["total"] == 0


def test_within_the_budget_nothing_goes(client: TestClient, picture: str) -> None:
    make(client, picture)
    for body in ({"dry_run": False}, {"budget_gib": 0, "dry_run": False}):
        assert client.post("/api/history/trim", json=body).json() == {"entries": 0, "bytes": 0}
    assert client.post("/api/history/trim", json={"budget_gib": -1}).status_code == 422
    assert client.get("/api/history").json()["total"] == 1


def test_nobody_makes_room_at_the_cost_of_others(make_client: Callable[..., TestClient], picture: str) -> None:
    client, ann, bob = make_client(api_auth="ann:1,bob:2"), ("ann", "1"), ("bob", "2")
    make(client, picture, auth=ann)
    make(client, encode(Image.new("RGB", (8, 8), "red")), auth=bob)
    body = {"budget_gib": TINY_GIB, "dry_run": False}
    assert client.post("/api/history/trim", json=body, auth=bob).json()["entries"] == 1
    assert [client.get("/api/history", auth=who).json()["total"] for who in (ann, bob)] == [1, 0]
