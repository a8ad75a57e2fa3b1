"""Nodes of prompts and what steers the sampler with them."""

from __future__ import annotations

from modules.pipeline.workflows.definitions.definition import Input, NodeDefinition
from modules.pipeline.workflows.definitions.inputs import choice, flag, integer, number, side, socket, text

WORK = "modules.pipeline.workflows.nodes.conditioning"
OUT = (("CONDITIONING", "CONDITIONING"),)
GIVEN = socket("conditioning", "CONDITIONING")


def _strength() -> Input:
    return number("strength", 1.0, 0.0, 10.0)


def _share(name: str, default: float, step: float = 0.01) -> Input:
    return number(name, default, 0.0, 1.0, step)


CONDITIONING = (
    NodeDefinition(
        "CLIPTextEncode",
        "CLIP Text Encode (Prompt)",
        "conditioning",
        (text("text", is_multiline=True), socket("clip", "CLIP")),
        OUT,
        f"{WORK}:encode_text",
    ),
    NodeDefinition(
        "CLIPSetLastLayer",
        "CLIP Set Last Layer",
        "conditioning",
        (socket("clip", "CLIP"), integer("stop_at_clip_layer", -1, -24, -1)),
        (("CLIP", "CLIP"),),
        f"{WORK}:set_last_layer",
    ),
    NodeDefinition(
        "ConditioningCombine",
        "Conditioning (Combine)",
        "conditioning",
        (socket("conditioning_1", "CONDITIONING"), socket("conditioning_2", "CONDITIONING")),
        OUT,
        f"{WORK}:combine",
    ),
    NodeDefinition(
        "ConditioningConcat",
        "Conditioning (Concat)",
        "conditioning",
        (socket("conditioning_to", "CONDITIONING"), socket("conditioning_from", "CONDITIONING")),
        OUT,
        f"{WORK}:concat",
    ),
    NodeDefinition(
        "ConditioningAverage",
        "ConditioningAverage",
        "conditioning",
        (
            socket("conditioning_to", "CONDITIONING"),
            socket("conditioning_from", "CONDITIONING"),
            _share("conditioning_to_strength", 1.0),
        ),
        OUT,
        f"{WORK}:average",
    ),
    NodeDefinition(
        "ConditioningSetArea",
        "Conditioning (Set Area)",
        "conditioning",
        (GIVEN, side("width", 64, 64, 8), side("height", 64, 64, 8), side("x", 0, step=8), side("y", 0, step=8), _strength()),
        OUT,
        f"{WORK}:set_area",
    ),
    NodeDefinition(
        "ConditioningSetAreaPercentage",
        "Conditioning (Set Area with Percentage)",
        "conditioning",
        (GIVEN, _share("width", 1.0), _share("height", 1.0), _share("x", 0.0), _share("y", 0.0), _strength()),
        OUT,
        f"{WORK}:set_area_percentage",
    ),
    NodeDefinition(
        "ConditioningSetAreaStrength",
        "ConditioningSetAreaStrength",
        "conditioning",
        (GIVEN, _strength()),
        OUT,
        f"{WORK}:set_area_strength",
    ),
    NodeDefinition(
        "ConditioningSetMask",
        "Conditioning (Set Mask)",
        "conditioning",
        (GIVEN, socket("mask", "MASK"), _strength(), choice("set_cond_area", ("default", "mask bounds"))),
        OUT,
        f"{WORK}:set_mask",
    ),
    NodeDefinition(
        "ConditioningSetTimestepRange",
        "ConditioningSetTimestepRange",
        "advanced/conditioning",
        (GIVEN, _share("start", 0.0, 0.001), _share("end", 1.0, 0.001)),
        OUT,
        f"{WORK}:set_timestep_range",
    ),
    NodeDefinition("ConditioningZeroOut", "ConditioningZeroOut", "advanced/conditioning", (GIVEN,), OUT, f"{WORK}:zero_out"),
    NodeDefinition(
        "InpaintModelConditioning",
        "InpaintModelConditioning",
        "conditioning/inpaint",
        (
            socket("positive", "CONDITIONING"),
            socket("negative", "CONDITIONING"),
            socket("vae", "VAE"),
            socket("pixels", "IMAGE"),
            socket("mask", "MASK"),
            # Files from before it existed leave it out, and mean true.
            flag("noise_mask", True, is_optional=True),
        ),
        (("positive", "CONDITIONING"), ("negative", "CONDITIONING"), ("latent", "LATENT")),
        f"{WORK}:condition_inpaint_model",
    ),
)
