"""Scripts over HTTP: their lists, their values, and the titles that A1111's clients send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.api.conftest import take_port
from tests.api.serving import decode, encode, infotexts, start_server

SOFT = "Soft inpainting"
VALUES = [True, 2, 1, 8, 0.5, 0.25, 4]
PAGE_ONLY = {"Seed": {"args": [-1, False, -1, 0, 0, 0]}, "Sampler": {"args": [20, "DPM++ 2M", "Automatic"]}, "Refiner": {"args": [False]}}
EXTENSION = """
from modules import scripts
class Painter(scripts.Script):
    def title(self):
        return "Painter"
    def show(self, is_img2img):
        return scripts.AlwaysVisible
    def process(self, p, *args):
        p.extra_generation_params["Painter"] = scripts.basedir().rpartition("/")[2] or "none"
    def process_batch(self, p, *args, **kwargs):
        raise KeyError("out of paint")
"""


def test_lists_have_a1111s_shape(client: httpx.Client) -> None:
    names = client.get("/sdapi/v1/scripts").json()
    assert names.keys() == {"txt2img", "img2img"} and "soft inpainting" in names["img2img"] and "soft inpainting" not in names["txt2img"]
    infos = client.get("/sdapi/v1/script-info").json()
    (soft,) = [info for info in infos if info["name"] == "soft inpainting"]
    assert (soft["is_alwayson"], soft["is_img2img"]) == (True, True)
    empty = {"minimum": None, "maximum": None, "step": None, "choices": None}
    assert soft["args"][0] == {"label": SOFT, "value": False, **empty}
    assert soft["args"][1] == {"label": "Schedule bias", "value": 1, "minimum": 0, "maximum": 8, "step": 0.1, "choices": None}
    assert [entry["value"] for entry in soft["args"]] == [False, 1, 0.5, 4, 0, 0.5, 2]
    report = client.get("/api/scripts").json()
    assert SOFT in report["alwayson"] and report["broken"] == []


@pytest.mark.parametrize("title", ["Soft Inpainting", "soft inpainting"])
def test_values_reach_an_always_on_script(client: httpx.Client, request_body: dict[str, Any], mask: Image.Image, title: str) -> None:
    body = request_body | {"mask": encode(mask), "inpaint_full_res": False, "inpainting_fill": 1}
    plain = client.post("/sdapi/v1/img2img", json=body).json()
    reply = client.post("/sdapi/v1/img2img", json=body | {"alwayson_scripts": {title: {"args": VALUES}, **PAGE_ONLY}}).json()
    assert "Soft inpainting schedule bias: 2, Soft inpainting preservation strength: 1, " in infotexts(reply)[0]
    assert "Soft" not in infotexts(plain)[0]
    before, after = (np.asarray(decode(entry["images"][0])) for entry in (plain, reply))
    assert before.shape == after.shape and (before != after).any()
    few = client.post("/sdapi/v1/img2img", json=body | {"alwayson_scripts": {title: {"args": [True]}}}).json()
    assert "schedule bias: 1, Soft inpainting preservation strength: 0.5, " in infotexts(few)[0]


def test_titles_of_a1111s_page_change_nothing(client: httpx.Client, request_body: dict[str, Any]) -> None:
    plain = client.post("/sdapi/v1/img2img", json=request_body).json()
    named = client.post("/sdapi/v1/img2img", json=request_body | {"alwayson_scripts": PAGE_ONLY}).json()
    assert named["images"] == plain["images"]


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"alwayson_scripts": {"Loopback": {"args": []}}}, "Cannot have a selectable script in the always on scripts params"),
        ({"script_name": "no such script"}, "Script 'no such script' not found"),
        ({"script_name": SOFT}, f"Script '{SOFT}' not found"),
        ({"alwayson_scripts": {"no such": {"args": []}}}, "Script 'no such' not found"),
    ],
)
def test_refusals_are_a1111s(client: httpx.Client, request_body: dict[str, Any], fields: dict[str, Any], detail: str) -> None:
    reply = client.post("/sdapi/v1/img2img", json=request_body | fields)
    assert (reply.status_code, reply.json()["detail"]) == (422, detail)


def test_an_extension_takes_part_and_its_faults_cost_no_picture(tmp_path: Path, tiny_models: Path, request_body: dict[str, Any]) -> None:
    folder = tmp_path / "extensions" / "painters" / "scripts"
    folder.mkdir(parents=True)
    (folder / "painter.py").write_text(EXTENSION)
    (folder / "zz_broken.py").write_text("from nowhere import nothing")
    (tmp_path / "config.json").write_text(json.dumps({"sd_model_checkpoint": "tiny_sd15.safetensors"}))
    server = start_server(tmp_path, take_port(), "--nowebui", "--no-half", "--ckpt-dir", str(tiny_models))
    with server.client() as client:
        reply = client.post("/sdapi/v1/img2img", json=request_body)
        assert reply.status_code == 200 and len(reply.json()["images"]) == 1
        assert "Painter: " in infotexts(reply.json())[0]
        notes = json.loads(reply.json()["info"])["pentimento"]["notes"]
        assert notes == ["Script Painter failed in process_batch and was skipped: KeyError: 'out of paint'"]
        broken, skipped = client.get("/api/scripts").json()["broken"]
    assert broken == {
        "file": "zz_broken.py",
        "extension": "painters",
        "stage": "import",
        "reason": "ModuleNotFoundError: No module named 'nowhere'",
    }
    assert (skipped["file"], skipped["stage"]) == ("painter.py", "process_batch")
    server.process.terminate()
    server.process.wait(120)


def test_a_cell_of_a_plot_over_models_equals_the_ordinary_request(client: httpx.Client, request_body: dict[str, Any]) -> None:
    names = ["tiny_sd15_inpaint.safetensors", "tiny_sd15.safetensors"]
    args = ["checkpoint NAME", "", names, "Clip skip", "2", [], "Nothing", "", [], True, True]
    reply = client.post("/sdapi/v1/img2img", json=request_body | {"script_name": "x/y/z Plot", "script_args": args}).json()
    info = json.loads(reply["info"])
    assert info["index_of_first_image"] == 1 and "X Type: Checkpoint name" in info["infotexts"][0]
    for name, picture, infotext in zip(names, reply["images"][1:], info["infotexts"][1:], strict=True):
        settings = {"sd_model_checkpoint": name, "CLIP_stop_at_last_layers": 2}
        alone = client.post("/sdapi/v1/img2img", json=request_body | {"override_settings": settings}).json()
        assert np.array_equal(np.asarray(decode(picture)), np.asarray(decode(alone["images"][0]))) and infotext == infotexts(alone)[0]
    refused = client.post("/sdapi/v1/img2img", json=request_body | {"script_name": "X/Y/Z plot", "script_args": ["VAE", "nobody"]})
    assert refused.status_code == 422 and "VAE: got 'nobody'" in refused.text


def test_a_model_that_is_not_there_is_said_before_the_first_line_is_run(client: httpx.Client, request_body: dict[str, Any]) -> None:
    lines = ["--sd_model tiny_sd15.safetensors --prompt one", "two", "--sd_model nobody --prompt three"]
    body = {"script_name": "Prompts from file or textbox", "script_args": [False, False, "start", "\n".join(lines)]}
    refused = client.post("/sdapi/v1/img2img", json=request_body | body)
    assert refused.status_code == 422 and "line 3, --sd_model: got 'nobody', wanted one of" in refused.text
    body["script_args"][-1] = "\n".join(lines[:2])  # type: ignore[index]
    reply = client.post("/sdapi/v1/img2img", json=request_body | body).json()
    assert ["Model: tiny_sd15" in text for text in infotexts(reply)] == [True, True]


def test_safe_leaves_all_scripts_out(tmp_path: Path, tiny_models: Path) -> None:
    server = start_server(tmp_path, take_port(), "--nowebui", "--safe", "--ckpt-dir", str(tiny_models))
    with server.client() as client:
        assert client.get("/sdapi/v1/scripts").json() == {"txt2img": [], "img2img": []}
    server.stop()
