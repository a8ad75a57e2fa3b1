"""What the engine asks of a file of weight changes, and how strongly a request wants it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

Layer = tuple[str, str]
"""(network, layer): ("unet", "mid_block_attentions_0_proj_in") or ("text", "encoder_layers_0_mlp_fc1"); dots are underscores."""


class LayerReader(Protocol):
    """Reads the tensors of one layer at a time."""

    def read(self, layer: Layer) -> Mapping[str, Tensor]:
        """Tensors by part, as stored, on the CPU; not to be written to.

        Raises:
            UnusableNetwork: The file changed or cannot be read any more.
        """
        ...


class NetworkFile(Protocol):
    """A file with changes for layers of a model.

    Attributes:
        name: What messages call it.
        key: Equal for equal content.
        layers: Shapes of every layer's parts.
        unknown: Names of tensors that no layer was recognised from.
        made_for: What the file says of the model it was made for; "" when it says nothing.
        tensor_count: All tensors.
    """

    @property
    def name(self) -> str: ...
    @property
    def key(self) -> Hashable: ...
    @property
    def layers(self) -> Mapping[Layer, Mapping[str, tuple[int, ...]]]: ...
    @property
    def unknown(self) -> tuple[str, ...]: ...
    @property
    def made_for(self) -> str: ...
    @property
    def tensor_count(self) -> int: ...

    def open(self) -> AbstractContextManager[LayerReader]:
        """Open the file for reading."""
        ...


@dataclass(frozen=True)
class WeightedNetwork:
    """One `<lora:name:te:unet:dyn>` of a prompt.

    Attributes:
        te: Multiplier of changes to the text encoder.
        unet: Multiplier of changes to the UNet.
        rank_limit: How many ranks to use; None = all.
    """

    file: NetworkFile
    te: float = 1.0
    unet: float = 1.0
    rank_limit: int | None = None

    def multiplier(self, network: str) -> float:
        """For "unet" or "text"."""
        return self.unet if network == "unet" else self.te
