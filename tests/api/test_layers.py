"""/api/layers on a running server with the built-in backend: apart, edited, two tabs, exported, brought back."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.api.serving import Server, encode

QUICK = {"texts": False, "subjects": False}
"""Without what takes seconds to load; its own tests have that."""


def call(client: httpx.Client, method: str, path: str, status: int = 200, **body: Any) -> Any:
    answer = client.request(method, f"/api/layers{path}", **({"json": body} if method == "POST" else {}))
    assert answer.status_code == status, answer.text
    return answer.json()


def picture(client: httpx.Client, document: str, path: str = "picture.png") -> Any:
    answer = client.get(f"/api/layers/{document}/{path}")
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


@pytest.fixture(scope="module")
def photo_px() -> Image.Image:
    """RGB, smooth with fine grain, so that texture is there."""
    random = np.random.default_rng(5)
    ramp = np.linspace(40, 200, 80)[None, :, None] + np.linspace(0, 30, 60)[:, None, None]
    return Image.fromarray(np.clip(ramp + random.normal(0, 6, (60, 80, 3)), 0, 255).astype(np.uint8))


@pytest.fixture
def document(client: httpx.Client, photo_px: Image.Image) -> str:
    """Id of a picture that was taken apart, with a square on top."""
    body = {"image": encode(photo_px), "name": "photo", "settings": QUICK, "wait": True}
    job = call(client, "POST", "/decompose", **body)
    assert job["state"] == "done" and job["document"] and job["progress"] == 1
    square = Image.new("RGBA", (20, 10), (255, 0, 0, 255))
    call(client, "POST", f"/{job['document']}/layers/new/picture", image=encode(square), revision=0)
    return str(job["document"])


def test_a_picture_comes_apart_and_recomposes_exactly(client: httpx.Client, document: str, photo_px: Image.Image) -> None:
    state = call(client, "GET", f"/{document}")
    layers = state["document"]["layers"]
    assert state["revision"] == 1 and state["can_undo"] and layers[0]["kind"] == "background"
    call(client, "POST", f"/{document}/undo", revision=1)
    assert np.array_equal(picture(client, document)[..., :3], np.asarray(photo_px))
    listed = call(client, "GET", "")
    assert listed[0]["id"] == document and (listed[0]["width"], listed[0]["height"]) == (80, 60)


def test_editing_one_layer_changes_nothing_outside_it(client: httpx.Client, document: str) -> None:
    state = call(client, "GET", f"/{document}")
    square = state["document"]["layers"][-1]["id"]
    before = picture(client, document)
    edits = [{"op": "set", "layer": square, "values": {"placement": {"left": 50, "top": 40}, "opacity": 0.5}}]
    state = call(client, "POST", f"/{document}/edits", revision=1, edits=edits)
    changed = (picture(client, document) != before).any(axis=2)
    changed[25:35, 30:50] = changed[40:50, 50:70] = False
    assert not changed.any() and state["revision"] == 2
    assert np.array_equal(picture(client, document, f"picture.png?only={square}")[45, 60], [255, 0, 0, 128])
    back = call(client, "POST", f"/{document}/undo", revision=2)
    assert back["can_redo"] and np.array_equal(picture(client, document), before)


def test_the_second_tab_is_told_and_loses_nothing(client: httpx.Client, document: str) -> None:
    mine = call(client, "GET", f"/{document}")["document"]
    call(client, "POST", f"/{document}/edits", revision=1, edits=[{"op": "document", "name": "theirs"}])
    refused = call(client, "POST", f"/{document}/edits", 409, revision=1, edits=[{"op": "document", "name": "mine"}])
    assert refused["error"] == "StaleRevision" and "another tab" in refused["detail"]
    copy = call(client, "POST", f"/{document}/copy", name="mine", document=mine)
    assert copy["document"]["name"] == "mine" and copy["document"]["id"] != document
    assert call(client, "GET", f"/{document}")["document"]["name"] == "theirs"


def test_pictures_are_kept_by_the_browser_until_they_change(client: httpx.Client, document: str) -> None:
    address = f"/api/layers/{document}/picture.png"
    first = client.get(address, params={"revision": 1})
    assert "immutable" in first.headers["cache-control"] and "no-cache" in client.get(address).headers["cache-control"]
    assert client.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    small = client.get(address, params={"max_side": 40})
    assert Image.open(io.BytesIO(small.content)).size == (40, 30)
    layer = call(client, "GET", f"/{document}")["document"]["layers"][0]["id"]
    own = client.get(f"/api/layers/{document}/layers/{layer}.png")
    assert Image.open(io.BytesIO(own.content)).size == (80, 60)
    again = {"If-None-Match": own.headers["etag"]}
    call(client, "POST", f"/{document}/edits", edits=[{"op": "set", "layer": layer, "values": {"placement": {"left": 4}}}])
    assert client.get(f"/api/layers/{document}/layers/{layer}.png", headers=again).status_code == 304
    thumbnail = client.get(f"/api/layers/{document}/layers/{layer}/thumbnail.png", params={"max_side": 16})
    assert max(Image.open(io.BytesIO(thumbnail.content)).size) == 16


@pytest.mark.parametrize("kind", ["zip", "psd", "layers"])
def test_what_goes_out_comes_back_exactly(client: httpx.Client, document: str, kind: str) -> None:
    out = client.get(f"/api/layers/{document}/export", params={"kind": kind})
    assert out.status_code == 200 and f"photo.{kind}" in out.headers["content-disposition"]
    back = client.post(f"/api/layers/import?name=back.{kind}", content=out.content)
    assert back.status_code == 200, back.text
    again = back.json()["document"]["id"]
    assert again != document and np.array_equal(picture(client, again), picture(client, document))


def test_exports_say_what_others_will_not_see(client: httpx.Client, document: str) -> None:
    png = client.get(f"/api/layers/{document}/export")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png.content))), picture(client, document)[..., :3])
    ora = client.get(f"/api/layers/{document}/export", params={"kind": "ora"})
    assert isinstance(json.loads(ora.headers["x-layers-notes"]), list)
    assert call(client, "GET", f"/{document}/export?kind=bmp", 422)["field"] == "kind"


def test_wrong_requests_are_answered_in_words(client: httpx.Client, document: str) -> None:
    assert call(client, "GET", "/nobodynobodynobody", 404)["error"] == "UnknownDocument"
    assert call(client, "GET", "/jobs/nothing", 404)
    body: dict[str, Any] = {"image": "no picture"}
    assert call(client, "POST", "/decompose", 422, **body)["field"] == "image"
    unknown = call(client, "POST", "/decompose", 422, image=encode(Image.new("RGB", (4, 4))), settings={"magic": 1})
    assert unknown["field"] == "settings" and "magic" in unknown["detail"]
    wrong = call(client, "POST", f"/{document}/edits", 422, revision=1, edits=[{"op": "explode"}])
    assert "explode" in wrong["detail"]
    assert call(client, "POST", f"/{document}/layers/nobody/text", 422, values={"string": "x"})["field"] == "layer"
    for data in (b"", b"nothing", b"PK\x05\x06" + bytes(18)):
        assert client.post("/api/layers/import?name=x.zip", content=data).status_code == 422
    assert client.post("/api/layers/fonts", content=b"no font").status_code == 422
    assert call(client, "GET", f"/{document}")["revision"] == 1, "nothing was changed"


def test_backends_and_fonts_are_listed(client: httpx.Client) -> None:
    backends = {entry["name"]: entry for entry in call(client, "GET", "/backends")}
    assert backends["built-in"]["why_not"] == "" and "Layered" in backends["qwen-image-layered"]["why_not"]
    assert {"name", "type", "default", "choices"} <= set(backends["built-in"]["settings"][0])
    assert all({"family", "has_chinese"} <= set(font) for font in call(client, "GET", "/fonts"))
    missing = call(client, "POST", "/decompose", 503, image=encode(Image.new("RGB", (4, 4))), backend="qwen-image-layered")
    assert missing["error"] == "MissingModel"


def test_a_layer_goes_to_inpaint_and_comes_back(client: httpx.Client, document: str) -> None:
    square = call(client, "GET", f"/{document}")["document"]["layers"][-1]["id"]
    start = call(client, "POST", f"/{document}/layers/{square}/repaint")
    assert start["box"] == [30, 25, 20, 10]
    before = picture(client, document)
    call(client, "POST", f"/{document}/layers/{square}/repaint", revision=1, result=encode(Image.new("RGB", (80, 60), "blue")))
    changed = (picture(client, document) != before).any(axis=2)
    assert changed[25:35, 30:50].all() and changed.sum() == 200


def test_a_deleted_document_can_be_restored(client: httpx.Client, document: str) -> None:
    client.delete(f"/api/layers/{document}").raise_for_status()
    assert client.get(f"/api/layers/{document}").status_code == 404
    assert call(client, "POST", f"/{document}/restore")["id"] == document
    assert call(client, "GET", f"/{document}")["document"]["id"] == document


def test_a_folder_and_a_table(client: httpx.Client, server: Server, document: str, photo_px: Image.Image) -> None:
    folder: Path = server.data / "mine"
    folder.mkdir()
    photo_px.save(folder / "a.png")
    (folder / "b.png").write_bytes(b"nothing")
    body = {"folder": "mine", "output_folder": "outputs/apart", "settings": QUICK, "wait": True}
    job = call(client, "POST", "/batch", **body)
    assert (job["state"], job["done"], job["failed"], job["total"]) == ("done", 1, 1, 2)
    assert [trouble["name"] for trouble in job["troubles"]] == ["b.png"] and Path(job["output"]).name == "apart"
    report = json.loads((server.data / "outputs" / "apart" / "report.json").read_text())
    assert [entry["state"] for entry in report["pictures"]] == ["done", "failed"]
    table = "name,background,size\n甲,a.png,40x30\n乙,none.png,\n"
    body = {"document": document, "table": table, "folder": "mine", "output_folder": "outputs/made", "wait": True}
    job = call(client, "POST", "/table", **body)
    assert (job["work"], job["done"], job["failed"]) == ("table", 1, 1)
    with Image.open(server.data / "outputs" / "made" / "甲.png") as made:
        assert made.size == (40, 30)
    refused = call(client, "POST", "/table", 422, **{**body, "table": "text:Nobody\nx\n"})
    assert refused["field"] == "table" and "background:background" in refused["detail"]
    assert call(client, "POST", "/batch", 422, folder="nowhere", output_folder="outputs/x")["field"] == "folder"
