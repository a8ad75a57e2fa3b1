"""Workflows as forms: models as they are called here, and what a family of models means by a layer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from modules.backends.recognise import SD2
from modules.pipeline.workflows.form import FormMatch
from modules.pipeline.workflows.graph import Graph
from modules.pipeline.workflows.reading import read_object
from modules.runtime.store import AssetStore
from modules.runtime.workflows.context import RunningGraph
from modules.runtime.workflows.filling import FormFiller
from modules.runtime.workflows.model_files import ModelFiles
from modules.runtime.workflows.task import GraphOrder, GraphTask
from modules.settings.options import Options


def fill(folder: Path, family: str, **widgets: Any) -> FormMatch:
    """The form of a plain inpainting graph with a clip skip of 1."""
    info = SimpleNamespace(name="here.safetensors", path=Path("here.safetensors"), is_supported=True, family=family)
    lora = SimpleNamespace(place="styles/ink", path=Path("ink.safetensors"), is_pickle=False)
    files = ModelFiles(lambda: [info], dict, lambda: [lora], list, list)
    nodes: dict[str, tuple[str, dict[str, Any]]] = {
        "1": ("CheckpointLoaderSimple", {"ckpt_name": "here.ckpt"}),
        "2": ("LoraLoader", {"model": ["1", 0], "clip": ["1", 1], "lora_name": "ink.safetensors", "strength_model": 1, "strength_clip": 1}),
        "3": ("CLIPSetLastLayer", {"clip": ["2", 1], "stop_at_clip_layer": -1} | widgets),
        "4": ("CLIPTextEncode", {"clip": ["3", 0], "text": "a cat"}),
        "5": ("LoadImage", {"image": "cat.png"}),
        "6": ("VAEEncodeForInpaint", {"pixels": ["5", 0], "vae": ["1", 2], "mask": ["5", 1], "grow_mask_by": 6}),
        "7": (
            "KSampler",
            {"model": ["2", 0], "positive": ["4", 0], "negative": ["4", 0], "latent_image": ["6", 0], "seed": 1, "steps": 2, "cfg": 7}
            | {"sampler_name": "euler", "scheduler": "normal", "denoise": 1},
        ),
        "8": ("VAEDecode", {"samples": ["7", 0], "vae": ["1", 2]}),
        "9": ("SaveImage", {"images": ["8", 0], "filename_prefix": "x"}),
    }
    workflow = read_object({node: {"class_type": kind, "inputs": inputs} for node, (kind, inputs) in nodes.items()})
    return FormFiller(AssetStore(folder), files, Options).match(workflow, lambda name: b"")


def test_models_go_by_what_they_are_called_here(tmp_path: Path) -> None:
    match = fill(tmp_path, "Stable Diffusion 1")
    assert match.fits and match.request["override_settings"]["sd_model_checkpoint"] == "here.safetensors"
    assert match.request["prompt"] == "a cat<lora:styles/ink:1:1>" and match.request["alpha_mask"] is False


@pytest.mark.parametrize(("layer", "fits"), [(-1, False), (-2, True)])
def test_the_last_layer_of_a_model_that_was_trained_with_another_is_no_form(tmp_path: Path, layer: int, fits: bool) -> None:
    match = fill(tmp_path, SD2, stop_at_clip_layer=layer)
    assert match.fits is fits and (fits or match.why_not == (("workflow_form.not.last_layer", {}),))


def test_what_a_forms_job_did_to_a_model_does_not_show_in_a_graph(tmp_path: Path) -> None:
    told: list[bool] = []
    info = SimpleNamespace(name="a.safetensors", title="a", path=Path("a.safetensors"), is_supported=True)
    files = ModelFiles(lambda: [info], dict, list, list, list)
    job: Any = SimpleNamespace(options=Options(), model=lambda title, options: SimpleNamespace(set_tiling=told.append))
    running = RunningGraph(
        cast(Any, SimpleNamespace(models=files, results=None)), GraphTask(GraphOrder({}), lambda *_: None), job, Graph({})
    )
    running.checkpoint("a.safetensors")
    assert told == [False]
