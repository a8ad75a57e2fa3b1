"""Changes merged into the weights of a running network, and the originals put back to the bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from modules.base.errors import UnusableNetwork
from modules.engine.lora.delta import bias_delta, is_bias_only, weight_delta


@dataclass(frozen=True)
class Change:
    """What one file does to one layer.

    Attributes:
        source: File and layer, for messages.
        parts: See `engine.lora.kinds`; of shapes that `check_shapes` accepted.
    """

    source: str
    parts: Mapping[str, Tensor]
    multiplier: float
    rank_limit: int | None = None


class WeightMerger:
    """Merges changes into modules, remembers the originals, and puts them back.

    Merged weights are new tensors; the originals are kept aside, never written to, so restoring is exact and costs nothing.

    Args:
        dtype: What merged weights become; None = the dtype of the weight.
    """

    def __init__(self, dtype: torch.dtype | None = None) -> None:
        self._dtype = dtype
        self._originals: list[tuple[nn.Module, str, Tensor | None]] = []

    @property
    def is_merged(self) -> bool:
        return bool(self._originals)

    @torch.no_grad()
    def merge(self, module: nn.Module, changes: Sequence[Change]) -> None:
        """Add `changes`, in this order, to the weight and bias of a module that has none yet.

        Computed in float32 on the weight's device and rounded once.

        Raises:
            UnusableNetwork: A change is not finite or does not fit; the caller restores.
        """
        original, bias = module.weight, module.bias if hasattr(module, "bias") else None
        assert isinstance(original, Tensor) and (bias is None or isinstance(bias, Tensor))
        weight, shift = original.detach().float(), None if bias is None else bias.detach().float()
        for change in changes:
            parts = {name: tensor.to(weight.device, torch.float32) for name, tensor in change.parts.items()}
            try:
                if not is_bias_only(parts):
                    weight = _finite(weight_delta(parts, weight, change.multiplier, change.rank_limit), change).add_(weight)
                addition = bias_delta(parts, change.multiplier)
            except (RuntimeError, ValueError) as error:
                raise UnusableNetwork(f"{change.source} cannot be merged: {error}") from error
            if addition is not None:
                shift = _finite(addition, change) if shift is None else shift + _finite(addition, change)
        if weight.data_ptr() != original.data_ptr():
            self._put(module, "weight", _rounded(weight, original, self._dtype, changes))
        if shift is not None and (bias is None or shift.data_ptr() != bias.data_ptr()):
            self._put(module, "bias", _rounded(shift, original if bias is None else bias, self._dtype, changes))

    def restore(self) -> None:
        """Put every original back."""
        while self._originals:
            module, name, original = self._originals.pop()
            if original is None:
                module.register_parameter(name, None)
            else:
                getattr(module, name).data = original

    def _put(self, module: nn.Module, name: str, value: Tensor) -> None:
        parameter = getattr(module, name)
        if parameter is None:
            self._originals.append((module, name, None))
            module.register_parameter(name, nn.Parameter(value, requires_grad=False))
            return
        self._originals.append((module, name, parameter.data))
        parameter.data = value


def _finite(change: Tensor, source: Change) -> Tensor:
    # A sum is not finite if one term is not; cheaper than looking at each.
    if not bool(change.sum().isfinite()):
        raise UnusableNetwork(f"{source.source} holds numbers that are not finite (NaN or infinity), or too large; it is damaged")
    return change


def _rounded(value: Tensor, original: Tensor, dtype: torch.dtype | None, changes: Sequence[Change]) -> Tensor:
    """`value` in the layout of `original` (channels last stays so) and in `dtype`."""
    if original.ndim != value.ndim:  # a bias where none was
        return value.to(dtype or original.dtype)
    if value.dtype == (dtype or original.dtype) and value.stride() == original.stride():
        return value
    result = torch.empty_like(original, dtype=dtype or original.dtype).copy_(value)
    if result.dtype == torch.float16 and not bool(result.isfinite().all()):
        raise UnusableNetwork(f"{changes[-1].source} makes weights too large for half precision; use a smaller multiplier")
    return result
