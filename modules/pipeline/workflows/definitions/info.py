"""The table of nodes as ComfyUI's clients ask for it: `/object_info`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.pipeline.workflows.definitions.definition import Input, NodeDefinition
from modules.pipeline.workflows.definitions.table import DEFINITIONS


def object_info(choices: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """All nodes.

    Args:
        choices: What there is, by the names that `Input.choices` uses; lists that are not given are empty.
    """
    return {name: node_info(node, choices) for name, node in DEFINITIONS.items()}


def node_info(node: NodeDefinition, choices: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """One node."""
    required = {each.name: _input_info(each, choices) for each in node.inputs if not each.is_optional}
    optional = {each.name: _input_info(each, choices) for each in node.inputs if each.is_optional}
    groups: dict[str, dict[str, Any]] = {"required": required}
    if optional:
        groups["optional"] = optional
    if node.hidden:
        groups["hidden"] = dict(node.hidden)
    return {
        "input": groups,
        "input_order": {group: list(names) for group, names in groups.items()},
        "output": [kind for _, kind in node.outputs],
        "output_is_list": [False] * len(node.outputs),
        "output_name": [name for name, _ in node.outputs],
        "name": node.class_type,
        "display_name": node.title,
        "description": "",
        "python_module": "custom_nodes.pentimento" if node.is_ours else "nodes",
        "category": node.category,
        "output_node": node.is_output,
        "deprecated": False,
        "experimental": node.category == "_for_testing",
    }


def _input_info(each: Input, choices: Mapping[str, Sequence[str]]) -> list[Any]:
    bounds = {"min": each.low, "max": each.high, "step": each.step}
    options: dict[str, Any] = {name: value for name, value in bounds.items() if value is not None}
    if each.default is not None:
        options["default"] = each.default
    if each.type == "STRING":
        options["multiline"] = each.is_multiline
    if each.has_seed_control:
        options["control_after_generate"] = True
    if each.is_upload:
        options["image_upload"] = True
        if each.choices == "results":
            options["image_folder"] = "output"
    if each.type != "COMBO":
        return [each.type, options] if options else [each.type]
    listed = list(choices.get(each.choices, ())) if isinstance(each.choices, str) else list(each.choices)
    if options.get("default") not in listed:
        options.pop("default", None)
    return [listed, options] if options else [listed]
