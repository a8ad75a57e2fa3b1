"""How a workflow's picture was made, in the words of an infotext: what the sampler nearest to it says."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image

from modules.pipeline.infotext_parse import quote
from modules.pipeline.version import VERSION
from modules.pipeline.workflows.graph import Graph, GraphNode, Link

TEXTS = ("positive", "negative", "conditioning", "conditioning_1", "conditioning_to")
MODELS = ("ckpt_name", "unet_name")


def describe_picture(graph: Graph, node_id: str, picture: Image.Image) -> Mapping[str, Any]:
    """Facts about a picture that an output node made.

    Returns:
        infotext, prompt, negative_prompt, seed (-1 = unknown).
    """
    sampler = next((node for node in _upstream(graph, node_id) if _is_sampler(graph, node)), None)
    if sampler is None:
        return {"infotext": "", "prompt": "", "negative_prompt": "", "seed": -1}
    prompt, negative = (_text(graph, sampler, name) for name in ("positive", "negative"))
    seed, values = _value(graph, sampler, "seed", "noise_seed"), _settings(graph, sampler)
    values["Size"] = f"{picture.width}x{picture.height}"
    model = next((node.inputs[name] for node in _upstream(graph, sampler.id) for name in MODELS if name in node.inputs), None)
    if isinstance(model, str):
        values["Model"] = model.replace("\\", "/").rpartition("/")[2].rpartition(".")[0] or model
    values |= {"Compat": "comfyui", "Version": VERSION}
    said = ", ".join(f"{key}: {quote(value)}" for key, value in values.items() if value is not None)
    lines = [prompt, *([f"Negative prompt: {negative}"] if negative else []), said]
    return {"infotext": "\n".join(lines), "prompt": prompt, "negative_prompt": negative, "seed": seed if isinstance(seed, int) else -1}


def _settings(graph: Graph, sampler: GraphNode) -> dict[str, Any]:
    denoise = _value(graph, sampler, "denoise")
    return {
        "Steps": _value(graph, sampler, "steps"),
        "Sampler": _value(graph, sampler, "sampler_name"),
        "Schedule type": _value(graph, sampler, "scheduler"),
        "CFG scale": _value(graph, sampler, "cfg"),
        "Seed": _value(graph, sampler, "seed", "noise_seed"),
        "Denoising strength": denoise if denoise != 1 else None,
    }


def _is_sampler(graph: Graph, node: GraphNode) -> bool:
    return "Sampler" in node.class_type and not node.class_type.endswith("Select")


def _value(graph: Graph, sampler: GraphNode, *names: str) -> Any:
    """A widget of the sampler, or of the nodes that only serve it (schedulers, guiders, noise)."""
    served = [sampler, *(graph.nodes[link.node] for name, link in sampler.links.items() if _serves(name) and link.node in graph.nodes)]
    return next((node.inputs[name] for node in served for name in names if _is_plain(node.inputs.get(name))), None)


def _serves(name: str) -> bool:
    return name in ("noise", "guider", "sampler", "sigmas")


def _is_plain(value: Any) -> bool:
    return value is not None and not isinstance(value, Link)


def _text(graph: Graph, sampler: GraphNode, name: str) -> str:
    """The prompt that reaches an input, through whatever stands between."""
    start = sampler if name in sampler.links else None
    guider = sampler.links.get("guider")
    if start is None and guider is not None and guider.node in graph.nodes:
        start = graph.nodes[guider.node]
        name = name if name in start.links else "conditioning" if name == "positive" else name
    link = start.links.get(name) if start is not None else None
    passed: set[str] = set()
    while link is not None and link.node in graph.nodes and link.node not in passed:
        passed.add(link.node)
        node = graph.nodes[link.node]
        if isinstance(node.inputs.get("text"), str):
            return str(node.inputs["text"])
        links, passes = node.links, (name, *TEXTS)
        link = next((links[each] for each in passes if each in links), None)
    return ""


def _upstream(graph: Graph, node_id: str) -> Iterator[GraphNode]:
    """Nodes that a node depends on, the nearest first."""
    waiting, seen = deque([node_id]), {node_id}
    while waiting:
        node = graph.nodes.get(waiting.popleft())
        if node is None:
            continue
        yield node
        for link in node.links.values():
            if link.node not in seen:
                seen.add(link.node)
                waiting.append(link.node)
