"""A world for workflows to run in: the tiny checkpoints, the golden inputs, and results in memory."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from modules.backends.catalog import Catalog
from modules.backends.embeddings.catalog import EmbeddingCatalog
from modules.backends.loader import load_checkpoint
from modules.backends.lone_vae import load_vae
from modules.backends.loras.catalog import LoraCatalog
from modules.backends.loras.file import read_lora
from modules.backends.loras.memory import ByteCache
from modules.base.errors import UnknownName
from modules.pipeline.workflows.context import SavedPicture
from modules.pipeline.workflows.graph import Graph, GraphNode, Link
from modules.pipeline.workflows.results import NodeResults

INPUTS = Path(__file__).parent / "data" / "inputs"
CPU = torch.device("cpu")


class World:
    """A `GraphContext`.

    Args:
        models: Folder of checkpoints, with lora/ and embeddings/.
        vocabulary: CLIP's.
        scratch: Of caches.

    Attributes:
        saved: Pictures by id of the output node.
        steps: (node, step, total) as told.
        stops_at: Interrupt once so many steps were told; None = never.
    """

    def __init__(self, models: Path, vocabulary: Path, scratch: Path, inputs: Path = INPUTS) -> None:
        self._catalog = Catalog([models], scratch / "checkpoints.json")
        self._loras = LoraCatalog([models / "lora"], scratch / "loras.json")
        self._embeddings = EmbeddingCatalog([models / "embeddings"])
        self._vocabulary, self._inputs, self._memory = vocabulary, inputs, ByteCache(64 << 20)
        self._models: dict[str, Any] = {}
        self.results = NodeResults()
        self.saved: dict[str, list[Image.Image]] = {}
        self.steps: list[tuple[str, int, int]] = []
        self.notes: list[str] = []
        self.begun: list[str] = []
        self.stops_at: int | None = None

    def stamp(self, kind: str, name: str) -> Hashable:
        path = self._inputs / name if kind == "pictures" else None
        return path.stat().st_mtime_ns if path is not None and path.is_file() else f"{kind}/{name}"

    def checkpoint(self, name: str) -> Any:
        if name not in self._models:
            self._models[name] = load_checkpoint(self._catalog.find(name), CPU, torch.float32, vocabulary=self._vocabulary)
        return self._models[name]

    def vae(self, name: str) -> Any:
        return load_vae(self._catalog.find(name).path, CPU, torch.float32)

    def lora(self, name: str) -> Any:
        info = self._loras.find(name.removesuffix(".safetensors"))
        if info is None:
            raise UnknownName("lora_name", name, [])
        return read_lora(info.path, info.name, self._memory)

    def embeddings(self, model: Any) -> Any:
        return self._embeddings.table(model.text)

    def upscale(self, name: str, picture: Image.Image) -> Image.Image:
        return picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.NEAREST)

    def decomposer(self, name: str) -> Any:
        raise UnknownName("backend", name, [])

    def picture(self, name: str) -> bytes:
        return (self._inputs / name).read_bytes()

    def save(self, node: str, pictures: Sequence[Image.Image], prefix: str, kind: str) -> list[SavedPicture]:
        self.saved[node] = list(pictures)
        return [SavedPicture(f"{prefix}_{index + 1:05}_.png", type=kind) for index in range(len(pictures))]

    def is_interrupted(self) -> bool:
        return self.stops_at is not None and len(self.steps) >= self.stops_at

    def on_node(self, node: str) -> None:
        self.begun.append(node)

    def on_step(self, node: str, step: int, total: int, latent: Any = None, model: Any = None) -> None:
        self.steps.append((node, step, total))

    def on_done(self, node: str, pictures: Sequence[SavedPicture], *, is_reused: bool) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)


def graph_of(nodes: dict[str, Any]) -> Graph:
    """The graph of an API file."""

    def read(value: Any) -> Any:
        return Link(str(value[0]), value[1]) if isinstance(value, list) else value

    return Graph(
        {
            name: GraphNode(name, node["class_type"], {key: read(value) for key, value in node["inputs"].items()})
            for name, node in nodes.items()
        }
    )
