"""The form by ComfyUI's rules: it gives ComfyUI's pictures, its results carry workflows that give them again, and both ways back agree."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from modules.base.paths import Paths
from modules.pipeline.workflows.checking import check
from modules.pipeline.workflows.form import to_form
from modules.pipeline.workflows.form_pictures import fill_form
from modules.pipeline.workflows.graph import Workflow
from modules.pipeline.workflows.reading import read_object, read_workflow
from modules.pipeline.workflows.running import run_graph
from modules.runtime.session import Session
from modules.settings.flags import parse_flags
from modules.web.server import create_app
from tests.golden.comfyui_world import World

DATA = Path(__file__).parent / "data"
INPUTS, PICTURES = DATA / "inputs", DATA / "comfyui" / "pictures"
GIVEN = (
    *("vaeinpaint_alpha_mask", "vaeinpaint_odd_200x133", "vaeinpaint_gradient_mask", "noisemask_denoise0.6", "clip_skip2"),
    *("vaeinpaint_9ch", "inpaintmodel_noisemask_true_d0.6", "sampler_euler_batchless_img2img", "batch2_dpmpp_sde"),
)
"""Pictures of ComfyUI that cover what the form decides itself; all the others go through the same sampling as graphs."""
NAMES = ("euler", "euler_ancestral", "dpmpp_2m", "lcm", "ddim", "uni_pc"), ("normal", "karras", "simple", "sgm_uniform", "beta")
RANDOM_SEED = 20261122


class Studio:
    """A running program, and a world for graphs that has its input pictures."""

    def __init__(self, session: Session, client: TestClient, models: Path, vocabulary: Path, scratch: Path) -> None:
        self.session, self.client = session, client
        self._world = (models, vocabulary, scratch)

    def make(self, fields: dict[str, Any], start: Image.Image, mask: Image.Image | None) -> list[bytes]:
        pictures = {"init_images": [encoded(start)], **({} if mask is None else {"mask": encoded(mask)})}
        reply = self.client.post("/sdapi/v1/img2img", json=fields | pictures)
        assert reply.status_code == 200, reply.text
        return [base64.b64decode(text) for text in reply.json()["images"]]

    def read(self, name: str) -> bytes:
        asset = self.session.store.find_by_prefix(name.removeprefix("pentimento/").removesuffix(".png"))
        assert asset is not None, name
        return self.session.store.path(asset).read_bytes()

    def run(self, workflow: Workflow) -> list[Image.Image]:
        world = World(*self._world)
        world.picture = self.read  # type: ignore[method-assign]
        assert check(workflow.graph, {}) == []
        run_graph(workflow.graph, world)
        return next(iter(world.saved.values()))


@pytest.fixture(scope="module")
def studio(tiny_models: Path, vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    root, data = Path(__file__).parents[2], tmp_path_factory.mktemp("data")
    folders = [("--ckpt-dir", ""), ("--lora-dir", "lora"), ("--embeddings-dir", "embeddings")]
    flags = ["--no-half", *(word for flag, folder in folders for word in (flag, str(tiny_models / folder)))]
    session = Session(Paths.under(root, data), parse_flags(flags))
    session.options.update({"sd_model_checkpoint": "tiny_sd15.safetensors"})
    with TestClient(create_app(session, with_page=False), base_url="http://127.0.0.1") as client:
        yield Studio(session, client, tiny_models, vocabulary, data)


def encoded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> tuple[int, float]:
    assert one.size == other.size
    apart = np.abs(np.asarray(one, int) - np.asarray(other.convert("RGB"), int))
    return int(apart.max()), float(apart.mean())


@pytest.mark.parametrize("name", GIVEN)
def test_the_form_gives_comfyuis_picture(name: str, studio: Studio) -> None:
    first = PICTURES / f"{name}.0.png"
    match = to_form(read_workflow(first.read_bytes()).graph)
    assert match.why_not == ()
    filled = fill_form(match, lambda wanted: (INPUTS / wanted).read_bytes())
    assert filled.why_not == () and filled.start is not None
    made = studio.make(dict(filled.request), filled.start, filled.mask)
    for place, data in enumerate(made):
        with Image.open(first.with_name(f"{name}.{place}.png")) as wanted:
            most, mean = difference(opened(data), wanted)
        assert most <= 2 and mean <= 0.1, f"picture {place}: max {most}, mean {mean:.3f}"


def random_request(rng: np.random.Generator) -> tuple[dict[str, Any], Image.Image, Image.Image | None]:
    """Any form that ComfyUI's rules know, in small."""

    def pick(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    width, height = int(rng.integers(64, 105)), int(rng.integers(64, 105))
    start = Image.open(INPUTS / pick("cat_128.png", "coffee_96x192.png", "cat_200x133.png")).convert("RGB")
    start = start.crop((0, 0, width, height)) if width <= start.width and height <= start.height else start
    working = start.size if pick(True, False, False) else (pick(64, 72, 80), pick(64, 80))
    noise = Image.fromarray(rng.integers(0, 256, (9, 7), dtype=np.uint8)).resize(start.size, Image.Resampling.BICUBIC)
    mask = pick(None, noise.point([255 if value > 140 else 0 for value in range(256)]), noise)
    fields = {
        "prompt": pick("a (red:1.3) cat", "a [cat], ((sharp) focus", "", "a cat<lora:tiny_lora:0.5:0.7>"),
        "negative_prompt": pick("blurry", ""),
        "seed": int(rng.integers(2**40)),
        "steps": int(rng.integers(2, 4)),
        "cfg_scale": pick(1.0, 4.5, 7),
        "denoising_strength": pick(1.0, 0.75, 0.4),
        "sampler_name": pick(*NAMES[0]),
        "scheduler": pick(*NAMES[1]),
        "width": working[0],
        "height": working[1],
        "resize_mode": pick(0, 0, 1, 2),
        "batch_size": pick(1, 1, 1, 2),
        "n_iter": pick(1, 1, 2),
        "mask_blur": pick(0, 0, 3),
        "inpainting_fill": pick(0, 1, "neutral"),
        "grow_mask_by": pick(0, 6, 7),
        "inpaint_full_res": pick(False, True),
        "inpaint_full_res_padding": pick(0, 8),
        "inpainting_mask_invert": pick(0, 0, 1),
        "override_settings": {
            "compat": "comfyui",
            "sd_model_checkpoint": pick("tiny_sd15.safetensors", "tiny_sd15.safetensors", "tiny_sd15_inpaint.safetensors"),
            "CLIP_stop_at_last_layers": pick(1, 2),
            "overlay_inpaint": pick(True, False),
            "inpainting_mask_weight": pick(1.0, 0.0),
        },
    }
    return fields, start, mask


def check_round_trip(studio: Studio, case: int) -> None:
    """Request -> picture -> its workflow -> the graph's picture; -> the form that it opens as -> the same picture."""
    fields, start, mask = random_request(np.random.default_rng([RANDOM_SEED, case]))
    made = studio.make(fields, start, mask)
    data = made[-1]
    workflow = read_workflow(data)
    assert workflow.problems == (), workflow.problems
    shown = json.dumps(fields)
    graphs = studio.run(workflow)
    assert len(graphs) == 1
    most, _ = difference(opened(data), graphs[0])
    assert most <= 1, f"the graph's picture is {most} apart: {shown}"
    match = to_form(workflow.graph, workflow.drawing, workflow.extra)
    assert match.said == (("workflow_form.own", {}),)
    filled = fill_form(match, studio.read)
    assert filled.why_not == () and filled.start is not None
    again = studio.make(dict(filled.request), filled.start, filled.mask)
    place = (len(made) - 1) % fields["batch_size"]
    assert difference(opened(data), opened(again[place]))[0] == 0, shown


@pytest.mark.parametrize("case", range(8))
def test_results_open_as_what_made_them(studio: Studio, case: int) -> None:
    check_round_trip(studio, case)


@pytest.mark.slow
@pytest.mark.parametrize("case", range(8, 50))
def test_results_open_as_what_made_them_whatever_was_set(studio: Studio, case: int) -> None:
    check_round_trip(studio, case)


FURTHER: dict[str, tuple[dict[str, Any], str]] = {
    "a frame drawn outwards": (
        {"outpaint": {"left": 24, "up": 16}, "n_iter": 2, "mask_blur": 0},
        "Painted outwards (24 px left, 16 px up)",
    ),
    "a script": ({"alwayson_scripts": {"soft inpainting": {"args": [True, 1, 0.5, 4, 0, 0.5, 2]}}}, "Scripts took part: Soft Inpainting"),
    "tiles": ({"tiling": True}, "Tileable pictures"),
    "another prediction": ({"override_settings": {"prediction_override": "v"}}, "told to predict v"),
}


@pytest.mark.parametrize("what", FURTHER)
def test_what_nodes_cannot_say_is_told_and_kept_all_the_same(studio: Studio, what: str) -> None:
    further, told = FURTHER[what]
    fields = {"prompt": "a cat", "steps": 2, "seed": 5, "width": 64, "height": 64, "sampler_name": "Euler", "inpainting_fill": 1} | further
    fields["override_settings"] = {"sd_model_checkpoint": "tiny_sd15.safetensors"} | fields.get("override_settings", {})
    start = Image.open(INPUTS / "cat_128.png").convert("RGB").crop((0, 0, 64, 64))
    mask = None if "outpaint" in further else Image.new("L", start.size, 0)
    if mask is not None:
        mask.paste(255, (20, 20, 40, 44))
    data = studio.make(fields, start, mask)[-1]
    workflow = read_workflow(data)
    notes = [
        node["widgets_values"][0] for node in json.loads(Image.open(io.BytesIO(data)).info["workflow"])["nodes"] if node["type"] == "Note"
    ]
    assert workflow.problems == () and told.casefold() in notes[0].casefold() and "not the same" in notes[0]
    filled = fill_form(to_form(workflow.graph, workflow.drawing, workflow.extra), studio.read)
    assert filled.start is not None
    assert difference(opened(data), opened(studio.make(dict(filled.request), filled.start, filled.mask)[-1]))[0] == 0


def test_textual_inversions_of_a1111s_prompts_are_named_as_comfyui_wants_them(studio: Studio) -> None:
    fields = {"prompt": "a tiny_ti cat, (tiny_ti:1.2)", "steps": 1, "width": 64, "height": 64, "sampler_name": "Euler"}
    start = Image.open(INPUTS / "cat_128.png").convert("RGB").crop((0, 0, 64, 64))
    graph = read_workflow(studio.make(fields, start, None)[0]).graph
    texts = {node.inputs["text"] for node in graph.of_type("CLIPTextEncode")}
    assert texts == {"", "a embedding:tiny_ti cat, (embedding:tiny_ti:1.2)"}


def test_nodes_that_were_changed_count_and_the_kept_request_does_not(studio: Studio) -> None:
    fields = {"prompt": "a cat", "steps": 2, "seed": 5, "width": 64, "height": 64, "inpainting_fill": "neutral", "mask_blur": 0}
    fields |= {"inpaint_full_res": False, "override_settings": {"compat": "comfyui", "overlay_inpaint": False}, "sampler_name": "euler"}
    start = Image.open(INPUTS / "cat_128.png").convert("RGB").crop((0, 0, 64, 64))
    mask = Image.new("L", start.size)
    mask.paste(255, (20, 20, 40, 44))
    plain = json.loads(Image.open(io.BytesIO(studio.make(fields, start, mask)[0])).info["workflow"])
    sampler = next(node for node in plain["nodes"] if node["type"] == "KSampler")
    sampler["widgets_values"][0] = 6
    workflow = read_object(plain)
    match = to_form(workflow.graph, workflow.drawing, workflow.extra)
    assert match.fits and match.request["seed"] == 6 and match.request["inpainting_fill"] == "neutral"
    filled = fill_form(match, studio.read)
    assert filled.start is not None
    made = studio.make(dict(filled.request), filled.start, filled.mask)[0]
    assert difference(opened(made), studio.run(workflow)[0])[0] <= 1
