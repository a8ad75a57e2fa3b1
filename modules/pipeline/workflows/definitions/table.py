"""All nodes that the program can run, by name."""

from __future__ import annotations

from modules.pipeline.workflows.definitions.conditioning import CONDITIONING
from modules.pipeline.workflows.definitions.constants import CONSTANTS
from modules.pipeline.workflows.definitions.definition import NodeDefinition
from modules.pipeline.workflows.definitions.images import IMAGES
from modules.pipeline.workflows.definitions.latents import LATENTS
from modules.pipeline.workflows.definitions.layers import LAYER_NODES
from modules.pipeline.workflows.definitions.loading import FILES, MODELS
from modules.pipeline.workflows.definitions.masks import MASKS
from modules.pipeline.workflows.definitions.sampling import SAMPLING

DEFINITIONS: dict[str, NodeDefinition] = {
    each.class_type: each for each in (*MODELS, *CONDITIONING, *LATENTS, *SAMPLING, *FILES, *IMAGES, *MASKS, *CONSTANTS, *LAYER_NODES)
}
"""`class_type` to what the node takes and gives, in the order of a menu."""

VIRTUAL = frozenset({"Reroute", "PrimitiveNode", "Note", "MarkdownNote"})
"""Nodes that are only drawn: they are gone once a file was read."""
