"""/api/history/trim: counted first, deleted when it is meant."""

from __future__ import annotations

from starlette.testclient import TestClient

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
