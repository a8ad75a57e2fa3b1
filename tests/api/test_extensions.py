"""Extensions in A1111's idioms on a running program: they do their work over the API, and broken or hostile ones cost nobody a picture."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.api.conftest import SIZE_PX, take_port
from tests.api.serving import Server, decode, encode, infotexts, start_server

EXTENSIONS = Path(__file__).parents[1] / "data" / "extensions"
OURS = ("blank-start", "broken", "frame-maker", "half-sigma", "hostile", "masked-tiles", "prompt-words", "size-presets")
TILE = 32


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Iterator[Server]:
    """The program with its page and all these extensions, broken and hostile ones among them."""
    data = tmp_path_factory.mktemp("extended")
    (data / "config.json").write_text(json.dumps({"sd_model_checkpoint": "tiny_sd15.safetensors"}))
    for name in OURS:
        shutil.copytree(EXTENSIONS / name, data / "extensions" / name)
    running = start_server(data, take_port(), "--no-half", "--ckpt-dir", str(tiny_models))
    yield running
    running.process.terminate()
    running.process.wait(120)


@pytest.fixture(scope="module")
def guest(extended: Server) -> Iterator[httpx.Client]:
    with extended.client() as client:
        yield client


def paint(client: httpx.Client, body: dict[str, Any]) -> tuple[np.ndarray[Any, Any], str, dict[str, Any]]:
    """First picture, its infotext, and the info object of a request that must succeed."""
    reply = client.post("/sdapi/v1/img2img", json=body)
    assert reply.status_code == 200, reply.text
    found = reply.json()
    return np.asarray(decode(found["images"][0]).convert("RGB")), infotexts(found)[0], json.loads(found["info"])


def always(title: str, *values: Any) -> dict[str, Any]:
    return {"alwayson_scripts": {title: {"args": list(values)}}}


def test_broken_and_hostile_extensions_cost_no_picture(
    client: httpx.Client, guest: httpx.Client, extended: Server, request_body: dict[str, Any], mask: Image.Image
) -> None:
    body = request_body | {"mask": encode(mask), "inpaint_full_res": False, "save_images": True}
    plain, _, _ = paint(client, body)
    painted, text, info = paint(guest, body)
    assert np.array_equal(plain, painted)
    assert text.startswith("Steps: 2") or "Steps: 2" in text
    said = " ".join(info["pentimento"]["notes"])
    for wanted in ("Broken hooks failed in before_process", "Hostile failed in before_process", "Hostile failed in process"):
        assert wanted in said
    for hook in (
        "postprocess_batch_list",
        "postprocess_image",
        "postprocess_maskoverlay",
        "postprocess_image_after_composite",
        "postprocess",
    ):
        assert "Hostile" in said and hook in said, (hook, said)
    assert not list(extended.data.parent.glob("outside*")) and not list(extended.data.glob("outside*"))
    assert [path for path in (extended.data / "outputs").rglob("*.png") if "store" not in path.parts]


def test_what_is_broken_is_listed(guest: httpx.Client) -> None:
    report = guest.get("/api/scripts").json()
    broken = {(Path(entry["file"]).name, entry["stage"]) for entry in report["broken"]}
    assert {("broken_import.py", "import"), ("broken_ui.py", "ui")} <= broken
    assert any(entry["stage"] in ("callback", "on_ui_tabs", "ui_tabs") or "tabs" in entry["stage"] for entry in report["broken"]), broken
    names = guest.get("/sdapi/v1/scripts").json()["img2img"]
    assert {"masked tiles", "prompt words", "blank start", "half sigma", "size presets", "broken run"} <= set(names)
    assert not {"broken controls", "junk controls"} & set(names)


@pytest.mark.parametrize(("script", "word"), [("Broken run", "broken in run"), ("Taker", "not Processed")])
def test_a_selected_script_that_fails_is_named(guest: httpx.Client, request_body: dict[str, Any], script: str, word: str) -> None:
    reply = guest.post("/sdapi/v1/img2img", json=request_body | {"script_name": script})
    assert reply.status_code == 500 and script in reply.text and word in reply.text


def test_tiles_are_painted_one_by_one(guest: httpx.Client, request_body: dict[str, Any], photo: Image.Image) -> None:
    """Every other tile: the rest is left alone to the pixel; values come by position, and the last may be left out."""
    before = np.asarray(photo)
    painted, text, info = paint(guest, request_body | {"script_name": "masked TILES", "script_args": [TILE, 1], "seed": 5})
    changed = (painted != before).any(axis=2)
    assert painted.shape == before.shape
    cells = {(x, y): changed[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE].mean() for x in (0, 1) for y in (0, 1)}
    assert cells[0, 1] == cells[1, 0] == 0 and min(cells[0, 0], cells[1, 1]) > 0.5
    assert f"Masked tile: {TILE}" in text and info["all_seeds"] is not None
    everywhere, _, _ = paint(guest, request_body | {"script_name": "Masked tiles", "script_args": [TILE]})
    assert (everywhere != before).any(axis=2).mean() > 0.5


def test_prompts_are_rewritten(guest: httpx.Client, request_body: dict[str, Any]) -> None:
    body = request_body | {"prompt": "a __colour__ __animal__"}
    _, text, info = paint(guest, body | always("Prompt words", True, "on grass"))
    assert "__" not in info["all_prompts"][0] and info["all_prompts"][0].endswith(", on grass")
    assert "Prompt words: on grass" in text
    _, plain, _ = paint(guest, body)
    assert "__colour__" in plain and "Prompt words" not in plain


def test_options_of_an_extension_are_options(guest: httpx.Client, request_body: dict[str, Any]) -> None:
    options = guest.get("/sdapi/v1/options").json()
    assert options["prompt_words_mark"] == "__" and options["prompt_words_count"] == 2
    body = request_body | {"prompt": "a %%animal%%"} | always("Prompt words", True)
    _, _, info = paint(guest, body | {"override_settings": {"prompt_words_mark": "%%"}})
    assert info["all_prompts"][0] in ("a cat", "a dog")
    assert guest.get("/sdapi/v1/options").json()["prompt_words_mark"] == "__"
    assert guest.post("/sdapi/v1/options", json={"prompt_words_mark": "##"}).status_code == 200
    assert guest.get("/sdapi/v1/options").json()["prompt_words_mark"] == "##"
    guest.post("/sdapi/v1/options", json={"prompt_words_mark": "__"})


def test_start_picture_and_fill_are_changed_before_the_job_is_planned(guest: httpx.Client, request_body: dict[str, Any]) -> None:
    _, text, info = paint(guest, request_body | {"denoising_strength": 0.9} | always("Blank start", True, "#ff0000"))
    assert "Blank start: #ff0000" in text and info["denoising_strength"] == 0.5
    kept, _, _ = paint(guest, request_body | {"denoising_strength": 0} | always("Blank start", True, "#ff0000"))
    photo, _, _ = paint(guest, request_body | {"denoising_strength": 0})
    assert np.ptp(kept.reshape(-1, 3).astype(int), axis=0).max() < np.ptp(photo.reshape(-1, 3).astype(int), axis=0).max()


def test_the_denoiser_calls_back(guest: httpx.Client, request_body: dict[str, Any]) -> None:
    body = request_body | {"denoising_strength": 1.0}
    plain, _, _ = paint(guest, body)
    halved, text, _ = paint(guest, body | always("Half sigma", True))
    assert "Half sigma calls: 2" in text or "Half sigma calls: 3" in text
    assert not np.array_equal(plain, halved)
    again, _, _ = paint(guest, body)
    assert np.array_equal(plain, again)


def test_an_extensions_routes_answer(guest: httpx.Client, photo: Image.Image) -> None:
    assert guest.get("/frame/version").json() == {"version": 1}
    reply = guest.post("/frame/make", json={"image": encode(photo), "width": 4})
    framed = decode(reply.json()["image"])
    assert framed.size == (SIZE_PX + 8, SIZE_PX + 8) and framed.getpixel((0, 0)) == (0, 255, 0)


def test_safe_mode_loads_none(tmp_path: Path) -> None:
    shutil.copytree(EXTENSIONS / "hostile", tmp_path / "extensions" / "hostile")
    server = start_server(tmp_path, take_port(), "--nowebui", "--safe")
    with server.client() as client:
        report = client.get("/api/scripts").json()
    server.stop()
    assert report["alwayson"] == [] and report["broken"] == []
