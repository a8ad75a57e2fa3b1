"""LoRA files merged into a loaded UNet and text encoder: which layer is which module, what fits, and when there is nothing to do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from modules.backends.loras.names import name_text_layers, name_unet_layers
from modules.base.errors import UnusableNetwork
from modules.engine.lora.delta import check_shapes
from modules.engine.lora.kinds import find_kind
from modules.engine.lora.merge import Change, WeightMerger
from modules.engine.lora.network import Layer, NetworkFile, WeightedNetwork

log = logging.getLogger(__name__)
_NAMED = 2
UNET, TEXT = "unet", "text"


class _Target:
    """One network of the model, and what is merged into it."""

    def __init__(self, network: nn.Module, name_layers: Callable[[Iterable[str]], dict[str, str]], dtype: torch.dtype | None) -> None:
        modules = {path: module for path, module in network.named_modules() if isinstance(getattr(module, "weight", None), Tensor)}
        self.layers = {layer: modules[path] for layer, path in name_layers(modules).items()}
        self._dtype = dtype
        self.merger = WeightMerger(dtype)
        self.key: Hashable = ()

    def restore(self, dtype: torch.dtype | None = None) -> None:
        """The network's own weights; what is merged next becomes `dtype` (None = as it was made for)."""
        self.merger.restore()
        self.merger = WeightMerger(dtype or self._dtype)
        self.key = ()


class LoraMerger:
    """Keeps one set of LoRA files merged into a model.

    Args:
        unet: With diffusers' module paths; merged weights keep the dtype they have.
        text: With transformers' module paths; it computes in float32, so merged weights become float32, or are rounded to half precision
            for rules that say so.
    """

    def __init__(self, unet: nn.Module, text: nn.Module) -> None:
        self._whole: Hashable = ()
        self._notes: list[str] = []
        self._targets = {UNET: _Target(unet, name_unet_layers, None), TEXT: _Target(text, name_text_layers, torch.float32)}

    @property
    def text_key(self) -> Hashable:
        """Equal for equal weights of the text encoder; () = its own."""
        return self._targets[TEXT].key

    def apply(self, networks: Sequence[WeightedNetwork], halves_text: bool = False) -> list[str]:
        """Make the model's weights its own with `networks` added in this order; an empty sequence restores it.

        The set that is merged already costs nothing. After an error, the model has its own weights.

        Args:
            halves_text: Round what is merged into the text encoder to half precision.

        Returns:
            What a person should know: tensors that found no use.

        Raises:
            UnusableNetwork: A file does not fit the model, or is damaged.
        """
        whole = (halves_text, *((network.file.key, network.te, network.unet, network.rank_limit) for network in networks))
        if whole != self._whole:
            self._notes = self._change_to(networks, {TEXT: torch.float16} if halves_text else {})
            self._whole = whole
        return list(self._notes)

    def restore(self) -> None:
        """Give the model its own weights back."""
        self._whole, self._notes = (), []
        for target in self._targets.values():
            target.restore()

    def _change_to(self, networks: Sequence[WeightedNetwork], dtypes: Mapping[str, torch.dtype]) -> list[str]:
        try:
            fitting = {id(network.file): self._fit(network.file) for network in networks}
            for name, target in self._targets.items():
                wanted = [
                    (network, fitting[id(network.file)][0])
                    for network in networks
                    if network.multiplier(name) != 0 and any(layer[0] == name for layer in fitting[id(network.file)][0])
                ]
                key: Hashable = tuple((network.file.key, network.multiplier(name), network.rank_limit) for network, _ in wanted)
                key = (key, dtypes[name]) if wanted and name in dtypes else key
                if key != target.key:
                    target.restore(dtypes.get(name))
                    _merge(name, target, wanted)
                    target.key = key
        except BaseException:
            self.restore()
            raise
        return list(dict.fromkeys(note for _, note in fitting.values() if note))

    def _fit(self, file: NetworkFile) -> tuple[tuple[Layer, ...], str]:
        """Layers of the file that this model has, and a note on what it has not.

        Raises:
            UnusableNetwork: A layer has another shape.
        """
        fits, unused = [], list(file.unknown)
        for layer, shapes in file.layers.items():
            module, kind = self._targets[layer[0]].layers.get(layer[1]), find_kind(shapes)
            if module is None or kind is None:
                unused.extend(f"{'.'.join(layer)}.{part}" for part in shapes)
                continue
            unused.extend(f"{'.'.join(layer)}.{part}" for part in shapes if part not in kind.needs | kind.takes)
            used = {part: shape for part, shape in shapes.items() if part in kind.needs | kind.takes}
            bias = getattr(module, "bias", None)
            try:
                check_shapes(used, tuple(module.weight.shape), None if bias is None else tuple(bias.shape))
            except ValueError as error:
                raise UnusableNetwork(f"LoRA {file.name!r}, layer {layer[1]} of the {_said(layer[0])}: {error}{_made_for(file)}") from error
            fits.append(layer)
        return tuple(fits), _describe_unused(file, unused, has_use=bool(fits))


def _merge(name: str, target: _Target, wanted: Sequence[tuple[WeightedNetwork, Sequence[Layer]]]) -> None:
    """Merge the files' layers for the network `name`, which has its own weights."""
    started = time.perf_counter()
    touched: dict[int, tuple[nn.Module, list[tuple[int, Layer]]]] = {}
    for index, (_, layers) in enumerate(wanted):
        for layer in layers:
            if layer[0] == name:
                module = target.layers[layer[1]]
                touched.setdefault(id(module), (module, []))[1].append((index, layer))
    with ExitStack() as stack:
        readers = [stack.enter_context(network.file.open()) for network, _ in wanted]
        for module, sources in touched.values():
            changes = [_change(wanted[index][0], layer, name, readers[index].read(layer)) for index, layer in sources]
            target.merger.merge(module, changes)
    if touched:
        seconds = time.perf_counter() - started
        log.info(
            "Merged %s into %d layers of the %s in %.2f s", ", ".join(n.file.name for n, _ in wanted), len(touched), _said(name), seconds
        )


def _change(network: WeightedNetwork, layer: Layer, name: str, parts: object) -> Change:
    source = f"LoRA {network.file.name!r}, layer {layer[1]} of the {_said(name)}"
    return Change(source, parts, network.multiplier(name), network.rank_limit)  # type: ignore[arg-type]


def _said(network: str) -> str:
    return "UNet" if network == UNET else "text encoder"


def _made_for(file: NetworkFile) -> str:
    return f"; the file says it was made for {file.made_for!r}" if file.made_for else "; it may be made for another kind of model"


def _describe_unused(file: NetworkFile, unused: Sequence[str], has_use: bool) -> str:
    if not has_use:
        return f"LoRA {file.name!r} changes nothing: none of its {file.tensor_count} tensors fits this model{_made_for(file)}"
    if not unused:
        return ""
    more = ", ..." if len(unused) > _NAMED else ""
    return f"LoRA {file.name!r}: {len(unused)} of {file.tensor_count} tensors have no use here ({', '.join(unused[:_NAMED])}{more})"
