"""Graphs are run from their outputs backwards, each node once, and again only where something changed."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.base.registry import load_dotted
from modules.pipeline.workflows import limits
from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.graph import Graph, GraphNode, Link
from modules.pipeline.workflows.results import NodeResults, measure_bytes
from modules.pipeline.workflows.running import NodeFailed, output_nodes, run_graph
from modules.pipeline.workflows.values import Latent
from tests.unit.pipeline.workflows.world import FakeWorld, make_graph

RED = Image.new("RGB", (16, 8), (255, 0, 0))


def painted(**changes: Any) -> Graph:
    sampler = {"seed": 5, "steps": 3, "cfg": 2.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
    return make_graph(
        n1=("CheckpointLoaderSimple", {"ckpt_name": changes.get("checkpoint", "a.safetensors")}),
        n2=("CLIPTextEncode", {"text": changes.get("text", "a cat"), "clip": ("n1", 1)}),
        n3=("EmptyLatentImage", {"width": 64, "height": 64, "batch_size": 1}),
        n4=("KSampler", sampler | {"model": ("n1", 0), "positive": ("n2", 0), "negative": ("n2", 0), "latent_image": ("n3", 0)}),
        n5=("VAEDecode", {"samples": ("n4", 0), "vae": ("n1", 2)}),
        n6=("SaveImage", {"images": ("n5", 0), "filename_prefix": "x"}),
    )


def test_a_graph_runs_each_node_once_and_tells_of_every_step() -> None:
    world = FakeWorld()
    result = run_graph(painted(), world)
    assert result.ran == ["1", "2", "3", "4", "5", "6"] and not result.reused and not result.is_interrupted
    assert [saved.filename for saved in result.pictures["6"]] == ["x_00001_.png"] and world.saved["6"][0].size == (64, 64)
    assert [step for step in world.steps if step[0] == "4"] == [("4", 1, 3), ("4", 2, 3), ("4", 3, 3)]
    assert [name for kind, name in world.events if kind == "began"] == result.ran


def test_only_what_changed_runs_again() -> None:
    world = FakeWorld()
    first = run_graph(painted(), world)
    before = world.saved["6"][0].tobytes()
    again = run_graph(painted(), world)
    assert again.ran == ["6"] and again.reused == ["5"] and world.saved["6"][0].tobytes() == before and first.ran != again.ran
    changed = run_graph(painted(text="a dog"), world)
    assert changed.ran == ["2", "4", "5", "6"] and changed.reused == ["1", "3"]
    world.versions["a.safetensors"] = 1
    assert run_graph(painted(text="a dog"), world).ran == ["1", "2", "4", "5", "6"]
    assert run_graph(painted(text="a dog", checkpoint="b.safetensors"), world).ran == ["1", "2", "4", "5", "6"]
    other, fresh = world.saved["6"][0].tobytes(), FakeWorld()
    run_graph(painted(text="a dog", checkpoint="b.safetensors"), fresh)
    assert fresh.saved["6"][0].tobytes() == other


def test_values_that_no_longer_fit_the_table_are_made_again() -> None:
    world = FakeWorld(results=NodeResults(capacity_bytes=0))
    run_graph(painted(), world)
    assert len(world.results) == 0 and run_graph(painted(), world).ran == ["1", "2", "3", "4", "5", "6"]


def test_the_table_drops_what_was_unused_longest() -> None:
    table, one = NodeResults(8000), (torch.zeros(256),)
    for name in ("a", "b"):
        table.keep(name, one)
    assert table.held_bytes == 2 * measure_bytes(one) < 8000 < 3 * measure_bytes(one)
    assert table.find("a") is not None
    table.keep("c", one)
    assert table.find("b") is None and table.find("a") is not None and table.find("c") is not None
    table.keep("d", (torch.zeros(10_000),))
    assert table.find("d") is None and len(table) == 2
    assert measure_bytes(Latent(torch.zeros(1, 4, 8, 8), torch.zeros(1, 1, 64, 64))) > 4 * (256 + 4096)


def test_an_interruption_keeps_what_was_made() -> None:
    world = FakeWorld(stops_at=2)
    result = run_graph(painted(), world)
    assert result.is_interrupted and result.pictures == {} and "4" not in result.ran
    graph = make_graph(
        n1=("EmptyImage", {"width": 8, "height": 8, "batch_size": 1, "color": 0}),
        n2=("PreviewImage", {"images": ("n1", 0)}),
        n3=("UpscaleModelLoader", {"model_name": "x"}),
        n4=("ImageUpscaleWithModel", {"upscale_model": ("n3", 0), "image": ("n1", 0)}),
        n5=("PreviewImage", {"images": ("n4", 0)}),
        n6=("ImageUpscaleWithModel", {"upscale_model": ("n3", 0), "image": ("n4", 0)}),
        n7=("PreviewImage", {"images": ("n6", 0)}),
    )
    stopped = run_graph(graph, FakeWorld(stops_at=1))
    assert stopped.is_interrupted and list(stopped.pictures) == ["2"]


def test_two_checkpoints_are_asked_for_in_turn() -> None:
    first, second = painted().nodes, painted(checkpoint="b.safetensors").nodes
    nodes = dict(first)
    for name, node in second.items():
        links = {key: Link(f"9{link.node}", link.output) for key, link in node.links.items()}
        nodes[f"9{name}"] = GraphNode(f"9{name}", node.class_type, {**node.inputs, **links})
    world = FakeWorld()
    result = run_graph(Graph(nodes), world)
    assert set(result.pictures) == {"6", "96"} and set(world.asked) == {"a.safetensors", "b.safetensors"}


def test_only_the_wanted_outputs_run() -> None:
    graph = make_graph(
        n1=("LoadImage", {"image": "red.png"}),
        n2=("SaveImage", {"images": ("n1", 0), "filename_prefix": "a"}),
        n3=("NoSuchNode", {"image": ("n1", 0)}),
        n4=("PreviewImage", {"images": ("n3", 0)}),
    )
    assert output_nodes(graph) == ["2", "4"]
    assert list(run_graph(graph, FakeWorld({"red.png": RED}), ["2"]).pictures) == ["2"]
    with pytest.raises(NodeFailed, match="node 3 .NoSuchNode.: .*not known"):
        run_graph(graph, FakeWorld({"red.png": RED}))
    with pytest.raises(InvalidRequest, match="SaveImage"):
        run_graph(make_graph(n1=("LoadImage", {"image": "red.png"})), FakeWorld())


def test_ten_thousand_nodes_in_a_row_run() -> None:
    nodes = {"0": GraphNode("0", "SolidMask", {"value": 0.25, "width": 2, "height": 2})}
    for index in range(1, 10_001):
        nodes[str(index)] = GraphNode(str(index), "InvertMask", {"mask": Link(str(index - 1), 0)})
    nodes["end"] = GraphNode("end", "MaskPreview", {"mask": Link("10000", 0)})
    world = FakeWorld()
    assert len(run_graph(Graph(dict(reversed(nodes.items()))), world).ran) == 10_002
    assert world.saved["end"][0].getpixel((0, 0)) == (63, 63, 63)


@pytest.mark.parametrize(
    ("nodes", "field", "message"),
    [
        ({"n1": ("InvertMask", {"mask": ("n1", 0)})}, "mask", "circle"),
        ({"n1": ("InvertMask", {"mask": ("n7", 0)})}, "mask", "node 7, which is not there"),
        ({"n1": ("InvertMask", {})}, "mask", "mask is missing"),
        ({"n1": ("InvertMask", {"mask": 3})}, "mask", "wanted a link that gives MASK"),
        ({"n1": ("SolidMask", {"value": "much", "width": 2, "height": 2})}, "value", "wanted FLOAT"),
        ({"n1": ("SolidMask", {"value": 1, "width": 2})}, "height", "height is missing"),
        ({"n1": ("LoadImage", {"image": "no.png"})}, "", "KeyError"),
    ],
)
def test_what_fails_is_named(nodes: dict[str, Any], field: str, message: str) -> None:
    world = FakeWorld()
    end = {"n1": "mask"} if nodes["n1"][0] != "LoadImage" else {}
    last = ("MaskPreview", {"mask": ("n1", 0)}) if end else ("PreviewImage", {"images": ("n1", 0)})
    with pytest.raises(NodeFailed, match=message) as caught:
        run_graph(make_graph(**nodes, n2=last), world)
    assert (caught.value.node, caught.value.class_type, caught.value.field) == ("1", nodes["n1"][0], field)


def test_a_number_as_text_and_an_output_that_is_not_there() -> None:
    world = FakeWorld()
    graph = make_graph(n1=("SolidMask", {"value": "0.5", "width": "4", "height": 2.0}), n2=("MaskPreview", {"mask": ("n1", 0)}))
    run_graph(graph, world)
    assert world.saved["2"][0].size == (4, 2)
    graph = make_graph(n1=("SolidMask", {"value": 1, "width": 4, "height": 2}), n2=("MaskPreview", {"mask": ("n1", 1)}))
    with pytest.raises(NodeFailed, match="node 1 has no output 1"):
        run_graph(graph, world)


def test_every_node_that_is_known_has_its_work() -> None:
    for name, definition in DEFINITIONS.items():
        work: Any = load_dotted(definition.work)
        parameters = list(inspect.signature(work).parameters.values())[1:]
        assert {each.name for each in parameters} == {each.name for each in definition.inputs}, name
        without = {each.name for each in parameters if each.default is not inspect.Parameter.empty}
        assert without == {each.name for each in definition.inputs if each.is_optional and not each.is_widget}, name


@pytest.mark.parametrize(
    ("kind", "inputs", "output"),
    [
        ("EmptyLatentImage", {"width": 10_000, "height": 10_000, "batch_size": 1}, "latent"),
        ("EmptyLatentImage", {"width": 512, "height": 512, "batch_size": 4096}, "latent"),
        ("EmptyImage", {"width": 16_384, "height": 16_384, "batch_size": 4096, "color": 0}, "image"),
        ("SolidMask", {"value": 1, "width": 16_384, "height": 16_384}, "mask"),
    ],
)
def test_what_no_memory_holds_is_refused(kind: str, inputs: dict[str, Any], output: str) -> None:
    ends = {
        "latent": ("VAEDecode", {"samples": ("n1", 0), "vae": ("n3", 2)}),
        "image": ("ImageInvert", {"image": ("n1", 0)}),
        "mask": ("MaskToImage", {"mask": ("n1", 0)}),
    }
    graph = make_graph(
        n1=(kind, inputs),
        n2=ends[output],
        n3=("CheckpointLoaderSimple", {"ckpt_name": "a"}),
        n4=("PreviewImage", {"images": ("n2", 0)}),
    )
    with pytest.raises(NodeFailed, match="pixels in all") as caught:
        run_graph(graph, FakeWorld())
    assert (caught.value.node, caught.value.field) == ("1", "width")


def test_nodes_that_double_what_they_are_given_end_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_PIXELS", 1000)
    nodes: dict[str, tuple[str, dict[str, Any]]] = {
        "n100": ("CheckpointLoaderSimple", {"ckpt_name": "a"}),
        "n0": ("CLIPTextEncode", {"text": "a", "clip": ("n100", 1)}),
        "n200": ("EmptyImage", {"width": 4, "height": 4, "batch_size": 1, "color": 0}),
    }
    for at in range(1, 40):
        nodes[f"n{at}"] = ("ConditioningCombine", dict.fromkeys(("conditioning_1", "conditioning_2"), (f"n{at - 1}", 0)))
        nodes[f"n{40 + at}"] = ("ConditioningConcat", dict.fromkeys(("conditioning_to", "conditioning_from"), (f"n{at and 39 + at}", 0)))
        nodes[f"n{200 + at}"] = ("ImageBatch", dict.fromkeys(("image1", "image2"), (f"n{199 + at}", 0)))
    nodes["n40"] = nodes["n0"]
    sampler = {"model": ("n100", 0), "latent_image": ("n301", 0), "negative": ("n0", 0), "seed": 0, "steps": 1, "cfg": 1, "denoise": 1}
    nodes["n301"] = ("EmptyLatentImage", {"width": 64, "height": 64, "batch_size": 1})
    nodes["n303"] = ("VAEDecode", {"samples": ("n302", 0), "vae": ("n100", 2)})
    for positive, stop in (("n39", "texts"), ("n79", "tokens")):
        nodes["n302"] = ("KSampler", {**sampler, "positive": (positive, 0), "sampler_name": "euler", "scheduler": "normal"})
        with pytest.raises(NodeFailed, match=stop):
            run_graph(make_graph(**nodes, n304=("PreviewImage", {"images": ("n303", 0)})), FakeWorld())
    with pytest.raises(NodeFailed, match="pixels in all"):
        run_graph(make_graph(**nodes, n304=("PreviewImage", {"images": ("n239", 0)})), FakeWorld())
