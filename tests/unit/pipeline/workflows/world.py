"""A world for graphs without weights: fake models, pictures in memory."""

from __future__ import annotations

import io
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from modules.backends.fake import FakeModel
from modules.pipeline.workflows.context import NodeRun, SavedPicture
from modules.pipeline.workflows.graph import Graph, GraphNode, Link
from modules.pipeline.workflows.results import NodeResults


@dataclass
class FakeWorld:
    """A `GraphContext`; `asked` lists the checkpoints in the order they were asked for."""

    pictures: dict[str, Image.Image | bytes] = field(default_factory=dict)
    results: NodeResults = field(default_factory=NodeResults)
    versions: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    saved: dict[str, list[Image.Image]] = field(default_factory=dict)
    steps: list[tuple[str, int, int]] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stops_at: int | None = None
    made_of: Any = None
    models: dict[str, FakeModel] = field(default_factory=dict)

    def stamp(self, kind: str, name: str) -> Hashable:
        return self.versions.get(name, 0)

    def checkpoint(self, name: str) -> Any:
        self.asked.append(name)
        return self.models.setdefault(name, FakeModel(name=name))

    def vae(self, name: str) -> Any:
        return FakeModel(name=name)

    def lora(self, name: str) -> Any:
        return name

    def embeddings(self, model: Any) -> None:
        return None

    def upscale(self, name: str, picture: Image.Image) -> Image.Image:
        return picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.NEAREST)

    def decomposer(self, name: str) -> Any:
        return self.made_of

    def picture(self, name: str) -> bytes:
        picture = self.pictures[name]
        if isinstance(picture, bytes):
            return picture
        file = io.BytesIO()
        picture.save(file, "PNG")
        return file.getvalue()

    def save(self, node: str, pictures: Sequence[Image.Image], prefix: str, kind: str) -> list[SavedPicture]:
        self.saved[node] = list(pictures)
        return [SavedPicture(f"{prefix}_{index + 1:05}_.png", type=kind) for index in range(len(pictures))]

    def is_interrupted(self) -> bool:
        return self.stops_at is not None and len(self.steps) >= self.stops_at

    def on_node(self, node: str) -> None:
        self.events.append(("began", node))

    def on_step(self, node: str, step: int, total: int, latent: Any = None, model: Any = None) -> None:
        self.steps.append((node, step, total))

    def on_done(self, node: str, pictures: Sequence[SavedPicture], *, is_reused: bool) -> None:
        self.events.append(("reused" if is_reused else "done", node))

    def note(self, text: str) -> None:
        self.notes.append(text)


def node_run(**named: Any) -> NodeRun:
    return NodeRun(FakeWorld(**named), "1")


def make_graph(**nodes: tuple[str, dict[str, Any]]) -> Graph:
    """Nodes "n1" and so on by number; a tuple is a link: ("n1", 0)."""

    def read(value: Any) -> Any:
        return Link(value[0].removeprefix("n"), value[1]) if isinstance(value, tuple) else value

    made = {name.removeprefix("n"): (kind, {key: read(value) for key, value in inputs.items()}) for name, (kind, inputs) in nodes.items()}
    return Graph({name: GraphNode(name, kind, inputs) for name, (kind, inputs) in made.items()})
