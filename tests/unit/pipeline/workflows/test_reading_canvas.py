"""UI format to what runs: everything that is only drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modules.base.errors import InvalidRequest
from modules.pipeline.workflows.checking import check
from modules.pipeline.workflows.graph import Link
from modules.pipeline.workflows.reading import read_object
from modules.pipeline.workflows.subgraphs import promoted_values
from modules.pipeline.workflows.ui_format import Canvas, CanvasNode, Slot, Subgraph
from tests.unit.pipeline.workflows.canvases import canvas, links, node, subgraph

UUID, INNER = "3f2a0c1e-7d55-4b7e-9a52-8d1c6c9f0001", "3f2a0c1e-7d55-4b7e-9a52-8d1c6c9f0002"


def inputs_of(plain: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node.id: dict(node.inputs) for node in read_object(plain).graph.nodes.values()}


def test_notes_and_groups_are_drawn_and_do_not_run() -> None:
    plain = canvas(
        [
            node(1, "LoadImage", "a.png", "image", outputs=["IMAGE", "MASK"], pos={"0": 5, "1": 7}, size=[10, 20]),
            node(2, "PreviewImage", inputs={"images": 1}),
            node(3, "Note", "read me", title="Hello", bgcolor="#653"),
            node(4, "MarkdownNote", "# more"),
        ],
        links((1, 1, 0, 2, 0, "IMAGE")),
        groups=[{"title": "All", "bounding": [0, 0, 100, 50], "color": "#333"}, {"title": "broken"}],
    )
    workflow = read_object(plain)
    assert list(workflow.graph.nodes) == ["1", "2"] and workflow.problems == ()
    drawn = {each.id: each for each in workflow.drawing.nodes}
    assert drawn["3"].title == "Hello" and drawn["3"].texts == (("", "read me"),) and drawn["3"].is_known
    assert (drawn["1"].x, drawn["1"].y, drawn["1"].width) == (5, 7, 10)
    assert drawn["1"].texts == (("image", "a.png"),)
    assert [group.title for group in workflow.drawing.groups] == ["All"]


@pytest.mark.parametrize("as_objects", [False, True])
@pytest.mark.parametrize("control", ["randomize", "fixed", True, False, None])
def test_widgets_are_told_apart_by_place(as_objects: bool, control: Any) -> None:
    values = [7, *([control] if control is not None else []), 12, 6.5, "euler", "karras", 0.5]
    plain = canvas(
        [node(1, "EmptyLatentImage", 64, 64, 1, outputs=["LATENT"]), node(2, "KSampler", *values, inputs={"latent_image": 9})],
        links((9, 1, 0, 2, 5, "LATENT"), as_objects=as_objects),
    )
    assert inputs_of(plain)["2"] == {
        "seed": 7,
        "steps": 12,
        "cfg": 6.5,
        "sampler_name": "euler",
        "scheduler": "karras",
        "denoise": 0.5,
        "latent_image": Link("1", 0),
    }


def test_widgets_by_name_and_defaults_for_what_is_missing() -> None:
    by_name = node(1, "KSampler")
    by_name["widgets_values"] = {"seed": 3, "steps": 4}
    inputs = inputs_of(canvas([by_name, node(2, "VAEEncodeForInpaint"), node(3, "InpaintModelConditioning")], []))
    assert inputs["1"]["seed"] == 3 and inputs["1"]["steps"] == 4 and inputs["1"]["denoise"] == 1.0
    assert inputs["2"] == {"grow_mask_by": 6} and inputs["3"] == {"noise_mask": True}


def test_a_linked_widget_keeps_its_place() -> None:
    plain = canvas(
        [
            node(1, "PrimitiveNode", 99, "increment", outputs=["INT"]),
            node(2, "Reroute", inputs={"": 1}, outputs=["INT"]),
            node(3, "KSampler", 7, "fixed", 12, 6.5, "euler", "karras", 0.5, inputs={"*seed": 2}),
            node(4, "PrimitiveInt", 33, "fixed", outputs=["INT"]),
            node(5, "KSampler", 7, "fixed", 12, 6.5, "euler", "karras", 0.5, inputs={"*steps": 3}),
        ],
        links((1, 1, 0, 2, 0, "INT"), (2, 2, 0, 3, 4, "INT"), (3, 4, 0, 5, 0, "INT")),
    )
    inputs = inputs_of(plain)
    assert inputs["3"]["seed"] == 99 and inputs["3"]["steps"] == 12
    assert inputs["5"]["steps"] == Link("4", 0) and inputs["5"]["cfg"] == 6.5


def bypassing(*chain: dict[str, Any]) -> dict[str, Any]:
    nodes = [node(1, "LoadImage", "a.png", outputs=["IMAGE", "MASK"]), *chain, node(9, "PreviewImage", inputs={"images": 90})]
    return canvas(nodes, links((10, 1, 0, 2, 0, "IMAGE"), (11, 1, 1, 2, 1, "MASK"), (90, chain[-1]["id"], 0, 9, 0, "IMAGE"), *EXTRA))


EXTRA = [(20, 2, 0, 3, 0, "IMAGE"), (21, 1, 1, 3, 1, "MASK")]


@pytest.mark.parametrize(
    ("chain", "fed"),
    [
        ([node(2, "ImageInvert", inputs={"image": 10}, outputs=["IMAGE"], mode=4)], Link("1", 0)),
        # The input in the same place has another type: the first of the same type.
        ([node(2, "ImageScale", inputs={"mask": 11, "image": 10}, outputs=["IMAGE"], mode=4)], Link("1", 0)),
        ([node(2, "Unheard", inputs={"mask": 11}, outputs=["IMAGE"], mode=4)], None),
        ([node(2, "ImageInvert", inputs={"image": 10}, outputs=["IMAGE"], mode=2)], None),
        (
            [
                node(2, "ImageInvert", inputs={"image": 10}, outputs=["IMAGE"], mode=4),
                node(3, "ImageInvert", inputs={"image": 20}, outputs=["IMAGE"], mode=4),
            ],
            Link("1", 0),
        ),
        (
            [
                node(2, "ImageInvert", inputs={"image": 10}, outputs=["IMAGE"], mode=2),
                node(3, "ImageInvert", inputs={"image": 20}, outputs=["IMAGE"], mode=4),
            ],
            None,
        ),
    ],
)
def test_bypassed_nodes_hand_on_and_muted_ones_do_not(chain: list[dict[str, Any]], fed: Link | None) -> None:
    workflow = read_object(bypassing(*chain))
    assert list(workflow.graph.nodes) == ["1", "9"]
    assert workflow.graph.nodes["9"].inputs.get("images") == fed
    found = [(each.kind, each.field, each.affects) for each in check(workflow.graph, {})]
    assert found == ([] if fed else [("required_input_missing", "images", ("9",))])
    assert {each.id: each.mode for each in workflow.drawing.nodes}["2"] in ("muted", "bypassed")


def nested(**instance: Any) -> dict[str, Any]:
    """LoadImage -> [10: Reroute -> [4: ImageScaleBy] -> ImageInvert] -> PreviewImage; the factor is drawn out twice."""
    deepest = subgraph(
        INNER,
        [node(6, "ImageScaleBy", "area", 1.5, inputs={"image": 1, "*scale_by": 2}, outputs=["IMAGE"])],
        links((1, -10, 0, 6, 0, "IMAGE"), (2, -10, 1, 6, 1, "FLOAT"), (3, 6, 0, -20, 0, "IMAGE"), as_objects=True),
        [("image", "IMAGE"), ("factor", "FLOAT")],
        [("IMAGE", "IMAGE")],
    )
    middle = subgraph(
        UUID,
        [
            node(3, "Reroute", inputs={"": 1}, outputs=["IMAGE"]),
            node(4, INNER, inputs={"image": 2, "*factor": 5}, outputs=["IMAGE"]),
            node(5, "ImageInvert", inputs={"image": 3}, outputs=["IMAGE"]),
            node(7, "Note", "inside"),
        ],
        links(
            (1, -10, 0, 3, 0, "IMAGE"),
            (2, 3, 0, 4, 0, "IMAGE"),
            (3, 4, 0, 5, 0, "IMAGE"),
            (4, 5, 0, -20, 0, "IMAGE"),
            (5, -10, 1, 4, 1, "FLOAT"),
            (6, 3, 0, -20, 1, "IMAGE"),
            as_objects=True,
        ),
        [("picture", "IMAGE"), ("factor", "FLOAT")],
        [("IMAGE", "IMAGE"), ("untouched", "IMAGE")],
    )
    outer = node(10, UUID, inputs={"picture": 1, "*factor": None}, outputs=["IMAGE", "IMAGE"])
    outer["inputs"][0]["type"] = "IMAGE"
    return canvas(
        [
            node(1, "LoadImage", "a.png", outputs=["IMAGE", "MASK"]),
            outer | instance,
            node(20, "PreviewImage", inputs={"images": 2}),
            node(21, "PreviewImage", inputs={"images": 3}),
        ],
        links((1, 1, 0, 10, 0, "IMAGE"), (2, 10, 0, 20, 0, "IMAGE"), (3, 10, 1, 21, 0, "IMAGE")),
        middle,
        deepest,
    )


@pytest.mark.parametrize(
    ("instance", "factor"),
    [
        ({"widgets_values": [2.5]}, 2.5),
        ({"widgets_values": []}, 1.5),
        ({"widgets_values": ["shown", 3.5], "properties": {"proxyWidgets": [["4", "x"], ["-1", "factor"]]}}, 3.5),
        ({"widgets_values": [2.5, "area"], "properties": {"proxyWidgets": [["6", "upscale_method"]]}}, 2.5),
    ],
)
def test_subgraphs_are_unfolded(instance: dict[str, Any], factor: float) -> None:
    workflow = read_object(nested(**instance))
    inputs = {each.id: dict(each.inputs) for each in workflow.graph.nodes.values()}
    assert inputs == {
        "1": {"image": "a.png"},
        "10:4:6": {"upscale_method": "area", "scale_by": factor, "image": Link("1", 0)},
        "10:5": {"image": Link("10:4:6", 0)},
        "20": {"images": Link("10:5", 0)},
        "21": {"images": Link("1", 0)},
    }
    assert workflow.problems == () and check(workflow.graph, {}) == []
    assert {each.id for each in workflow.drawing.nodes} == {"1", "10", "20", "21"}
    assert all(each.is_known for each in workflow.drawing.nodes)


def test_whole_instances_are_muted_or_bypassed() -> None:
    assert inputs_of(nested(mode=2)) == {"1": {"image": "a.png"}, "20": {}, "21": {}}
    fed = inputs_of(nested(mode=4))
    assert fed == {"1": {"image": "a.png"}, "20": {"images": Link("1", 0)}, "21": {"images": Link("1", 0)}}


def test_an_outer_link_reaches_an_inner_widget() -> None:
    plain = nested(widgets_values=[2.5])
    plain["nodes"].append(node(30, "PrimitiveNode", 4.5, outputs=["FLOAT"]))
    plain["nodes"][1]["inputs"][1]["link"] = 77
    plain["links"] += links((77, 30, 0, 10, 1, "FLOAT"))
    assert inputs_of(plain)["10:4:6"]["scale_by"] == 4.5
    plain["nodes"][-1] = node(30, "PrimitiveFloat", 4.5, outputs=["FLOAT"])
    assert inputs_of(plain)["10:4:6"]["scale_by"] == Link("30", 0)


def test_a_subgraph_in_itself_is_named() -> None:
    plain = nested()
    plain["definitions"]["subgraphs"][1]["nodes"].append(node(66, UUID))
    workflow = read_object(plain)
    assert [(each.node, each.kind) for each in workflow.problems] == [("10:4:66", "dependency_cycle")]


def test_a_bomb_of_subgraphs_is_refused() -> None:
    levels = [subgraph(f"level {i}", [node(j, f"level {i + 1}") for j in range(10)], [], [], []) for i in range(20)]
    with pytest.raises(InvalidRequest, match="at most"):
        read_object(canvas([node(1, "level 0")], [], *levels))


def test_links_that_lead_nowhere_or_in_circles_are_named() -> None:
    plain = canvas(
        [
            node(1, "PreviewImage", inputs={"images": 1}),
            node(2, "PreviewImage", inputs={"images": 55}),
            node(3, "Reroute", inputs={"": 3}, outputs=["*"]),
            node(4, "Reroute", inputs={"": 2}, outputs=["*"]),
        ],
        links((1, 3, 0, 1, 0, "*"), (2, 3, 0, 4, 0, "*"), (3, 4, 0, 3, 0, "*")),
    )
    workflow = read_object(plain)
    found = [(each.node, each.kind, each.got) for each in workflow.problems]
    assert found == [("1", "dependency_cycle", "link 3"), ("2", "bad_linked_input", "link 55")]
    assert {each.kind for each in check(workflow.graph, {})} == {"required_input_missing"}


def test_unknown_nodes_keep_what_the_file_says_of_them() -> None:
    plain = canvas(
        [node(1, "FancyNoise", 5, "randomize", 0.5, inputs={"*seed": None, "*power": None}, outputs=["LATENT"]), node(2, "Fancy", 1, 2)], []
    )
    assert inputs_of(plain) == {"1": {"seed": 5, "power": 0.5}, "2": {}}
    drawn = read_object(plain).drawing.nodes
    assert not drawn[0].is_known and drawn[1].texts == (("", "1"), ("", "2"))


@pytest.mark.parametrize(
    ("broken", "names"),
    [
        ({"nodes": [5]}, "nodes[0]"),
        ({"nodes": [{"type": "Note"}]}, "nodes[0].id"),
        ({"nodes": [{"id": 1}]}, "nodes[0].type"),
        ({"nodes": [node(1, "Note"), node(1, "Note")]}, "nodes[1].id"),
        ({"nodes": []}, "nodes"),
        ({"nodes": [node(i, "Note") for i in range(20_001)]}, "20001 nodes"),
        ({"nodes": [node(1, "Note")], "definitions": {"subgraphs": [{"nodes": []}]}}, "definitions.subgraphs"),
    ],
)
def test_what_is_malformed_is_named(broken: dict[str, Any], names: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        read_object(broken)
    assert names in str(error.value)


def test_strange_slots_links_and_places_do_no_harm() -> None:
    plain = canvas(
        [
            {
                "id": 1.0,
                "type": "PreviewImage",
                "pos": ["a", None],
                "size": [float("nan"), 2],
                "mode": "x",
                "inputs": {"0": 7},
                "outputs": "no",
                "widgets_values": 3,
                "properties": [],
            }
        ],
        [None, [1], {"id": 3}, [1, 2, "x", 4, 5, "T"], 7],
        groups={"a": 3},
        extra=4,
    )
    workflow = read_object(plain)
    assert list(workflow.graph.nodes) == ["1"] and workflow.extra == {}


@pytest.mark.parametrize(("values", "flag"), [([20, True], True), ([20, "fixed", False], False), ([20, True, False], False)])
def test_a_flag_behind_a_whole_number_is_no_control_of_it(values: list[Any], flag: bool) -> None:
    slots = (Slot("steps", "INT"), Slot("add_noise", "BOOLEAN"))
    instance = CanvasNode("1", "s", inputs=tuple(replace(slot, is_widget=True) for slot in slots), values=values)
    assert promoted_values(instance, Subgraph("s", "s", Canvas({}, {}), slots)) == {"steps": 20, "add_noise": flag}
