"""/api/workflows: what a file holds, what it lacks, and running it; on graphs that need no model."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.testclient import TestClient

from modules.runtime.jobs import Job
from modules.runtime.session import Session
from modules.runtime.workflows.model_files import CHECKPOINTS, ModelFile

GRAPH: dict[str, Any] = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "clipspace/mask.png [input]"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "out"}},
    "4": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
}


def png(**texts: str) -> bytes:
    info, buffer = PngInfo(), io.BytesIO()
    for name, text in texts.items():
        info.add_text(name, text)
    Image.new("RGB", (16, 8), (200, 100, 50)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def open_graph(client: TestClient, graph: Any = GRAPH, **query: str) -> dict[str, Any]:
    reply = client.post("/api/workflows/open", content=json.dumps(graph).encode(), params={"name": "w.json", **query})
    assert reply.status_code == 200, reply.text
    opened: dict[str, Any] = reply.json()
    return opened


def run(client: TestClient, workflow_id: str, **body: Any) -> dict[str, Any]:
    reply = client.post(f"/api/workflows/{workflow_id}/run", json=body)
    assert reply.status_code == 200, reply.text
    session: Session = client.app.state.session  # type: ignore[attr-defined]
    job: Job | None = session.queue.find(reply.json()["job"])
    assert job is not None and job.wait(20)
    told: dict[str, Any] = client.get(f"/api/jobs/{job.id}").json()
    return told


def test_a_workflow_says_what_it_lacks_and_runs_with_what_is_handed_in(client: TestClient) -> None:
    opened = open_graph(client)
    assert (opened["source"], opened["outputs"], opened["can_run"], opened["name"]) == ("api", ["3", "4"], False, "w.json")
    assert opened["pictures"] == [{"name": "clipspace/mask.png [input]", "asset": None, "nodes": ["1"]}]
    (missing,), (problem,) = opened["missing"], opened["problems"]
    assert (missing["kind"], missing["name"], missing["node"]) == ("picture", "clipspace/mask.png [input]", "1")
    assert problem["kind"] == "missing_picture" and problem["affects"] == ["3", "4"] and len(opened["drawing"]["nodes"]) == 4
    refused = client.post(f"/api/workflows/{opened['id']}/run", json={})
    assert refused.status_code == 422 and "clipspace/mask.png" in refused.text
    asset = client.post("/api/assets", content=png()).json()["id"]
    told = run(client, opened["id"], pictures={"clipspace/mask.png [input]": asset})
    assert told["state"] == "done" and told["kind"] == "workflow" and set(told["nodes_done"]) == {"1", "2", "3", "4"} and told["node"] == ""
    kinds = {(one["node"], one["type"], one["name"]) for one in told["results"]}
    assert {(node, kind) for node, kind, _ in kinds} == {("3", "output"), ("4", "temp")} and ("3", "output", "out_00001_.png") in kinds
    for one in told["results"]:
        assert Image.open(io.BytesIO(client.get(f"/api/assets/{one['asset']}").content)).size == (16, 8)
    entries = client.get("/api/history", params={"mode": "workflow"}).json()["entries"]
    assert [entry["saved_as"] for entry in entries] == ["out_00001_.png"] and entries[0]["recipe"]["workflow"]["outputs"] == ["3", "4"]
    again = client.get(f"/api/workflows/{opened['id']}").json()
    assert again["can_run"] and not again["problems"] and again["pictures"][0]["asset"] == asset


def test_widgets_can_be_set_for_a_run(client: TestClient) -> None:
    graph = {"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}}
    graph["2"] = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "out"}}
    opened = open_graph(client, graph)
    told = run(client, opened["id"], set={"1.color": 0x204060, "2.filename_prefix": "blue"})
    image = Image.open(io.BytesIO(client.get(f"/api/assets/{told['results'][0]['asset']}").content))
    assert image.getpixel((0, 0)) == (0x20, 0x40, 0x60) and told["results"][0]["name"] == "blue_00001_.png"
    assert json.loads(image.info["prompt"])["1"]["inputs"]["color"] == 0x204060
    for change in ({"9.color": 1}, {"1.nothing": 1}, {"1.color": "red"}, {"1.color": True}, {"2.images": 1}, {"1.width": 10**9}):
        assert client.post(f"/api/workflows/{opened['id']}/run", json={"set": change}).status_code == 422, change
    assert client.post(f"/api/workflows/{opened['id']}/run", json={"outputs": ["1"]}).status_code == 422
    assert client.post(f"/api/workflows/{opened['id']}/run", json={"pictures": {"x.png": "0" * 64}}).status_code == 422


def test_what_was_set_stands_in_the_drawing_too(client: TestClient) -> None:
    output = {"outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}]}
    nodes = [
        {"id": 1, "type": "EmptyImage", "widgets_values": [8, 8, 1, 0], **output},
        {"id": 2, "type": "SaveImage", "inputs": [{"name": "images", "type": "IMAGE", "link": 1}], "widgets_values": ["out"]},
    ]
    opened = open_graph(client, {"nodes": nodes, "links": [[1, 1, 0, 2, 0, "IMAGE"]], "version": 0.4})
    told = run(client, opened["id"], set={"1.color": 0x204060})
    image = client.get(f"/api/assets/{told['results'][0]['asset']}")
    assert json.loads(Image.open(io.BytesIO(image.content)).info["workflow"])["nodes"][0]["widgets_values"] == [8, 8, 1, 0x204060]
    again = client.post("/api/workflows/open", content=image.content).json()
    assert again["source"] == "ui" and not again["problems"]


def test_a_model_under_another_of_its_names_is_taken_and_said(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    session: Session = client.app.state.session  # type: ignore[attr-defined]
    name, asked = "tiny.safetensors", "tiny.ckpt"
    monkeypatch.setitem(session.workflows.models._sources, CHECKPOINTS, lambda: [ModelFile(name, Path(name))])
    graph: dict[str, Any] = {"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": f"SD/{asked}"}}}
    graph["2"] = {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 1]}}
    graph["3"] = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}
    graph["4"] = {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "out"}}
    opened = open_graph(client, graph)
    (problem,) = opened["problems"]
    assert (problem["kind"], problem["field"], problem["affects"]) == ("other_model", "ckpt_name", []) and not opened["missing"]
    assert (problem["got"], problem["wanted"]) == (f"SD/{asked}", name)
    job = client.post(f"/api/workflows/{opened['id']}/run", json={}).json()["job"]
    done = session.queue.find(job)
    assert done is not None and done.wait(20) and done.result.notes == [f"SD/{asked} is not here; {name} was taken for it"]
    written = json.loads(Image.open(io.BytesIO(done.result.paths[0].read_bytes())).info["prompt"])
    assert written["1"]["inputs"]["ckpt_name"] == name


def test_only_what_is_not_cut_off_runs(client: TestClient) -> None:
    graph = GRAPH | {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "NobodyKnows", "inputs": {"image": ["1", 0]}},
    }
    opened = open_graph(client, graph)
    (problem,) = opened["problems"]
    assert (problem["kind"], problem["node"], problem["affects"], opened["can_run"]) == ("unknown_node", "2", ["3"], True)
    assert {one["node"] for one in run(client, opened["id"])["results"]} == {"4"}


def test_a_picture_of_the_store_opens_and_its_workflow_is_given_back(client: TestClient) -> None:
    drawn = {"nodes": [{"id": 4, "type": "Note", "pos": [0, 0], "size": [9, 9], "widgets_values": ["hello"]}], "links": [], "version": 0.4}
    asset = client.post("/api/assets", content=png(prompt=json.dumps(GRAPH), workflow=json.dumps(drawn))).json()["id"]
    opened = client.post("/api/workflows/open", params={"asset": asset}).json()
    assert opened["outputs"] == ["3", "4"] and client.get(f"/api/workflows/{opened['id']}.json").json() == drawn
    plain = open_graph(client)
    assert client.get(f"/api/workflows/{plain['id']}.json").json()["2"]["class_type"] == "ImageInvert"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": 1}', png(), b"\x89PNG\r\n\x1a\n"])
def test_what_holds_no_workflow_is_refused_in_words(client: TestClient, content: bytes) -> None:
    reply = client.post("/api/workflows/open?name=x.png", content=content)
    assert reply.status_code == 422 and "wanted" in reply.json()["detail"]


def test_workflows_that_are_not_there_are_said_so(client: TestClient) -> None:
    for name in ("0" * 64, "nobody", "..%2F..%2Fconfig"):
        assert client.get(f"/api/workflows/{name}").status_code == 404
        assert client.post(f"/api/workflows/{name}/run", json={}).status_code == 404
    assert client.get("/api/workflows/bundled/nobody").status_code == 422


def test_the_bundled_workflows_open(client: TestClient) -> None:
    names = [one["name"] for one in client.get("/api/workflows/bundled").json()]
    assert names == ["inpaint", "layers"]
    for name in names:
        opened = client.post("/api/workflows/open", params={"bundled": name}).json()
        assert opened["source"] == "ui" and opened["outputs"] and not [one for one in opened["problems"] if one["kind"] == "unknown_node"]
        assert client.get(f"/api/workflows/{opened['id']}.json").json() == client.get(f"/api/workflows/bundled/{name}").json()


def test_a_failed_node_is_named(client: TestClient) -> None:
    session: Session = client.app.state.session  # type: ignore[attr-defined]
    session.workflows.folders.add(png(), "cat.png")
    opened = open_graph(client, GRAPH | {"1": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}}})
    session.workflows.folders.find("cat.png").write_bytes(b"broken")
    told = run(client, opened["id"])
    assert (told["state"], told["node"]) == ("failed", "1") and "LoadImage" in told["error"]
    assert client.get(f"/api/jobs/{told['id']}/preview").status_code == 404


def test_a_job_of_before_a_restart_is_made_again(client: TestClient) -> None:
    session: Session = client.app.state.session  # type: ignore[attr-defined]
    graph = {"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}}
    graph["2"] = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "out"}}
    recipe = session.workflows.order(session.workflows.opened.open(json.dumps(graph).encode()))
    session.history.jobs.submitted(Job("me", None, "workflow", recipe=recipe, id="cut-off"))
    (job,) = session.resume_jobs()
    assert job.id == "cut-off" and job.wait(20) and job.error is None and job.result.paths[0].name == "out_00001_.png"
