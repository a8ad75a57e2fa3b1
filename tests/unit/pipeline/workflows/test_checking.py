"""What is said of graphs that cannot run, before they do."""

from __future__ import annotations

import time
from typing import Any

import pytest

from modules.pipeline.workflows.api_format import read_api
from modules.pipeline.workflows.checking import check, find_choice, runnable_outputs, settle
from modules.pipeline.workflows.definitions.info import object_info
from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.drawing import lay_out
from modules.pipeline.workflows.graph import Graph, GraphNode, Link, Problem
from modules.pipeline.workflows.ordering import components

SAMPLER = {"seed": 1, "steps": 5, "cfg": 7, "sampler_name": "euler", "scheduler": "normal", "denoise": 1}
SAMPLER |= {"model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["3", 0]}
CHOICES = {
    "checkpoints": ["sd15/v1.safetensors"],
    "samplers": ["euler", "ddim"],
    "schedulers": ["normal"],
    "pictures": ["a.png", "sub/b.png"],
    "results": ["r.png"],
}


def plain_graph(**changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Text to picture; `n8={"seed": 4}` changes inputs of node 8, None takes one away."""
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "1": ("CheckpointLoaderSimple", {"ckpt_name": "sd15/v1.safetensors"}),
        "2": ("CLIPTextEncode", {"text": "a cat", "clip": ["1", 1]}),
        "3": ("EmptyLatentImage", {"width": 64, "height": 64, "batch_size": 1}),
        "8": ("KSampler", dict(SAMPLER)),
        "9": ("VAEDecode", {"samples": ["8", 0], "vae": ["1", 2]}),
        "10": ("SaveImage", {"images": ["9", 0], "filename_prefix": "x"}),
        "20": ("LoadImage", {"image": "a.png"}),
        "21": ("PreviewImage", {"images": ["20", 0]}),
    }
    plain = {key: {"class_type": kind, "inputs": inputs} for key, (kind, inputs) in kinds.items()}
    for key, values in changes.items():
        inputs = plain[key[1:]]["inputs"] | values
        plain[key[1:]]["inputs"] = {name: value for name, value in inputs.items() if value is not None}
    return plain


def problems(plain: dict[str, Any]) -> list[Problem]:
    return check(read_api(plain)[0], CHOICES)


def test_a_sound_graph_has_no_problem() -> None:
    assert problems(plain_graph()) == []
    assert runnable_outputs(read_api(plain_graph())[0], []) == ["10", "21"]


@pytest.mark.parametrize(
    ("change", "kind", "field", "got", "affects"),
    [
        ({"n8": {"model": None}}, "required_input_missing", "model", "", ("10",)),
        ({"n8": {"steps": None}}, "required_input_missing", "steps", "", ("10",)),
        ({"n8": {"model": ["77", 0]}}, "bad_linked_input", "model", "[77, 0]", ("10",)),
        ({"n8": {"model": ["1", 3]}}, "bad_linked_input", "model", "[1, 3]", ("10",)),
        ({"n8": {"model": ["1", -1]}}, "bad_linked_input", "model", "[1, -1]", ("10",)),
        ({"n8": {"model": 5}}, "bad_linked_input", "model", "5", ("10",)),
        ({"n8": {"model": ["1", 1]}}, "return_type_mismatch", "model", "CLIP", ("10",)),
        ({"n8": {"steps": ["3", 0]}}, "return_type_mismatch", "steps", "LATENT", ("10",)),
        ({"n8": {"steps": 0}}, "value_smaller_than_min", "steps", "0", ("10",)),
        ({"n8": {"steps": 10001}}, "value_bigger_than_max", "steps", "10001", ("10",)),
        ({"n8": {"seed": -1}}, "value_smaller_than_min", "seed", "-1", ("10",)),
        ({"n8": {"seed": 2**64}}, "value_bigger_than_max", "seed", str(2**64), ("10",)),
        ({"n8": {"cfg": "much"}}, "invalid_input_type", "cfg", "much", ("10",)),
        ({"n8": {"cfg": float("nan")}}, "invalid_input_type", "cfg", "nan", ("10",)),
        ({"n8": {"steps": float("inf")}}, "invalid_input_type", "steps", "inf", ("10",)),
        ({"n8": {"steps": {"a": 1}}}, "invalid_input_type", "steps", "{'a': 1}", ("10",)),
        ({"n8": {"sampler_name": "plms"}}, "value_not_in_list", "sampler_name", "plms", ("10",)),
        ({"n1": {"ckpt_name": "v2.safetensors"}}, "missing_model", "ckpt_name", "v2.safetensors", ("10",)),
        ({"n20": {"image": "../../etc/passwd"}}, "missing_picture", "image", "../../etc/passwd", ("21",)),
        ({"n20": {"image": "a.png [output]"}}, "missing_picture", "image", "a.png [output]", ("21",)),
        ({"n20": {"image": "clipspace/clipspace-mask-1.png [input]"}}, "missing_picture", "image", None, ("21",)),
    ],
)
def test_each_kind_of_mistake(change: Any, kind: str, field: str, got: str | None, affects: tuple[str, ...]) -> None:
    (found,) = problems(plain_graph(**change))
    assert (found.kind, found.field, found.affects) == (kind, field, affects)
    assert found.wanted or kind == "required_input_missing"
    if got is not None:
        assert found.got == got


@pytest.mark.parametrize(
    "change",
    [
        {"n8": {"steps": "5", "cfg": "7.5", "seed": 2**64 - 1}},
        {"n1": {"ckpt_name": "sd15\\v1.safetensors"}},
        {"n20": {"image": "sub/b.png [input]"}},
        {"n20": {"image": "r.png [output]"}},
        {"n20": {"image": "whatever.png [temp]"}},
    ],
)
def test_what_comfyui_takes_is_taken(change: Any) -> None:
    assert problems(plain_graph(**change)) == []


def test_an_unknown_node_is_named_with_what_it_cuts_off() -> None:
    plain = plain_graph(n8={"model": ["5", 0]})
    plain["5"] = {"class_type": "FancyPatch", "inputs": {"model": ["1", 0]}}
    plain["6"] = {"class_type": "FancySave", "inputs": {"images": ["9", 0]}}
    plain["7"] = {"class_type": "FancyLabel", "inputs": {}}
    found = {each.class_type: each for each in problems(plain)}
    assert {each.kind for each in found.values()} == {"unknown_node"}
    # What the unknown end would have made is missing too.
    assert found["FancyPatch"].affects == ("10", "6") and found["FancyPatch"].wanted == "8 KSampler (model)"
    assert found["FancySave"].affects == ("6",) and found["FancyLabel"].affects == ()
    assert runnable_outputs(read_api(plain)[0], list(found.values())) == ["21"]


def test_mistakes_that_nothing_waits_for_stop_nothing() -> None:
    plain = plain_graph()
    plain["30"] = {"class_type": "ImageInvert", "inputs": {}}
    (found,) = problems(plain)
    assert found.kind == "required_input_missing" and found.affects == ()


def test_circles_are_named_one_by_one() -> None:
    plain = plain_graph(n3={})
    for node_id, source in (("31", "33"), ("32", "31"), ("33", "32"), ("40", "40")):
        plain[node_id] = {"class_type": "ImageInvert", "inputs": {"image": [source, 0]}}
    plain["34"] = {"class_type": "PreviewImage", "inputs": {"images": ["33", 0]}}
    found = problems(plain)
    assert [(each.kind, each.affects) for each in found] == [("dependency_cycle", ("34",)), ("dependency_cycle", ())]
    assert found[0].got == "31 → 33 → 32 → 31" and found[1].got == "40 → 40"


def test_a_graph_without_outputs_says_so() -> None:
    assert [each.kind for each in problems({"1": {"class_type": "SolidMask", "inputs": {"value": 1, "width": 8, "height": 8}}})] == [
        "prompt_no_outputs"
    ]


def test_settling_gives_types_and_defaults() -> None:
    plain = plain_graph(n8={"steps": "5", "cfg": "7", "denoise": 1})
    plain["50"] = {"class_type": "InpaintModelConditioning", "inputs": {"positive": ["2", 0]}}
    graph = settle(read_api(plain)[0])
    sampler = graph.nodes["8"].inputs
    assert sampler["steps"] == 5 and isinstance(sampler["cfg"], float) and isinstance(sampler["denoise"], float)
    assert graph.nodes["50"].inputs == {"positive": Link("2", 0), "noise_mask": True}


def test_a_choice_may_be_written_with_the_other_slash() -> None:
    assert find_choice("a\\b.pt", ["a/b.pt"]) == "a/b.pt" and find_choice("a/b.pt", ["a\\b.pt"]) == "a\\b.pt"
    assert find_choice("b.pt", ["a/b.pt"]) is None and find_choice(3, ["3"]) is None


@pytest.mark.parametrize("shape", ["chain", "circle", "fans", "unknown"])
def test_ten_thousand_nodes_are_quick(shape: str) -> None:
    count = 10_000
    feeds = {"chain": lambda place: place + 1, "circle": lambda place: (place + 1) % count}.get(shape, lambda place: 0)
    kind = {"fans": "PreviewImage", "unknown": "Fancy"}.get(shape, "ImageInvert")
    field = "images" if kind == "PreviewImage" else "image"
    nodes = {"0": GraphNode("0", kind if shape == "unknown" else "ImageInvert", {"image": Link(str(feeds(0)), 0)})}
    nodes |= {str(place): GraphNode(str(place), kind, {field: Link(str(feeds(place)), 0)}) for place in range(1, count)}
    nodes["end"] = GraphNode("end", "PreviewImage", {"images": Link("0", 0)})
    graph = Graph(nodes)
    began = time.process_time()
    found, drawing = check(graph, {}), lay_out(graph)
    assert time.process_time() - began < 60  # quadratic work would take minutes, a slow machine takes six seconds
    assert len(drawing.nodes) == count + 1
    kinds = {"chain": {"bad_linked_input"}, "unknown": {"unknown_node", "dependency_cycle"}}.get(shape, {"dependency_cycle"})
    assert {each.kind for each in found} == kinds
    assert len(found) == (count + 1 if shape == "unknown" else 1)
    assert "end" in found[0].affects and len(found[0].affects) == (count if shape in ("fans", "unknown") else 1)


def test_the_order_runs_from_sources_to_users() -> None:
    order = [node for component in components(read_api(plain_graph())[0]) for node in component]
    assert order.index("1") < order.index("2") < order.index("8") < order.index("9") < order.index("10")


def test_object_info_says_what_comfyui_says() -> None:
    info = object_info(CHOICES)
    assert set(info) == set(DEFINITIONS)
    sampler = info["KSampler"]
    assert sampler["input_order"]["required"] == list(sampler["input"]["required"])
    assert sampler["input"]["required"]["seed"] == [
        "INT",
        {"min": 0, "max": 2**64 - 1, "step": 1, "default": 0, "control_after_generate": True},
    ]
    assert sampler["input"]["required"]["sampler_name"] == [["euler", "ddim"], {"default": "euler"}]
    assert info["LoadImage"]["input"]["required"]["image"] == [["a.png", "sub/b.png"], {"image_upload": True}]
    assert info["ImageCompositeMasked"]["input"]["optional"] == {"mask": ["MASK"]}
    assert info["SaveImage"]["output_node"] and info["SaveImage"]["input"]["hidden"]["prompt"] == "PROMPT"
    assert info["CheckpointLoaderSimple"]["output"] == ["MODEL", "CLIP", "VAE"]
