"""Where workflows are found in files, and which of two counts."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.base.errors import InvalidRequest
from modules.pipeline.workflows.api_format import read_api, write_api
from modules.pipeline.workflows.chunks import MAX_TEXT_BYTES, find_texts
from modules.pipeline.workflows.graph import Link
from modules.pipeline.workflows.reading import read_object, read_workflow
from tests.unit.pipeline.workflows.canvases import canvas, links, node

PROMPT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "猫.png", "upload": "image"}, "is_changed": [float("nan")]},
    "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}, "_meta": {"title": "Look"}},
}
CANVAS = canvas(
    [node(1, "LoadImage", "猫.png", "image", outputs=["IMAGE", "MASK"]), node(2, "PreviewImage", inputs={"images": 1})],
    links((1, 1, 0, 2, 0, "IMAGE")),
)


def png(*texts: tuple[str, str], how: str = "tEXt") -> bytes:
    info = PngInfo()
    for name, text in texts:
        if how == "tEXt":
            info.add_text(name, text)
        else:
            info.add_itxt(name, text, zip=how == "zip")
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


@pytest.mark.parametrize("how", ["tEXt", "iTXt", "zip"])
def test_pngs_of_all_kinds_of_chunks(how: str) -> None:
    workflow = read_workflow(png(("prompt", json.dumps(PROMPT)), ("workflow", json.dumps(CANVAS, ensure_ascii=how == "tEXt")), how=how))
    assert workflow.source == "ui" and workflow.problems == ()
    assert workflow.graph.nodes["1"].inputs == {"image": "猫.png"} and workflow.graph.nodes["2"].inputs == {"images": Link("1", 0)}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + bytes(4)


def test_compressed_raw_late_and_cut_chunks() -> None:
    text = json.dumps(PROMPT, ensure_ascii=False).encode()
    late = png()[:-12] + chunk(b"tEXt", b"prompt\0" + text)
    assert read_workflow(late + b"\0\0\1").graph.nodes["1"].inputs["image"] == "猫.png"
    packed = png()[:33] + chunk(b"zTXt", b"prompt\0\0" + zlib.compress(text))
    assert read_workflow(packed).source == "api"
    for damaged in (b"prompt\0\0" + zlib.compress(text)[:20], b"prompt\0\0rubbish", b"prompt\0\1" + zlib.compress(text), b"prompt"):
        assert find_texts(png()[:33] + chunk(b"zTXt", damaged)) == {}


def test_bombs_are_left_alone() -> None:
    bomb = zlib.compress(bytes(MAX_TEXT_BYTES + 1), 9)
    assert find_texts(png()[:33] + chunk(b"zTXt", b"prompt\0\0" + bomb)) == {}


@pytest.mark.parametrize("kind", ["WEBP", "JPEG"])
def test_exif(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "workflow:" + json.dumps(CANVAS), "prompt:" + json.dumps(PROMPT)
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, kind, exif=exif)
    workflow = read_workflow(file.getvalue())
    assert workflow.source == "ui" and list(workflow.graph.nodes) == ["1", "2"]
    assert find_texts(file.getvalue()[:60]) == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("plain", [PROMPT, CANVAS, {"prompt": PROMPT, "extra_data": {"extra_pnginfo": {"workflow": CANVAS}}}])
def test_json_in_both_formats_and_as_it_is_sent(encoding: str, plain: dict[str, Any]) -> None:
    workflow = read_workflow(json.dumps(plain, ensure_ascii=False).encode(encoding))
    assert workflow.graph.nodes["1"].inputs == {"image": "猫.png"} and workflow.problems == ()
    assert len(workflow.drawing.nodes) == 2 and len(workflow.drawing.links) == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (png(), "a picture without a workflow"),
        (png(("parameters", "a cat")), "A1111's infotext only"),
        (png(("prompt", "{")), "JSON"),
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"\xff\xfe\0", "a workflow of ComfyUI"),
        (b"\x00\x9f\x92", "a workflow of ComfyUI"),
        (b"[]", "a workflow of ComfyUI"),
        (b"{}", "a workflow of ComfyUI"),
        (b'{"1": {"class_type": "A"}, "2": 5}', "node 2"),
        (b'{"1": {"class_type": "A", "inputs": []}}', "node 1 (A)"),
        (b'{"1": {"class_type": "A", "inputs": {"x": ' + b"1" * 5000 + b"}}}", "JSON"),
        (b"[" * 200_000, "too deep"),
    ],
)
def test_what_holds_no_workflow_is_refused_in_words(data: bytes, says: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        read_workflow(data, "dropped.png")
    assert says in str(error.value)


def both(ran: Any, shown: Any) -> Any:
    return read_workflow(png(("prompt", json.dumps(ran)), ("workflow", json.dumps(shown))))


def test_what_ran_counts_where_the_screen_says_otherwise() -> None:
    ran = json.loads(json.dumps(PROMPT))
    ran["1"]["inputs"]["image"] = "dog.png"
    workflow = both(ran, CANVAS)
    assert workflow.graph.nodes["1"].inputs == {"image": "dog.png"}
    assert [(each.kind, each.got) for each in workflow.problems] == [("workflow_differs", "1.image")]
    assert dict(workflow.drawing.nodes[0].texts) == {"image": "dog.png"}


def test_seeds_that_javascript_rounds_are_no_difference() -> None:
    seed = 2**63 - 5
    sampler = node(3, "KSampler", float(seed), "fixed", 6, 7, "euler", "normal", 1)
    ran = {"3": {"class_type": "KSampler", "inputs": {"seed": seed, "steps": 6, "cfg": 7.0, "sampler_name": "euler"}}}
    ran["3"]["inputs"] |= {"scheduler": "normal", "denoise": 1.0}
    workflow = both(ran, canvas([sampler], []))
    assert workflow.problems == () and workflow.graph.nodes["3"].inputs["seed"] == seed


def test_a_screen_that_cannot_be_read_or_is_another_one() -> None:
    workflow = both(PROMPT, {"nodes": [5]})
    assert workflow.source == "api" and [each.kind for each in workflow.problems] == ["ignored"]
    workflow = both(PROMPT, canvas([node(8, "Note", "else")], []))
    assert {each.id for each in workflow.drawing.nodes} == {"1", "2"}
    assert read_workflow(png(("prompt", "{"), ("workflow", json.dumps(CANVAS)))).source == "ui"


def test_nodes_that_only_comfyui_s_page_knew_are_wired_up_in_what_ran() -> None:
    sender = node(5, "SetNode", inputs={"image": 1}, outputs=["IMAGE"])
    getter = node(6, "GetNode", outputs=["IMAGE"])
    shown = canvas(
        [CANVAS["nodes"][0], sender, getter, node(2, "PreviewImage", inputs={"images": 2})],
        links((1, 1, 0, 5, 0, "IMAGE"), (2, 6, 0, 2, 0, "IMAGE")),
    )
    assert {each.id for each in read_object(shown).drawing.nodes if not each.is_known} == {"5", "6"}
    workflow = both(PROMPT, shown)
    assert list(workflow.graph.nodes) == ["1", "2"] and all(each.is_known for each in workflow.drawing.nodes)
    assert workflow.graph.nodes["2"].inputs == {"images": Link("1", 0)}
    assert workflow.problems == ()


def test_lists_keep_their_mark_and_unknown_inputs_are_named() -> None:
    plain = {"1": {"class_type": "Fancy", "inputs": {"list": {"__value__": [1, 2]}, "link": [4, 0], "pair": ["a", "b"]}}}
    graph, problems = read_api(plain)
    assert dict(graph.nodes["1"].inputs) == {"list": [1, 2], "link": Link("4", 0), "pair": ["a", "b"]} and problems == []
    assert write_api(graph)["1"]["inputs"] == {"list": {"__value__": [1, 2]}, "link": ["4", 0], "pair": {"__value__": ["a", "b"]}}
    _, problems = read_api({"1": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0], "strength": 3}}})
    assert [(each.kind, each.field, each.got) for each in problems] == [("ignored", "strength", "3")]


def test_an_api_graph_is_laid_out_in_columns() -> None:
    drawn = {each.id: each for each in read_object(PROMPT).drawing.nodes}
    assert drawn["1"].x + drawn["1"].width < drawn["2"].x
    assert drawn["2"].title == "Look" and drawn["1"].title == "Load Image"
