"""Known models come from the hub whole, checked, and from where they stopped."""

from __future__ import annotations

import json
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.backends import known_models
from modules.backends.known_models import APACHE_2, KNOWN_MODELS, LAYERED, KnownModel, find_known
from modules.base.errors import DownloadFailed, InvalidRequest, SaveFailed, UnknownName
from modules.runtime.downloads import downloads as downloads_module
from modules.runtime.downloads import fetching
from modules.runtime.downloads.downloads import Downloads
from modules.runtime.downloads.fetching import Stopped, fetch_model
from modules.runtime.downloads.hub import Hub
from modules.runtime.jobs import JobState
from modules.runtime.memory_queue import MemoryJobQueue
from tests.unit.runtime.downloads.hub_stand_in import HubStandIn, serving

DATA = bytes(range(256)) * 4000
MODEL = KnownModel("tiny.safetensors", "For tests.", "someone/tiny", ("tiny.safetensors",), None, len(DATA), APACHE_2, aliases=("wee",))
FOLDER = KnownModel("Tiny-Layered", "For tests.", "someone/tiny", ("model_index.json", "vae/*"), None, len(DATA), APACHE_2, LAYERED)


class Watch:
    """Stops when so many bytes are there."""

    def __init__(self, stop_at: float = float("inf")) -> None:
        self.told: list[tuple[int, int, str]] = []
        self.stop_at = stop_at

    def tell(self, done: int, total: int, doing: str) -> None:
        self.told.append((done, total, doing))

    def is_interrupted(self) -> bool:
        return bool(self.told) and self.told[-1][0] >= self.stop_at


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandIn]:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 64_000)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    parts = {"model_index.json": b'{"a": 1}', "vae/a.safetensors": DATA[:1000], "vae/c.json": b"{}"}
    files = {"tiny.safetensors": DATA, "README.md": b"no", **parts}
    with serving(HubStandIn(MODEL.repo, files)) as running:
        yield running


def fetch(hub: HubStandIn, models: Path, model: KnownModel = MODEL, watch: Watch | None = None) -> str:
    return fetch_model(model, models, Hub(hub.endpoint), watch or Watch())


def left_over(models: Path) -> list[str]:
    return [path.name for path in models.rglob("*") if path.is_file() and path.suffix != ".lock" and path.name != MODEL.name]


def test_a_model_arrives_whole_with_progress_and_only_once(hub: HubStandIn, tmp_path: Path) -> None:
    watch = Watch()
    fetch(hub, tmp_path, watch=watch)
    assert (tmp_path / "Stable-diffusion" / MODEL.name).read_bytes() == DATA
    assert watch.told[0][0] == 0 and watch.told[-1] == (len(DATA), len(DATA), "checking")
    assert sorted(done for done, _, _ in watch.told) == [done for done, _, _ in watch.told] and len(watch.told) > 10
    assert left_over(tmp_path) == []
    tokens = {path.startswith("/blob/"): token for _, path, _, token in hub.asked}
    assert tokens == {False: "Bearer hf_secret", True: ""}, "the token goes to the hub, and not to where it redirects"
    before = len(hub.asked)
    fetch(hub, tmp_path)
    assert len(hub.asked) == before


def test_a_cut_connection_is_taken_up_again_at_the_byte(hub: HubStandIn, tmp_path: Path) -> None:
    hub.cuts = [300_000, 200_000]
    fetch(hub, tmp_path)
    assert (tmp_path / "Stable-diffusion" / MODEL.name).read_bytes() == DATA
    starts = [int(wanted[6:-1]) for wanted in hub.ranges() if wanted]
    assert len(starts) == 2 and 200_000 < starts[0] <= 300_000 < starts[1] <= 500_000


def test_an_interrupted_fetch_goes_on_in_the_next_run(hub: HubStandIn, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        fetch(hub, tmp_path, watch=Watch(500_000))
    begun = fetching.begun_bytes(MODEL, tmp_path)
    assert 300_000 < begun <= 600_000 and not fetching.is_there(MODEL, tmp_path)
    watch = Watch()
    fetch(hub, tmp_path, watch=watch)
    assert watch.told[0][0] == begun and hub.ranges()[-1] == f"bytes={begun}-"
    assert (tmp_path / "Stable-diffusion" / MODEL.name).read_bytes() == DATA


def test_a_new_version_on_the_hub_does_not_go_on_with_the_old_part(hub: HubStandIn, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        fetch(hub, tmp_path, watch=Watch(500_000))
    hub.files["tiny.safetensors"] = DATA[::-1]
    fetch(hub, tmp_path)
    assert (tmp_path / "Stable-diffusion" / MODEL.name).read_bytes() == DATA[::-1] and left_over(tmp_path) == []


def test_a_folder_arrives_with_its_wanted_files_alone(hub: HubStandIn, tmp_path: Path) -> None:
    hub.files["vae/../../evil.json"] = b"evil"
    fetch(hub, tmp_path, FOLDER)
    folder = tmp_path / "Layered" / FOLDER.name
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "model_index.json", "vae/a.safetensors", "vae/c.json",
    ]  # fmt: skip
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize("model", [MODEL, FOLDER])
def test_damaged_bytes_are_refused_and_removed(hub: HubStandIn, tmp_path: Path, model: KnownModel) -> None:
    hub.damage = True
    with pytest.raises(DownloadFailed, match="damaged"):
        fetch(hub, tmp_path, model)
    assert not fetching.is_there(model, tmp_path) and left_over(tmp_path) == []


def test_another_file_than_the_known_one_is_not_fetched(hub: HubStandIn, tmp_path: Path) -> None:
    pinned = KnownModel(**{**vars(MODEL), "sha256": "0" * 64})
    with pytest.raises(DownloadFailed, match="another file"):
        fetch(hub, tmp_path, pinned)
    assert hub.ranges() == []


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (404, "RepoNotFound", "someone/tiny is not on"),
        (401, "", "HF_TOKEN"),
        (403, "GatedRepo", "HF_TOKEN"),
        (503, "", "status 503"),
    ],
)
def test_a_hub_that_says_no_is_told_in_words(hub: HubStandIn, tmp_path: Path, status: int, code: str, words: str) -> None:
    hub.status, hub.error_code = status, code
    with pytest.raises(DownloadFailed, match=words):
        fetch(hub, tmp_path)


def test_what_is_missing_or_out_of_reach_is_told_in_words(hub: HubStandIn, tmp_path: Path) -> None:
    del hub.files["tiny.safetensors"]
    with pytest.raises(DownloadFailed, match=r"has no tiny\.safetensors"):
        fetch(hub, tmp_path)
    with pytest.raises(DownloadFailed, match="HF_ENDPOINT"):
        fetch_model(MODEL, tmp_path, Hub("http://127.0.0.1:9"), Watch())


def test_too_little_room_is_told_before_anything_comes(hub: HubStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage(1, 1, 1000))
    with pytest.raises(SaveFailed, match="make room"):
        fetch(hub, tmp_path)
    assert hub.ranges() == []


def make_downloads(hub: HubStandIn, folder: Path, fetched: list[Any] | None = None) -> Downloads:
    found = fetched if fetched is not None else []
    queue = MemoryJobQueue(lambda job: None)
    return Downloads(folder / "models", folder / "downloads.json", queue, lambda path, sha256: found.append((path, sha256)), hub.endpoint)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_models, "KNOWN_MODELS", (MODEL,))
    monkeypatch.setattr(downloads_module, "KNOWN_MODELS", (MODEL,))


@pytest.mark.usefixtures("known")
def test_a_fetch_is_a_job_that_needs_agreement(hub: HubStandIn, tmp_path: Path) -> None:
    fetched: list[Any] = []
    downloads = make_downloads(hub, tmp_path, fetched)
    with pytest.raises(UnknownName):
        downloads.get("other.safetensors", has_agreed=True, owner="me")
    with pytest.raises(InvalidRequest, match="Apache License"):
        downloads.get("tiny", has_agreed=False, owner="me")
    hub.gate = threading.Event()
    job = downloads.get("sub/WEE.ckpt", has_agreed=True, owner="me")
    assert downloads.get("tiny.safetensors", has_agreed=True, owner="me") is job
    with pytest.raises(InvalidRequest, match="nobody else"):
        downloads.get("tiny", has_agreed=True, owner="you")
    assert downloads.known("me")[0]["job"] == job.id and downloads.known("you")[0]["job"] is None
    hub.gate.set()
    assert job.wait(20) and job.state is JobState.DONE and job.progress == 1
    path = tmp_path / "models" / "Stable-diffusion" / MODEL.name
    assert [found for found, _ in fetched] == [path] and path.read_bytes() == DATA
    assert downloads.known("me")[0]["is_there"] and json.loads((tmp_path / "downloads.json").read_text()) == []


@pytest.mark.usefixtures("known")
def test_a_job_that_is_interrupted_stops_and_a_failed_one_says_why(hub: HubStandIn, tmp_path: Path) -> None:
    downloads = make_downloads(hub, tmp_path)
    hub.gate = threading.Event()
    job = downloads.get("tiny", has_agreed=True, owner="me")
    job.interrupt()
    hub.gate.set()
    assert job.wait(20) and job.state is JobState.INTERRUPTED and make_downloads(hub, tmp_path).resume() == []
    hub.damage = True
    job = downloads.get("tiny", has_agreed=True, owner="me")
    assert job.wait(20) and job.state is JobState.FAILED and isinstance(job.error, DownloadFailed)


@pytest.mark.usefixtures("known")
def test_a_restart_goes_on_with_what_was_not_finished(hub: HubStandIn, tmp_path: Path) -> None:
    before = make_downloads(hub, tmp_path)
    hub.cuts, hub.gate_after_cut = [500_000], threading.Event()
    job = before.get("tiny", has_agreed=True, owner="me", user="me")
    while job.step < 300:
        job.wait_change(job.version, 0.05)
    before.close()
    hub.gate_after_cut.set()
    assert job.wait(60) and job.state is JobState.INTERRUPTED and fetching.begun_bytes(MODEL, tmp_path / "models") > 0
    after = make_downloads(hub, tmp_path)
    (resumed,) = after.resume()
    assert (resumed.id, resumed.owner, resumed.user) == (job.id, "me", "me")
    assert resumed.wait(20) and resumed.state is JobState.DONE and hub.ranges()[-1].startswith("bytes=")
    assert (tmp_path / "models" / "Stable-diffusion" / MODEL.name).read_bytes() == DATA


def test_the_table_knows_the_tutorial_s_models_by_the_names_that_workflows_use() -> None:
    names = {
        "512-inpainting-ema.safetensors": "512-inpainting-ema.safetensors",
        "SD2\\512-inpainting-ema.ckpt": "512-inpainting-ema.safetensors",
        "v1-5-pruned-emaonly.ckpt": "v1-5-pruned-emaonly.safetensors",
        "sd1.5/v1-5-pruned-emaonly-fp16.safetensors": "v1-5-pruned-emaonly-fp16.safetensors",
        "sd-v1-5-inpainting.ckpt": "sd-v1-5-inpainting.safetensors",
        "Qwen-Image-Layered": "Qwen-Image-Layered",
    }
    for name, wanted in names.items():
        found = find_known(name)
        assert found is not None and found.name == wanted
    assert find_known("dreamshaper_8.safetensors") is None and find_known("") is None
    every = [name for model in KNOWN_MODELS for name in (model.name, *model.aliases)]
    assert len({name.casefold() for name in every}) == len(every)
    assert all(model.sha256 is None or len(model.sha256) == 64 for model in KNOWN_MODELS)
