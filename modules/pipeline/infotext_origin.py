"""Who wrote an infotext, as far as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from modules.pipeline.infotext_parse import split_infotext

PENTIMENTO = "Pentimento"
A1111 = "Stable Diffusion web UI (A1111)"
FORGE = "Stable Diffusion WebUI Forge"
COMFYUI = "ComfyUI"
_OURS = re.compile(r"^pentimento-(.+)$")
_FORGE = re.compile(r"^f\d")
_A1111 = re.compile(r"^v?\d+\.\d+")
_FOREIGN_CHUNKS = {"invokeai_metadata": "InvokeAI", "sd-metadata": "InvokeAI", "dream": "InvokeAI", "fooocus_scheme": "Fooocus"}


@dataclass(frozen=True)
class Origin:
    """A program and its version.

    Attributes:
        program: Its name; "" = not stated.
        version: As stated; "" = not stated.
    """

    program: str = ""
    version: str = ""


def find_origin(infotext: str | None, texts: Mapping[str, str]) -> Origin:
    """The program that made a picture, by its texts.

    Args:
        texts: All texts of the file but the infotext, by name.
    """
    parameters = dict(split_infotext(infotext)[1]) if infotext else {}
    version = parameters.get("Version", "")
    if ours := _OURS.match(version):
        return Origin(PENTIMENTO, ours[1])
    if _FORGE.match(version):
        return Origin(FORGE, version)
    if "App" in parameters:  # SD.Next and its relatives name themselves
        return Origin(parameters["App"], version)
    if _A1111.match(version):
        return Origin(A1111, version)
    if any(is_workflow(texts.get(name, "")) for name in ("workflow", "prompt")) or version == COMFYUI:
        return Origin(COMFYUI)
    return Origin(next((name for chunk, name in _FOREIGN_CHUNKS.items() if chunk in texts), ""), version)


def is_workflow(text: str) -> bool:
    """Whether a text is a graph as ComfyUI writes it: an object of nodes by number, each with a class; or one with a list of nodes."""
    try:
        graph = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(graph, dict):
        return False
    nodes = graph.get("nodes")
    return isinstance(nodes, list) or (bool(graph) and all(isinstance(node, dict) and "class_type" in node for node in graph.values()))
