"""Nodes of masks."""

from __future__ import annotations

from modules.pipeline.workflows.definitions.definition import NodeDefinition
from modules.pipeline.workflows.definitions.inputs import MAX_SIDE, choice, flag, integer, number, side, socket

WORK = "modules.pipeline.workflows.nodes.masks"
OUT = (("MASK", "MASK"),)
MASK = socket("mask", "MASK")
IMAGE = socket("image", "IMAGE")

MASKS = (
    NodeDefinition(
        "GrowMask",
        "GrowMask",
        "mask",
        (MASK, integer("expand", 0, -MAX_SIDE, MAX_SIDE), flag("tapered_corners", True)),
        OUT,
        f"{WORK}:grow",
    ),
    NodeDefinition(
        "FeatherMask",
        "FeatherMask",
        "mask",
        (MASK, side("left", 0), side("top", 0), side("right", 0), side("bottom", 0)),
        OUT,
        f"{WORK}:feather",
    ),
    NodeDefinition("InvertMask", "InvertMask", "mask", (MASK,), OUT, f"{WORK}:invert"),
    NodeDefinition(
        "SolidMask",
        "SolidMask",
        "mask",
        (number("value", 1.0, 0.0, 1.0), side("width", 512, 1), side("height", 512, 1)),
        OUT,
        f"{WORK}:make_solid",
    ),
    NodeDefinition(
        "MaskComposite",
        "MaskComposite",
        "mask",
        (
            socket("destination", "MASK"),
            socket("source", "MASK"),
            side("x", 0),
            side("y", 0),
            choice("operation", ("multiply", "add", "subtract", "and", "or", "xor")),
        ),
        OUT,
        f"{WORK}:composite",
    ),
    NodeDefinition(
        "CropMask",
        "CropMask",
        "mask",
        (MASK, side("x", 0), side("y", 0), side("width", 512, 1), side("height", 512, 1)),
        OUT,
        f"{WORK}:crop",
    ),
    NodeDefinition("ThresholdMask", "ThresholdMask", "mask", (MASK, number("value", 0.5, 0.0, 1.0)), OUT, f"{WORK}:threshold"),
    NodeDefinition(
        "ImageToMask",
        "Convert Image to Mask",
        "mask",
        (IMAGE, choice("channel", ("red", "green", "blue", "alpha"))),
        OUT,
        f"{WORK}:from_image",
    ),
    NodeDefinition("MaskToImage", "Convert Mask to Image", "mask", (MASK,), (("IMAGE", "IMAGE"),), f"{WORK}:to_image"),
    NodeDefinition("ImageColorToMask", "ImageColorToMask", "mask", (IMAGE, integer("color", 0, 0, 0xFFFFFF)), OUT, f"{WORK}:from_color"),
)
