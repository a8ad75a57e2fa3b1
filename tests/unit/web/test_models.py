"""/api/models: the page hears of licences, fetches a model and follows it as a job that nobody's pictures wait for."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from modules.backends import known_models
from modules.base.paths import Paths
from modules.runtime.downloads import downloads
from modules.runtime.session import Session
from modules.settings.flags import Flags
from modules.web.server import create_app
from tests.unit.runtime.downloads.hub_stand_in import HubStandIn, serving
from tests.unit.runtime.downloads.test_downloads import DATA, MODEL

ROOT = Path(__file__).resolve().parents[3]


def test_a_model_is_fetched_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (known_models, downloads):
        monkeypatch.setattr(module, "KNOWN_MODELS", (MODEL,))
    session = Session(Paths.under(ROOT, tmp_path), Flags())
    client = TestClient(create_app(session, with_page=False), base_url="http://127.0.0.1", client=("127.0.0.1", 1))
    with serving(HubStandIn(MODEL.repo, {MODEL.name: DATA})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        (told,) = client.get("/api/models/known").json()
        assert told["licence"]["name"] == "Apache License 2.0" and told["licence"]["page"].startswith(hub.endpoint)
        assert (told["name"], told["is_there"], told["job"], told["folder"]) == (MODEL.name, False, None, "models/Stable-diffusion")
        refused = client.post("/api/models/get", json={"name": MODEL.name})
        assert refused.status_code == 422 and "Apache License" in refused.json()["detail"]
        assert client.post("/api/models/get", json={"name": "other", "agreed": True}).status_code == 422
        passed_on = client.post("/api/models/get", json={"name": MODEL.name, "agreed": True}, headers={"X-Forwarded-For": "192.0.2.1"})
        assert passed_on.status_code == 403 and hub.asked == []
        hub.gate = threading.Event()
        job = client.post("/api/models/get", json={"name": "wee.ckpt", "agreed": True}).json()["job"]
        assert client.get("/api/models/known").json()[0]["job"] == job
        state = client.get(f"/api/jobs/{job}").json()
        assert (state["kind"], state["state"], state["steps"]) == ("fetch", "running", 1000)
        assert client.get("/sdapi/v1/progress").json()["state"]["job_count"] == 0
        hub.gate.set()
        running = session.queue.find(job)
        assert running is not None and running.wait(20)
    assert client.get(f"/api/jobs/{job}").json()["state"] == "done" and client.get("/api/models/known").json()[0]["is_there"]
    assert [info.path.name for info in session.checkpoints()].count(MODEL.name) == 1
    session.close()
