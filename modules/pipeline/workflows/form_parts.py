"""The parts of a form's pattern, found by walking a graph from its output backwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from modules.pipeline.workflows.definitions.table import DEFINITIONS
from modules.pipeline.workflows.graph import Graph, GraphNode, Link

Said = tuple[str, dict[str, Any]]
"""A text's id and what stands in it."""
FORM_NODES = frozenset(
    (
        *("CheckpointLoaderSimple", "VAELoader", "LoraLoader", "LoraLoaderModelOnly", "CLIPSetLastLayer", "CLIPTextEncode"),
        *("LoadImage", "LoadImageMask", "InvertMask", "ImageScale", "VAEEncode", "VAEEncodeForInpaint", "SetLatentNoiseMask"),
        *("InpaintModelConditioning", "RepeatLatentBatch", "KSampler", "KSamplerAdvanced", "VAEDecode", "SaveImage", "PreviewImage"),
        *("SaveImageWebsocket", "EmptyLatentImage"),
    )
)
NETWORK_TAG = re.compile(r"<(\w+):([^>]+)>")
"""What the form takes out of a prompt."""
NETWORK_NAME = re.compile(r"[^:<>=]+")
LAST_CLIP_SKIP = 12


class Misfit(Exception):
    """The form cannot say it.

    Args:
        reasons: Why not.
    """

    def __init__(self, *reasons: Said) -> None:
        self.reasons = reasons
        super().__init__(str(reasons))


@dataclass
class Found:
    """What a part says: fields of the request, options, and words for a person."""

    fields: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    tags: str = ""


class Walk:
    """A graph, asked for what the form needs; anything else is a `Misfit`."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def node(self, link: Link) -> GraphNode:
        found = self.graph.nodes.get(link.node)
        if found is None:
            raise Misfit(("workflow_form.not.incomplete", {"node": link.node, "input": ""}))
        return found

    def link(self, node: GraphNode, name: str) -> Link:
        given = node.inputs.get(name)
        if not isinstance(given, Link):
            raise Misfit(("workflow_form.not.incomplete", {"node": node.id, "input": name}))
        return given

    def giver(self, node: GraphNode, name: str, class_types: Sequence[str] | None) -> GraphNode:
        """Who gives an input; of one of these types."""
        found = self.node(self.link(node, name))
        if class_types is not None and found.class_type not in class_types:
            raise Misfit(("workflow_form.not.place", {"node": found.id, "type": found.class_type, "before": node.class_type}))
        return found

    def value(self, node: GraphNode, name: str) -> Any:
        """A widget's value; where the file has none, the default."""
        if name not in node.inputs:
            known = DEFINITIONS[node.class_type].input(name)
            return None if known is None else known.default
        given = node.inputs[name]
        if isinstance(given, Link):
            raise Misfit(("workflow_form.not.linked", {"node": node.id, "input": name}))
        return given

    def number(self, node: GraphNode, name: str) -> float:
        value = self.value(node, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Misfit(("workflow_form.not.incomplete", {"node": node.id, "input": name}))
        return value

    def text(self, node: GraphNode, name: str) -> str:
        value = self.value(node, name)
        if not isinstance(value, str):
            raise Misfit(("workflow_form.not.incomplete", {"node": node.id, "input": name}))
        return value

    def upstream(self, output: GraphNode) -> list[GraphNode]:
        """A node and all that it depends on, in the order of the file."""
        seen, waiting = {output.id}, [output]
        while waiting:
            for link in waiting.pop().links.values():
                if link.node not in seen and link.node in self.graph.nodes:
                    seen.add(link.node)
                    waiting.append(self.graph.nodes[link.node])
        return [node for node in self.graph.nodes.values() if node.id in seen]

    def read_mask(self, link: Link) -> tuple[dict[str, str], bool]:
        """The file of a mask (`FormPicture`'s values), and whether it is inverted."""
        node, is_inverted = self.node(link), False
        for _ in self.graph.nodes:
            if node.class_type != "InvertMask":
                break
            link = self.link(node, "mask")
            node, is_inverted = self.node(link), not is_inverted
        if node.class_type == "LoadImage" and link.output == 1:
            return {"name": self.text(node, "image"), "channel": "alpha", "node": node.id}, is_inverted
        if node.class_type == "LoadImageMask":
            return {"name": self.text(node, "image"), "channel": self.text(node, "channel"), "node": node.id}, is_inverted
        raise Misfit(("workflow_form.not.mask", {"node": node.id, "type": node.class_type}))

    def read_models(self, sampler: GraphNode, texts: Sequence[Link], decoders: Sequence[GraphNode]) -> Found:
        """Checkpoint, VAE, LoRA files and clip skip; one set for all who use them."""
        checkpoint, on_model = self._chain(self.link(sampler, "model"), "model", ("LoraLoader", "LoraLoaderModelOnly"))
        encoders = [self.node(text) for text in texts]
        for encoder in encoders:
            if encoder.class_type != "CLIPTextEncode":
                raise Misfit(("workflow_form.not.place", {"node": encoder.id, "type": encoder.class_type, "before": sampler.class_type}))
        chains = [self._chain(self.link(encoder, "clip"), "clip", ("LoraLoader", "CLIPSetLastLayer")) for encoder in encoders]
        if any(source != checkpoint for source, _ in chains):
            raise Misfit(("workflow_form.not.two_checkpoints", {}))
        if chains[0][1] != chains[1][1]:
            raise Misfit(("workflow_form.not.two_clips", {}))
        name = self.text(checkpoint, "ckpt_name")
        found = Found(options={"sd_model_checkpoint": name}, said=[("workflow_form.checkpoint", {"name": name})])
        self._read_vae(checkpoint, decoders, found)
        self._read_clip_skip([node for node in chains[0][1] if node.class_type == "CLIPSetLastLayer"], found)
        self._read_loras(on_model, [node for node in chains[0][1] if node.class_type == "LoraLoader"], found)
        return found

    def _chain(self, link: Link, name: str, class_types: Sequence[str]) -> tuple[GraphNode, list[GraphNode]]:
        """From a user of a model back to its checkpoint; the nodes between, the checkpoint's neighbour first."""
        node, chain = self.node(link), list[GraphNode]()
        while node.class_type in class_types and len(chain) <= len(self.graph.nodes):
            chain.append(node)
            node = self.node(self.link(node, name))
        if node.class_type != "CheckpointLoaderSimple":
            raise Misfit(("workflow_form.not.model", {"node": node.id, "type": node.class_type}))
        return node, chain[::-1]

    def _read_vae(self, checkpoint: GraphNode, users: Sequence[GraphNode], found: Found) -> None:
        sources = {self.node(self.link(user, "vae")).id for user in users}
        if len(sources) > 1:
            raise Misfit(("workflow_form.not.two_vaes", {"nodes": ", ".join(sorted(sources))}))
        node = self.graph.nodes[sources.pop()]
        if node.class_type == "VAELoader":
            found.options["sd_vae"] = self.text(node, "vae_name")
            found.said.append(("workflow_form.vae", {"name": found.options["sd_vae"]}))
        elif node.id == checkpoint.id:
            found.options["sd_vae"] = "None"
        else:
            raise Misfit(("workflow_form.not.model", {"node": node.id, "type": node.class_type}))

    def _read_clip_skip(self, nodes: Sequence[GraphNode], found: Found) -> None:
        """The one nearest to the prompt counts."""
        skip = -int(self.number(nodes[-1], "stop_at_clip_layer")) if nodes else 1
        if not 1 <= skip <= LAST_CLIP_SKIP:
            raise Misfit(
                ("workflow_form.not.beyond", {"node": nodes[-1].id, "field": "clip skip", "value": str(skip), "most": str(LAST_CLIP_SKIP)})
            )
        found.options["CLIP_stop_at_last_layers"] = skip
        if nodes:
            found.said.append(("workflow_form.clip_skip", {"layers": skip}))

    def _read_loras(self, on_model: Sequence[GraphNode], on_clip: Sequence[GraphNode], found: Found) -> None:
        """As tags of a prompt: `<lora:name:text encoder:model>`."""
        nodes = [*on_model, *(node for node in on_clip if all(node.id != other.id for other in on_model))]
        names = [self.text(node, "lora_name") for node in nodes]
        if len(set(names)) < len(names):
            raise Misfit(("workflow_form.not.lora_twice", {"node": nodes[-1].id}))
        for node, name in zip(nodes, names, strict=True):
            stem = name.removesuffix(".safetensors").replace("\\", "/")
            if NETWORK_NAME.fullmatch(stem) is None:
                raise Misfit(("workflow_form.not.lora_name", {"node": node.id, "name": name}))
            te = self.number(node, "strength_clip") if any(node.id == other.id for other in on_clip) else 0
            unet = self.number(node, "strength_model") if any(node.id == other.id for other in on_model) else 0
            found.tags += f"<lora:{stem}:{te!r}:{unet!r}>"
            found.said.append(("workflow_form.lora", {"name": name, "model": unet, "clip": te}))

    def read_prompts(self, texts: Sequence[Link], model: Found) -> Found:
        """Both prompts, word for word."""
        found = Found()
        for link, name in zip(texts, ("prompt", "negative_prompt"), strict=True):
            node = self.node(link)
            text = self.text(node, "text")
            if name == "prompt" and NETWORK_TAG.search(text):
                raise Misfit(("workflow_form.not.tag", {"node": node.id}))
            found.fields[name] = text
            found.said.append((f"workflow_form.{name}", {"text": text[:80]}))
        found.fields["prompt"] += model.tags
        return found
