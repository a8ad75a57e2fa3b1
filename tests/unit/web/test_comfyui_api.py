"""ComfyUI's routes with `--comfy-api`, on graphs that need no model."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.testclient import TestClient, WebSocketDenialResponse

from modules.runtime.jobs import Job
from modules.runtime.session import Session
from modules.runtime.workflows.counter import Counter
from modules.web.api.assets import upload_limit

SIZE = (24, 16)
ANN, BOB = ("ann", "secret"), ("bob", "hidden")
PATHS = ("", "/api")


def png(alpha: int | None = None, colour: tuple[int, int, int] = (200, 100, 50), **texts: str) -> bytes:
    image = Image.new("RGB", SIZE, colour)
    if alpha is not None:
        image.putalpha(Image.new("L", SIZE, alpha))
    buffer = io.BytesIO()
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    image.save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def invert(name: str = "cat.png", prefix: str = "out") -> dict[str, Any]:
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": name}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}, "_meta": {"title": "Turn"}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": prefix}},
    }


@pytest.fixture
def comfy(make_client: Callable[..., TestClient]) -> TestClient:
    client = make_client(comfy_api=True)
    upload(client)
    return client


def upload(client: TestClient, data: bytes | None = None, name: str = "cat.png", **fields: Any) -> Any:
    auth = fields.pop("auth", None)
    reply = client.post(fields.pop("to", "/upload/image"), files={"image": (name, data or png())}, data=fields, auth=auth)
    return reply.json() if reply.status_code == 200 else reply


def session_of(client: TestClient) -> Session:
    session: Session = client.app.state.session  # type: ignore[attr-defined]
    return session


def post(client: TestClient, graph: Any, auth: Any = None, **fields: Any) -> str:
    reply = client.post("/prompt", json={"prompt": graph, **fields}, auth=auth)
    assert reply.status_code == 200, reply.text
    job = session_of(client).queue.find(reply.json()["prompt_id"])
    assert job is not None and job.wait(20)
    return str(job.id)


def test_a_posted_graph_is_run_and_its_pictures_are_given(comfy: TestClient) -> None:
    drawn = {"nodes": [{"id": 1}], "links": []}
    job = post(comfy, invert(prefix="sub/out"), client_id="c", extra_data={"extra_pnginfo": {"workflow": drawn}})
    for base in PATHS:
        record = comfy.get(f"{base}/history/{job}").json()[job]
        assert record["outputs"] == {"3": {"images": [{"filename": "out_00001_.png", "subfolder": "sub", "type": "output"}]}}
        assert record["status"]["status_str"] == "success" and record["status"]["completed"] is True
        said = [kind for kind, _ in record["status"]["messages"]]
        assert said == ["execution_start", "execution_cached", "execution_success"]
    assert record["prompt"][1:2] == [job] and record["prompt"][2]["2"]["class_type"] == "ImageInvert" and record["prompt"][4] == ["3"]
    reply = comfy.get("/view", params=record["outputs"]["3"]["images"][0])
    assert reply.headers["content-type"] == "image/png" and reply.headers["x-content-type-options"] == "nosniff"
    image = Image.open(io.BytesIO(reply.content))
    assert np.asarray(image).reshape(-1, 3)[0].tolist() == [54, 155, 205] and image.size == SIZE
    assert json.loads(image.info["prompt"])["3"]["inputs"]["filename_prefix"] == "sub/out" and json.loads(image.info["workflow"]) == drawn
    entry = comfy.get("/api/history", params={"mode": "workflow"}).json()["entries"][0]
    assert entry["job_id"] == job and entry["saved_as"] == "out_00001_.png"


def test_results_of_before_a_restart_are_still_given(comfy: TestClient) -> None:
    job = post(comfy, invert(prefix="sub/out"))
    session = session_of(comfy)
    revived = session.history.jobs.recall(job)
    assert revived is not None
    later = Counter(session.workflows, cast(Any, SimpleNamespace(jobs=lambda: [revived])))
    record = later.history(revived.owner, job)[job]
    assert record["outputs"] == {"3": {"images": [{"filename": "out_00001_.png", "subfolder": "sub", "type": "output"}]}}
    assert record["status"]["status_str"] == "success" and later.history("somebody else") == {}


def test_what_an_earlier_run_had_done_is_listed(comfy: TestClient) -> None:
    record = [comfy.get(f"/history/{job}").json()[job] for job in (post(comfy, invert()), post(comfy, invert()))]
    cached = [dict(one["status"]["messages"])["execution_cached"]["nodes"] for one in record]
    assert cached == [[], ["2"]]


def test_a_body_that_hides_its_length_is_bounded_all_the_same(comfy: TestClient) -> None:
    session_of(comfy).options.update({"img_max_size_mp": 1})
    file = io.BytesIO(b"x" * (upload_limit(session_of(comfy)) + (2 << 20)))
    content = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    parts = itertools.chain([content], iter(lambda: file.read(1 << 16), b""), [b"\r\n--b--\r\n"])
    reply = comfy.post("/upload/image", content=parts, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert reply.status_code == 413


def test_histories_are_listed_and_forgotten(comfy: TestClient) -> None:
    jobs = [post(comfy, invert(prefix=f"p{number}")) for number in range(3)]
    assert list(comfy.get("/history").json()) == jobs
    assert (
        list(comfy.get("/api/history?max_items=2").json()) == jobs[1:]
        and list(comfy.get("/history?max_items=1&offset=0").json()) == jobs[:1]
    )
    assert "entries" in comfy.get("/api/history").json()  # our own
    comfy.post("/api/history", json={"delete": [jobs[1]]})
    assert list(comfy.get("/history").json()) == [jobs[0], jobs[2]] and comfy.get("/history/nobody").json() == {}
    comfy.post("/history", json={"clear": True})
    assert comfy.get("/history").json() == {} and comfy.get("/api/history").json()["total"] == 3


@pytest.mark.parametrize(
    ("change", "kind", "node_kind"),
    [
        (lambda graph: graph.clear(), "prompt_no_outputs", None),
        (lambda graph: graph.pop("3"), "prompt_no_outputs", None),
        (lambda graph: graph["2"].update(class_type="Nobody"), "invalid_prompt", None),
        (
            lambda graph: graph["3"]["inputs"].update(filename_prefix="../b"),
            "prompt_outputs_failed_validation",
            "custom_validation_failed",
        ),
        (lambda graph: graph["2"].pop("class_type"), "invalid_prompt", None),
        (lambda graph: graph["2"]["inputs"].clear(), "prompt_outputs_failed_validation", "required_input_missing"),
        (lambda graph: graph["2"]["inputs"].update(image=["9", 0]), "prompt_outputs_failed_validation", "bad_linked_input"),
        (lambda graph: graph["2"]["inputs"].update(image=["1", 1]), "prompt_outputs_failed_validation", "return_type_mismatch"),
        (lambda graph: graph["2"]["inputs"].update(image=["2", 0]), "prompt_outputs_failed_validation", "dependency_cycle"),
        (lambda graph: graph["1"]["inputs"].update(image="gone.png"), "prompt_outputs_failed_validation", "custom_validation_failed"),
        (lambda graph: graph["1"]["inputs"].update(image="../../x.png"), "prompt_outputs_failed_validation", "custom_validation_failed"),
        (
            lambda graph: (
                graph.update({"1": {"class_type": "SolidMask", "inputs": {"value": 2, "width": 0, "height": 64}}})
                or graph.update({"2": {"class_type": "MaskToImage", "inputs": {"mask": ["1", 0]}}})
            ),
            "prompt_outputs_failed_validation",
            "value_bigger_than_max",
        ),
        (
            lambda graph: (
                graph.update({"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "gone.safetensors"}}})
                or graph["2"].update(class_type="VAEDecode", inputs={"samples": ["4", 0], "vae": ["1", 2]})
                or graph.update({"4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}}})
            ),
            "prompt_outputs_failed_validation",
            "value_not_in_list",
        ),
    ],
)
def test_what_cannot_run_is_refused_in_comfyuis_words(
    comfy: TestClient, change: Callable[[Any], Any], kind: str, node_kind: str | None
) -> None:
    graph = invert()
    change(graph)
    reply = comfy.post("/prompt", json={"prompt": graph})
    body = reply.json()
    assert reply.status_code == 400 and body["error"]["type"] == kind and body["error"]["message"]
    kinds = {error["type"] for entry in body["node_errors"].values() for error in entry["errors"]}
    assert node_kind is None or node_kind in kinds, body
    assert all(entry["dependent_outputs"] == ["3"] and entry["class_type"] for entry in body["node_errors"].values())


def test_bodies_that_are_no_prompts_are_refused(comfy: TestClient) -> None:
    assert comfy.post("/prompt", json={}).json()["error"]["type"] == "no_prompt"
    assert comfy.post("/prompt", content=b"{").status_code == 400 and comfy.post("/prompt", json=[1]).status_code == 400
    assert comfy.post("/queue", json=[1]).status_code == 400


def test_outputs_that_can_run_do(comfy: TestClient) -> None:
    graph = invert()
    graph["4"] = {"class_type": "SaveImage", "inputs": {"images": ["9", 0], "filename_prefix": "x"}}
    reply = comfy.post("/prompt", json={"prompt": graph})
    assert reply.status_code == 200 and list(reply.json()["node_errors"]) == ["4"]
    job = session_of(comfy).queue.find(reply.json()["prompt_id"])
    assert job is not None and job.wait(20) and list(comfy.get("/history").json()[job.id]["outputs"]) == ["3"]


def test_a_failing_node_is_named(comfy: TestClient) -> None:
    graph = invert()
    graph["2"] = {"class_type": "ImageCrop", "inputs": {"image": ["1", 0], "width": 8, "height": 8, "x": 0, "y": 0}}
    with comfy.websocket_connect("/ws?clientId=me") as socket:
        socket.receive_json()
        session_of(comfy).workflows.folders.find("cat.png").write_bytes(b"broken meanwhile")
        job = post(comfy, graph, client_id="me")
        messages: list[Any] = []
        while not messages or messages[-1]["data"].get("node", "") is not None:
            messages.append(socket.receive_json())
    failed = next(message["data"] for message in messages if message["type"] == "execution_error")
    assert (failed["node_id"], failed["node_type"], failed["prompt_id"]) == ("1", "LoadImage", job) and failed["exception_message"]
    status = comfy.get(f"/history/{job}").json()[job]["status"]
    assert status["status_str"] == "error" and status["completed"] is False


def test_a_client_hears_of_its_own_jobs(comfy: TestClient) -> None:
    graph = invert()
    graph["4"] = {"class_type": "SaveImageWebsocket", "inputs": {"images": ["2", 0]}}
    with comfy.websocket_connect("/ws?clientId=me") as mine, comfy.websocket_connect("/api/ws?clientId=other") as other:
        first = mine.receive_json()
        assert first == {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": "me"}}
        other.receive_json()
        mine.send_json({"type": "feature_flags", "data": {}})
        assert mine.receive_json()["type"] == "feature_flags"
        job = post(comfy, graph, client_id="me")
        heard: list[Any] = []
        while not heard or heard[-1] != {"type": "executing", "data": {"node": None, "display_node": None, "prompt_id": job}}:
            message = mine.receive()
            heard.append(json.loads(message["text"]) if message.get("text") else message["bytes"])
        assert mine.receive_json()["data"]["status"]["exec_info"]["queue_remaining"] == 0
        others = [other.receive_json()["type"] for _ in range(2)]
    pictures = [message for message in heard if isinstance(message, bytes)]
    assert (
        len(pictures) == 1 and pictures[0][:8] == bytes([0, 0, 0, 1, 0, 0, 0, 2]) and Image.open(io.BytesIO(pictures[0][8:])).size == SIZE
    )
    told = [message for message in heard if not isinstance(message, bytes)]
    kinds = [message["type"] for message in told if message["type"] != "status"]
    assert kinds[:2] == ["execution_start", "execution_cached"] and kinds[-2:] == ["execution_success", "executing"]
    executed = [message["data"] for message in told if message["type"] == "executed"]
    assert [(one["node"], one["output"]["images"][0]["filename"]) for one in executed] == [("3", "out_00001_.png")]
    assert others == ["status", "status"] and all(message["data"].get("prompt_id", job) == job for message in told)


def test_jobs_wait_are_dropped_and_interrupted(comfy: TestClient, pipeline: Any, picture: str) -> None:
    session, pipeline.is_held = session_of(comfy), True
    held = session.submit(_request(picture), "someone")
    assert pipeline.has_begun.wait(60)
    ids = [comfy.post("/prompt", json={"prompt": invert(), "prompt_id": f"p{number}"}).json()["prompt_id"] for number in range(3)]
    assert ids == ["p0", "p1", "p2"]
    assert [entry[1] for entry in comfy.get("/queue").json()["queue_pending"]] == ids
    assert comfy.get("/prompt").json() == {"exec_info": {"queue_remaining": 4}}
    comfy.post("/interrupt")  # another's job runs
    assert not held.is_interrupted
    comfy.post("/queue", json={"delete": ["p1"]})
    assert [entry[1] for entry in comfy.get("/queue").json()["queue_pending"]] == ["p0", "p2"]
    comfy.post("/queue", json={"clear": True})
    assert comfy.get("/queue").json() == {"queue_running": [], "queue_pending": []} and not held.is_interrupted
    assert comfy.get("/history").json() == {}  # as ComfyUI's: what never began has no record
    assert comfy.post("/prompt", json={"prompt": invert(), "prompt_id": "p1"}).json()["prompt_id"] != "p1"
    pipeline.may_end.set()


def _request(picture: str) -> Any:
    from modules.imaging.picture import decode_base64_image
    from modules.pipeline.processing import Img2ImgProcessing

    return Img2ImgProcessing(init_images=[decode_base64_image(picture).image])


def test_nodes_and_models_are_listed(comfy: TestClient) -> None:
    for base in PATHS:
        nodes = comfy.get(f"{base}/object_info").json()
        assert nodes["LoadImage"]["input"]["required"]["image"][0] == ["cat.png"] and len(nodes) > 40
        assert comfy.get(f"{base}/object_info/KSampler").json()["KSampler"] == nodes["KSampler"]
        assert comfy.get(f"{base}/object_info/Nobody").json() == {} and comfy.get(f"{base}/embeddings").json() == []
        assert "checkpoints" in comfy.get(f"{base}/models").json() and comfy.get(f"{base}/models/vae").json() == []
        assert comfy.get(f"{base}/models/elsewhere").status_code == 404
        assert comfy.get(f"{base}/system_stats").json()["devices"] and comfy.get(f"{base}/features").json()["max_upload_size"] > 0


def test_uploads_are_kept_once_by_name_and_content(comfy: TestClient) -> None:
    assert upload(comfy) == {"name": "cat.png", "subfolder": "", "type": "input"}
    assert upload(comfy, png(colour=(1, 2, 3)), to="/api/upload/image")["name"] == "cat (1).png"
    assert upload(comfy, png(colour=(1, 2, 4)), overwrite="true")["name"] == "cat.png"
    assert upload(comfy, subfolder="a/b", type="temp") == {"name": "cat.png", "subfolder": "a/b", "type": "temp"}
    assert upload(comfy, b"nothing").status_code == 400
    for fields in ({"name": "../x.png"}, {"subfolder": "../.."}, {"type": "etc"}, {"name": "x.html"}):
        assert upload(comfy, None, **fields).status_code == 400, fields
    assert comfy.post("/upload/image", data={"type": "input"}).status_code == 400


def test_a_mask_is_laid_onto_its_original(comfy: TestClient) -> None:
    upload(comfy, png(prompt="{}"), "base.png")
    fields = {"original_ref": json.dumps({"filename": "base.png", "type": "input"}), "subfolder": "clipspace", "to": "/upload/mask"}
    kept = upload(comfy, png(alpha=30, colour=(0, 0, 0)), "clipspace-mask-1.png", **fields)
    assert kept == {"name": "clipspace-mask-1.png", "subfolder": "clipspace", "type": "input"}
    view = {"filename": kept["name"], "subfolder": "clipspace", "type": "input"}
    image = Image.open(io.BytesIO(comfy.get("/view", params=view).content))
    assert image.getpixel((0, 0)) == (200, 100, 50, 30) and image.info["prompt"] == "{}"
    part = {channel: Image.open(io.BytesIO(comfy.get("/view", params=view | {"channel": channel}).content)) for channel in ("rgb", "a")}
    assert part["rgb"].mode == "RGB" and part["a"].getchannel("A").getpixel((0, 0)) == 30
    small = comfy.get("/view", params=view | {"preview": "jpeg;50"})
    assert small.headers["content-type"] == "image/jpeg" and Image.open(io.BytesIO(small.content)).format == "JPEG"
    for bad in ("{", "[]", '{"filename": "gone.png"}', '{"filename": "../../config.json", "type": "input"}'):
        assert upload(comfy, png(alpha=1), **(fields | {"original_ref": bad})).status_code == 400


@pytest.mark.parametrize("name", ["../config.json", "/etc/passwd", "..\\config.json", "gone.png", "notes.txt"])
def test_only_pictures_inside_are_shown(comfy: TestClient, tmp_path: Path, name: str) -> None:
    (tmp_path / "input" / "notes.txt").write_text("private")
    (tmp_path / "config.json").write_text("{}")
    for params in ({"filename": name}, {"filename": f"{name} [input]"}, {"filename": "x.png", "subfolder": name}):
        assert comfy.get("/view", params={"type": "input", **params}).status_code in (400, 404)


def test_without_the_flag_the_routes_are_not_there(client: TestClient) -> None:
    for path in ("/prompt", "/view", "/object_info", "/api/queue", "/api/prompt", "/system_stats"):
        assert client.get(path).status_code == 404
    assert client.post("/prompt", json={"prompt": invert()}).status_code == 404


def test_logins_guard_every_route_and_keep_jobs_apart(make_client: Callable[..., TestClient]) -> None:
    client = make_client(comfy_api=True, api_auth="ann:secret,bob:hidden")
    open_paths = "/prompt /queue /history /object_info /view?filename=a.png /system_stats /embeddings /models /features".split()
    assert {client.get(base + path).status_code for base in PATHS for path in open_paths if base + path != "/api/history"} == {401}
    for path in ("/prompt", "/queue", "/interrupt", "/history", "/upload/image", "/upload/mask"):
        assert client.post(path, json={}).status_code == 401
    with pytest.raises(WebSocketDenialResponse), client.websocket_connect("/ws"):
        pass
    upload(client, auth=ANN)
    job = post(client, invert(), ANN, client_id="ann")
    shown = client.get(f"/history/{job}", auth=ANN).json()[job]["outputs"]["3"]["images"][0]
    assert client.get("/view", params=shown, auth=ANN).status_code == 200 and client.get("/view", params=shown, auth=BOB).status_code == 404
    assert client.get(f"/history/{job}", auth=BOB).json() == {} and client.get("/history", auth=BOB).json() == {}
    assert client.post("/prompt", json={"prompt": invert()}, auth=BOB).status_code == 400  # Ann's picture
    client.post("/history", json={"clear": True}, auth=BOB)
    assert job in client.get("/history", auth=ANN).json()
    assert client.post("/prompt", json={"prompt": invert(), "prompt_id": job}, auth=BOB).json().get("prompt_id") != job


def test_pages_of_others_reach_neither_routes_nor_socket(comfy: TestClient) -> None:
    foreign = {"Origin": "http://evil.example"}
    assert comfy.post("/prompt", json={"prompt": invert()}, headers=foreign).status_code == 403
    assert comfy.get("/history", headers={"Host": "evil.example"}).status_code == 403
    for headers in (foreign, {"Host": "evil.example"}):
        with pytest.raises(WebSocketDenialResponse) as refused, comfy.websocket_connect("/ws", headers=headers):
            pass
        assert refused.value.status_code == 403


def test_a_job_of_our_own_page_is_in_the_history_too(comfy: TestClient) -> None:
    opened = comfy.post("/api/workflows/open?name=w.json", content=json.dumps(invert()).encode()).json()
    job = comfy.post(f"/api/workflows/{opened['id']}/run", json={}).json()["job"]
    found: Job | None = session_of(comfy).queue.find(job)
    assert found is not None and found.wait(20) and list(comfy.get(f"/history/{job}").json()[job]["outputs"]) == ["3"]
