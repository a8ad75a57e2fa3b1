"""The workflows that come with the program, by ComfyUI's rules for files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import modules.pipeline.workflows as package
from modules.pipeline.workflows.checking import check, runnable_outputs
from modules.pipeline.workflows.definitions.table import DEFINITIONS, VIRTUAL
from modules.pipeline.workflows.form import to_form
from modules.pipeline.workflows.reading import read_object

FOLDER = Path(package.__path__[0]) / "bundled"
CHOICES = {"samplers": ["uni_pc_bh2"], "schedulers": ["normal"], "checkpoints": [], "pictures": []}


def plain(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize("name", ["inpaint", "layers"])
def test_a_bundled_workflow_is_sound(name: str) -> None:
    workflow = read_object(plain(name))
    assert workflow.problems == ()
    missing = check(workflow.graph, CHOICES)
    assert {problem.kind for problem in missing} <= {"missing_model", "missing_picture"} and missing
    assert runnable_outputs(workflow.graph, [])
    notes = [node for node in workflow.drawing.nodes if node.class_type == "Note"]
    assert len(notes) == 1 and "\n" in notes[0].texts[0][1]
    boxes = [(node.x, node.y - 30, node.x + node.width, node.y + node.height) for node in workflow.drawing.nodes]
    for i, one in enumerate(boxes):
        assert not any(one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3] for other in boxes[:i])


@pytest.mark.parametrize("name", ["inpaint", "layers"])
def test_its_links_are_written_down_at_both_ends(name: str) -> None:
    read = plain(name)
    nodes = {node["id"]: node for node in read["nodes"]}
    assert read["last_node_id"] == max(nodes) and read["last_link_id"] == max(link[0] for link in read["links"])
    for link, origin, origin_slot, target, target_slot, kind in read["links"]:
        output, given = nodes[origin]["outputs"][origin_slot], nodes[target]["inputs"][target_slot]
        assert link in output["links"] and given["link"] == link and output["type"] == given["type"] == kind
    ends = [link for node in nodes.values() for output in node["outputs"] for link in output["links"] or []]
    assert sorted(ends) == sorted(link[0] for link in read["links"])
    for node in nodes.values():
        assert node["type"] in VIRTUAL or len(node["inputs"]) == len(DEFINITIONS[node["type"]].inputs)


def test_inpaint_is_a_form_and_layers_is_none() -> None:
    assert to_form(read_object(plain("inpaint")).graph).fits
    assert not to_form(read_object(plain("layers")).graph).fits
    ours = {node["type"] for node in plain("layers")["nodes"] if node["type"].startswith("Pentimento")}
    assert ours == {name for name, node in DEFINITIONS.items() if node.is_ours}
