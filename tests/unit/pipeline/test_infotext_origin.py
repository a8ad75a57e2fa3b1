from __future__ import annotations

import json

import pytest

from modules.pipeline.infotext_origin import A1111, COMFYUI, FORGE, PENTIMENTO, Origin, find_origin, is_workflow
from modules.pipeline.infotext_parse import split_infotext

LINE = "a cat\nSteps: 3, Sampler: DDIM, Seed: 77"
GRAPH = json.dumps({"3": {"class_type": "KSampler", "inputs": {}}})


@pytest.mark.parametrize(
    ("infotext", "texts", "origin"),
    [
        (f"{LINE}, Version: pentimento-0.1.0", {}, Origin(PENTIMENTO, "0.1.0")),
        (f"{LINE}, Version: v1.10.1-14-gabcdef", {}, Origin(A1111, "v1.10.1-14-gabcdef")),
        (f"{LINE}, Version: 1.7.0", {}, Origin(A1111, "1.7.0")),
        (f"{LINE}, Version: f2.0.1v1.10.1-previous-669-gdfdcbab6", {}, Origin(FORGE, "f2.0.1v1.10.1-previous-669-gdfdcbab6")),
        (f"{LINE}, App: SD.Next, Version: 68dc4a7", {}, Origin("SD.Next", "68dc4a7")),
        (f"{LINE}, Version: ComfyUI", {}, Origin(COMFYUI)),
        (LINE, {}, Origin()),
        (LINE, {"prompt": GRAPH}, Origin(COMFYUI)),
        (None, {"workflow": '{"nodes": [], "links": []}'}, Origin(COMFYUI)),
        (None, {"invokeai_metadata": "{}"}, Origin("InvokeAI")),
        (None, {"prompt": "a cat"}, Origin()),
        (None, {}, Origin()),
    ],
)
def test_origin(infotext: str | None, texts: dict[str, str], origin: Origin) -> None:
    assert find_origin(infotext, texts) == origin


@pytest.mark.parametrize("text", ["", "[1]", "{}", "[" * 100_000, "{bad", '{"a": 1}'])
def test_what_is_no_workflow(text: str) -> None:
    assert not is_workflow(text)


def test_an_infotext_as_it_stands() -> None:
    prompts, parameters = split_infotext('a\nb\nNegative prompt: c\nSteps: 3, Size: 64x32, Note: "x, y: \\"z\\"", Seed: 7')
    assert prompts == {"Prompt": "a\nb", "Negative prompt": "c"}
    assert parameters == [("Steps", "3"), ("Size", "64x32"), ("Note", 'x, y: "z"'), ("Seed", "7")]
