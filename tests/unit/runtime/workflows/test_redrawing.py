"""Values that are set for a run also stand in the drawing that its pictures carry."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from modules.pipeline.workflows.reading import read_object
from modules.runtime.workflows.redrawing import redraw

BUNDLED = Path(__file__).parents[4] / "modules" / "pipeline" / "workflows" / "bundled" / "inpaint.json"
INNER = "11111111-2222-3333-4444-555555555555"


def drawn() -> dict[str, Any]:
    return json.loads(BUNDLED.read_text("utf-8"))


def sampler_of(plain: dict[str, Any]) -> dict[str, Any]:
    return next(node for node in plain["nodes"] if node["type"] == "KSampler")


def test_values_behind_a_seed_find_their_place() -> None:
    plain = drawn()
    before, node_id = copy.deepcopy(plain), sampler_of(plain)["id"]
    changed = redraw(plain, {f"{node_id}.seed": 77, f"{node_id}.steps": 3, f"{node_id}.sampler_name": "lcm"})
    values = sampler_of(changed)["widgets_values"]
    assert plain == before and values[0] == 77 and values[1] in ("fixed", "randomize") and values[2] == 3 and values[4] == "lcm"
    inputs = read_object(changed).graph.nodes[str(node_id)].inputs
    assert (inputs["seed"], inputs["steps"], inputs["sampler_name"]) == (77, 3, "lcm")
    assert redraw(plain, {}) is plain and redraw(None, {"1.seed": 1}) is None


def test_a_value_inside_a_subgraph_is_written_there_unless_two_share_it() -> None:
    image = {"id": 4, "type": "EmptyImage", "widgets_values": [8, 8, 1, 0], "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}]}
    links = [{"id": 1, "origin_id": 4, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "IMAGE"}]
    inner = {"id": INNER, "nodes": [image], "links": links, "inputs": [], "outputs": [{"name": "IMAGE", "type": "IMAGE", "linkIds": [1]}]}
    save = {"id": 11, "type": "SaveImage", "inputs": [{"name": "images", "type": "IMAGE", "link": 9}], "widgets_values": ["x"]}
    one = {"id": 10, "type": INNER, "inputs": [], "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [9]}], "widgets_values": []}
    plain = {"nodes": [one, save], "links": [[9, 10, 0, 11, 0, "IMAGE"]], "version": 0.4, "definitions": {"subgraphs": [inner]}}
    changed = redraw(plain, {"10:4.color": 255})
    assert read_object(changed).graph.nodes["10:4"].inputs["color"] == 255
    plain["nodes"] = [*plain["nodes"], one | {"id": 12, "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": None}]}]
    assert redraw(plain, {"10:4.color": 255}) is None


@pytest.mark.parametrize("change", ["99.seed", "x.seed", "1.nothing", "1:2.seed"])
def test_what_has_no_place_there_is_left_out_as_a_whole(change: str) -> None:
    assert redraw(drawn(), {change: 5}) is None


def test_a_value_that_another_node_holds_is_not_written_where_it_would_not_count() -> None:
    plain = drawn()
    node = sampler_of(plain)
    slot = next((each for each in node["inputs"] if each["name"] == "steps"), None)
    link = plain["last_link_id"] + 1
    node["inputs"] = [each for each in node["inputs"] if each is not slot]
    node["inputs"].append({"name": "steps", "type": "INT", "link": link, "widget": {"name": "steps"}})
    output = {"name": "INT", "type": "INT", "links": [link], "widget": {"name": "steps"}}
    primitive = {"id": 900, "type": "PrimitiveNode", "outputs": [output], "widgets_values": [5, "fixed"], "mode": 0}
    plain["nodes"].append(primitive)
    plain["links"].append([link, 900, 0, node["id"], len(node["inputs"]) - 1, "INT"])
    assert read_object(plain).graph.nodes[str(node["id"])].inputs["steps"] == 5
    assert redraw(plain, {f"{node['id']}.steps": 9}) is None
