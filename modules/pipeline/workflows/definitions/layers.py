"""Our own nodes: a picture as layers. ComfyUI calls them unknown, and draws them in red."""

from __future__ import annotations

from modules.pipeline.workflows.definitions.definition import NodeDefinition
from modules.pipeline.workflows.definitions.inputs import MAX_SIDE, choice, flag, integer, number, socket, text

WORK = "modules.pipeline.workflows.nodes.layers"
LAYERS = "PENTIMENTO_LAYERS"
GIVEN = socket("layers", LAYERS)

LAYER_NODES = (
    NodeDefinition(
        "PentimentoDecompose",
        "Take Apart into Layers (Pentimento)",
        "pentimento",
        (socket("image", "IMAGE"), choice("backend", ("built-in", "qwen-image-layered")), integer("max_layers", 4, 1, 10)),
        (("layers", LAYERS),),
        f"{WORK}:decompose",
        is_ours=True,
    ),
    NodeDefinition(
        "PentimentoEditLayer",
        "Edit Layer (Pentimento)",
        "pentimento",
        (
            GIVEN,
            # A name, or a place counted from the top: "1" is the topmost.
            text("layer", "1"),
            flag("is_visible", True),
            number("move_x", 0.0, -MAX_SIDE, MAX_SIDE, 1.0),
            number("move_y", 0.0, -MAX_SIDE, MAX_SIDE, 1.0),
            number("scale", 1.0, 0.01, 100.0),
            number("rotation_deg", 0.0, -360.0, 360.0, 1.0),
            number("opacity", 1.0, 0.0, 1.0),
            number("hue_deg", 0.0, -180.0, 180.0, 1.0),
            number("saturation", 0.0, -1.0, 1.0),
            number("lightness", 0.0, -1.0, 1.0),
        ),
        (("layers", LAYERS),),
        f"{WORK}:edit_layer",
        is_ours=True,
    ),
    NodeDefinition(
        "PentimentoCompose",
        "Compose Layers (Pentimento)",
        "pentimento",
        (GIVEN,),
        (("IMAGE", "IMAGE"),),
        f"{WORK}:compose",
        is_ours=True,
    ),
)
