"""Nodes that hand on one value."""

from __future__ import annotations

from modules.pipeline.workflows.definitions.definition import Input, NodeDefinition
from modules.pipeline.workflows.definitions.inputs import flag, text

MAX_INTEGER = 2**63 - 1
WORK = "modules.pipeline.workflows.nodes.constants:hand_on"
VALUES = (
    ("PrimitiveInt", "Int", Input("value", "INT", 0, -MAX_INTEGER, MAX_INTEGER, 1, has_seed_control=True)),
    ("PrimitiveFloat", "Float", Input("value", "FLOAT", 0.0, -float(MAX_INTEGER), float(MAX_INTEGER), 0.1)),
    ("PrimitiveString", "String", text("value")),
    ("PrimitiveStringMultiline", "String (Multiline)", text("value", is_multiline=True)),
    ("PrimitiveBoolean", "Boolean", flag("value", False)),
)
CONSTANTS = tuple(
    NodeDefinition(name, title, "utils/primitive", (value,), ((value.type, value.type),), WORK) for name, title, value in VALUES
)
