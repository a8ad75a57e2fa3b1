"""ComfyUI's own pictures: what was on screen (chunk `workflow`, of its front end) must become what ran (chunk `prompt`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modules.pipeline.workflows.api_format import write_api
from modules.pipeline.workflows.checking import check, runnable_outputs
from modules.pipeline.workflows.chunks import find_texts
from modules.pipeline.workflows.reading import read_object, read_workflow

PICTURES = Path(__file__).parent / "data" / "comfyui" / "pictures"
BOTH = [
    *("clip_skip2", "composite_masked", "diffdiff", "inpaintmodel_noisemask_false_d0.6", "mask_grow8_tapered", "noisemask_denoise0.6"),
    *("prompt_weight_nested_down", "ui_muted_bypassed", "ui_oldest_style", "ui_primitive", "ui_reroute", "vaeinpaint_alpha_mask"),
    *("vaeinpaint_grow6", "vaeinpaint_odd_200x133"),
]


def what_runs(plain: dict[str, Any]) -> dict[str, Any]:
    return {node_id: (node["class_type"], node["inputs"]) for node_id, node in plain.items()}


@pytest.mark.parametrize("name", BOTH)
def test_the_screen_becomes_what_ran(name: str) -> None:
    data = (PICTURES / f"{name}.0.png").read_bytes()
    texts = find_texts(data)
    ran = json.loads(texts["prompt"])
    shown = read_object(json.loads(texts["workflow"]))
    assert what_runs(write_api(shown.graph)) == what_runs(ran)
    assert shown.problems == () and shown.source == "ui"
    whole = read_workflow(data)
    assert whole.problems == () and what_runs(write_api(whole.graph)) == what_runs(ran)
    assert check(whole.graph, {}) == [] and runnable_outputs(whole.graph, []) != []
    assert {node.id for node in whole.drawing.nodes} >= set(ran) and whole.drawing.links


@pytest.mark.parametrize("path", sorted(PICTURES.glob("*.png")), ids=lambda path: path.stem)
def test_every_picture_opens_without_a_problem(path: Path) -> None:
    whole = read_workflow(path.read_bytes(), path.name)
    assert whole.problems == () and check(whole.graph, {}) == []
    assert len({(node.x, node.y) for node in whole.drawing.nodes}) == len(whole.drawing.nodes)
