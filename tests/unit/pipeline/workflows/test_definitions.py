"""The table of nodes: it can be trusted by what reads, checks and runs workflows."""

from __future__ import annotations

import pytest

from modules.pipeline.workflows.definitions.definition import WIDGET_TYPES, NodeDefinition
from modules.pipeline.workflows.definitions.table import DEFINITIONS

LISTS = {"checkpoints", "vaes", "loras", "upscalers", "samplers", "schedulers", "pictures", "results"}


@pytest.mark.parametrize("node", DEFINITIONS.values(), ids=lambda node: node.class_type)
def test_a_definition_is_sound(node: NodeDefinition) -> None:
    names = [each.name for each in node.inputs]
    assert len(set(names)) == len(names)
    assert ":" in node.work and node.title and node.category
    assert node.is_ours == node.class_type.startswith("Pentimento")
    assert node.outputs or node.is_output
    for each in node.inputs:
        assert each.is_widget or each.type.isupper()
        if isinstance(each.choices, str):
            assert each.type == "COMBO" and each.choices in LISTS
        elif each.type == "COMBO":
            assert each.default in each.choices
        elif each.type in WIDGET_TYPES:
            assert each.default is not None
        if each.type in ("INT", "FLOAT"):
            assert each.low is not None and each.high is not None and each.low <= each.default <= each.high


def test_widgets_stand_in_the_order_of_comfyui_s_files() -> None:
    def widgets(name: str) -> list[str]:
        return [each.name for each in DEFINITIONS[name].widgets]

    assert widgets("KSampler") == ["seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"]
    assert widgets("KSamplerAdvanced") == (
        "add_noise noise_seed steps cfg sampler_name scheduler start_at_step end_at_step return_with_leftover_noise".split()
    )
    assert widgets("ImagePadForOutpaint") == ["left", "top", "right", "bottom", "feathering"]
    assert widgets("LoadImageMask") == ["image", "channel"]
    assert widgets("ImageCompositeMasked") == ["x", "y", "resize_source"]
