"""What a graph needs from whoever runs it; `runtime` fulfils this, and so does a test."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from modules.pipeline.workflows.results import NodeResults

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from modules.engine.lora.network import NetworkFile
    from modules.engine.model import DiffusionModel
    from modules.engine.prompts.chunks import EmbeddingTable
    from modules.pipeline.layers.decomposing import Decomposer

OUTPUT, TEMPORARY = "output", "temp"


class GraphInterrupted(Exception):
    """Somebody asked to stop; raised in a node's work, caught by `run_graph`."""


@dataclass(frozen=True)
class SavedPicture:
    """A file that an output node made, as ComfyUI names it in its answers."""

    filename: str
    subfolder: str = ""
    type: str = OUTPUT


class LatentCodec(Protocol):
    """A VAE, one picture at a time, in its own units: `backends.vae.Vae` is one."""

    def encode(self, pixels: Tensor) -> Tensor:
        """(1, 3, H, W) float32 in [-1, 1] to (1, C, h, w) float32: the posterior's mean, unscaled."""
        ...

    def decode(self, latent: Tensor) -> Tensor:
        """(1, C, h, w) float32, unscaled, to (1, 3, H, W) float32 in about [-1, 1]."""
        ...


class GraphContext(Protocol):
    """One run's view of the world. Names are those that stand in the graph's widgets.

    Attributes:
        results: What nodes gave in earlier runs; outlives the run.
    """

    results: NodeResults

    def stamp(self, kind: str, name: str) -> Hashable:
        """Another one whenever a file has other content; cheap (size and time).

        Args:
            kind: As `Input.choices` names lists: "checkpoints", "vaes", "loras", "upscalers", "pictures", "results"; or
                "embeddings": of all of them.
            name: File name; "" for embeddings.

        Returns:
            Anything; None where there is no such file.
        """
        ...

    def checkpoint(self, name: str) -> DiffusionModel:
        """The checkpoint, loaded with its own VAE, and no other one: whatever the settings name besides. Asked for before every use.

        Raises:
            MissingModel, UnknownName, BrokenCheckpoint, UnsupportedCheckpoint: It cannot be had.
        """
        ...

    def vae(self, name: str) -> LatentCodec:
        """A VAE file of its own (`backends.lone_vae.load_vae`).

        Raises:
            MissingModel, UnknownName, BrokenCheckpoint: It cannot be had.
        """
        ...

    def lora(self, name: str) -> NetworkFile:
        """A LoRA file.

        Raises:
            UnknownName, UnusableNetwork: It cannot be had.
        """
        ...

    def embeddings(self, model: DiffusionModel) -> EmbeddingTable | None:
        """Textual inversions that fit the model's text encoder."""
        ...

    def upscale(self, name: str, picture: Image) -> Image:
        """`picture` (RGB), enlarged by what the upscaler was made for.

        Raises:
            UnknownName, UnusableNetwork: It cannot be had.
        """
        ...

    def decomposer(self, name: str) -> Decomposer:
        """What takes pictures apart; "" = the one that is there for everybody.

        Raises:
            UnknownName, MissingModel: It cannot be had.
        """
        ...

    def picture(self, name: str) -> bytes:
        """A file of the input folder, or of another one that a suffix such as " [output]" names.

        Raises:
            UnknownName, UnsafePath: It cannot be had.
        """
        ...

    def save(self, node: str, pictures: Sequence[Image], prefix: str, kind: str) -> list[SavedPicture]:
        """Keep what output node `node` made.

        Args:
            node: Its id.
            pictures: RGB or RGBA, 8 bits.
            prefix: As it stands in the graph, with its patterns.
            kind: `OUTPUT` or `TEMPORARY`.

        Raises:
            SaveFailed, UnsafePath: It cannot be kept.
        """
        ...

    def is_interrupted(self) -> bool:
        """Stop as soon as possible; asked before each node and each model call."""
        ...

    def on_node(self, node: str) -> None:
        """A node begins."""
        ...

    def on_step(self, node: str, step: int, total: int, latent: Tensor | None = None, model: DiffusionModel | None = None) -> None:
        """`step` of `total` of a node is done; while sampling, `latent` (B, C, h, w) is the current estimate, scaled."""
        ...

    def on_done(self, node: str, pictures: Sequence[SavedPicture], *, is_reused: bool) -> None:
        """A node is done; `is_reused` = its values were still there from an earlier run."""
        ...

    def note(self, text: str) -> None:
        """What a person should know of the result, in words."""
        ...


@dataclass(frozen=True)
class NodeRun:
    """What a node's work is handed as its first argument.

    Attributes:
        graph: Whoever runs the graph.
        node: Id of the node.
        saved: Files that it made; an output node appends.
    """

    graph: GraphContext
    node: str
    saved: list[SavedPicture] = field(default_factory=list)

    def tell(self, step: int, total: int) -> None:
        """`step` of `total` is done."""
        self.graph.on_step(self.node, step, total)

    def go_on(self) -> None:
        """Asked before every long piece of work.

        Raises:
            GraphInterrupted: Somebody wants it to stop.
        """
        if self.graph.is_interrupted():
            raise GraphInterrupted


Work = Callable[..., tuple[Any, ...]]
"""(NodeRun, **inputs) -> one value an output."""
