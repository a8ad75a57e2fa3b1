"""/api/history."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from modules.runtime.jobs import Job
from modules.runtime.recipe import Recipe
from modules.runtime.session import Session


def make(client: TestClient, picture: str, auth: tuple[str, str] | None = None, **fields: Any) -> None:
    body = {"init_images": [picture], "prompt": "a cat", **fields}
    reply = client.post("/sdapi/v1/img2img", json=body, **({"auth": auth} if auth else {}))
    assert reply.status_code == 200, reply.text


def test_a_result_is_listed_with_its_recipe_and_pictures(client: TestClient, picture: str) -> None:
    make(client, picture, steps=7, mask=picture)
    page = client.get("/api/history").json()
    assert (page["total"], page["next"], page["problem"]) == (1, None, "")
    (entry,) = page["entries"]
    assert (entry["prompt"], entry["mode"], entry["recipe"]["fields"]["steps"]) == ("a cat", "inpaint_upload", 7)
    assert entry["infotext"].startswith("a cat") and entry["seed"] == 5 and not entry["is_missing"]
    for asset in (entry["result"], entry["recipe"]["picture"], entry["recipe"]["mask"]):
        assert Image.open(io.BytesIO(client.get(f"/api/assets/{asset}").content)).size == (8, 8)
    assert client.get(f"/api/history/{entry['id']}").json() == entry
    assert "owner" not in entry


def test_results_are_searched_by_page(client: TestClient, picture: str) -> None:
    for prompt in ("a red fox", "a blue fox", "红狐"):
        make(client, picture, prompt=prompt)
    one = client.get("/api/history", params={"words": "fox", "limit": 1}).json()
    two = client.get("/api/history", params={"words": "fox", "limit": 1, "before": one["next"]}).json()
    assert [page["entries"][0]["recipe"]["fields"]["prompt"] for page in (one, two)] == ["a blue fox", "a red fox"]
    assert (one["total"], two["total"], two["next"]) == (2, 2, None)
    assert client.get("/api/history", params={"words": "狐"}).json()["total"] == 1
    assert client.get("/api/history", params={"mode": "sketch"}).json()["total"] == 0
    assert client.get("/api/history/models").json() == [""]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "since=yesterday", "mode=dance", "before=x", "before=-1", f"before={2**63}"])
def test_what_cannot_be_asked_is_refused(client: TestClient, query: str) -> None:
    reply = client.get(f"/api/history?{query}")
    assert reply.status_code == 422 and query.partition("=")[0] in reply.text


def test_results_are_deleted(client: TestClient, picture: str) -> None:
    for _ in range(3):
        make(client, picture)
    ids = [entry["id"] for entry in client.get("/api/history").json()["entries"]]
    assert client.delete(f"/api/history/{ids[0]}").json() == {"deleted": 1}
    assert client.delete(f"/api/history/{ids[0]}").status_code == 404
    assert client.post("/api/history/delete", json={"ids": [*ids, 99]}).json() == {"deleted": 2}
    assert client.get(f"/api/history/{ids[1]}").status_code == 404
    usage = client.get("/api/history/usage").json()
    assert (usage["entries"], usage["budget_bytes"], usage["problem"]) == (0, 20 << 30, "")


def test_nothing_is_kept_when_the_option_is_off(client: TestClient, picture: str) -> None:
    client.post("/sdapi/v1/options", json={"history_enabled": False})
    make(client, picture)
    assert client.get("/api/history").json()["total"] == 0


def test_with_logins_everybody_sees_the_own_results(make_client: Callable[..., TestClient], picture: str) -> None:
    client, ann, bob = make_client(api_auth="ann:1,bob:2"), ("ann", "1"), ("bob", "2")
    make(client, picture, ann), make(client, picture, bob)
    assert client.get("/api/history").status_code == 401
    (own,) = client.get("/api/history", auth=ann).json()["entries"]
    (other,) = client.get("/api/history", auth=bob).json()["entries"]
    assert own["id"] != other["id"] and client.get("/api/history/usage", auth=ann).json()["entries"] == 1
    assert client.get(f"/api/history/{other['id']}", auth=ann).status_code == 404
    assert client.delete(f"/api/history/{other['id']}", auth=ann).status_code == 404
    assert client.post("/api/history/delete", json={"ids": [other["id"]]}, auth=ann).json() == {"deleted": 0}
    assert client.get(f"/api/history/{other['id']}", auth=bob).status_code == 200


def test_a_saved_file_is_named_not_placed(client: TestClient, picture: str) -> None:
    session: Session = client.app.state.session  # type: ignore[attr-defined]
    saved = session.paths.outputs / "img2img-images" / "00000-5.png"
    saved.parent.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(saved)
    job = Job("page", None, recipe=Recipe())
    from modules.pipeline.processed import Processed

    job.result = Processed(None, [Image.new("RGB", (8, 8))], infotexts=[""])
    job.result.paths = [saved]
    session.history.record(job)
    text = client.get("/api/history").text
    assert '"saved_as":"00000-5.png"' in text and str(session.paths.data) not in text


def test_an_id_larger_than_any_is_refused(client: TestClient) -> None:
    for reply in (
        client.get(f"/api/history/{2**63}"),
        client.delete(f"/api/history/{2**63}"),
        client.post("/api/history/delete", json={"ids": [1, 2**63]}),
    ):
        assert reply.status_code == 422 and "id" in reply.text
    trim = client.post("/api/history/trim", json={"budget_gib": 1e308})
    assert trim.status_code == 422 and "budget_gib" in trim.text
