"""From the parts of one layer to the change of its weight and bias: scaled, reshaped, checked."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from modules.engine.lora.kinds import KINDS, ON_INPUT, Kind, Parts, find_kind

LARGEST_RANK = 4096
_MOST_INPUT_CHANNELS = 33
Shape = tuple[int, ...]


def check_shapes(shapes: Mapping[str, Shape], weight: Shape, bias: Shape | None) -> None:
    """Whether parts of these shapes make a change of such a weight; nothing is computed, no memory taken.

    Args:
        shapes: One for each part; the parts make a kind (`find_kind`).
        weight: Shape of the model's weight.
        bias: Shape of its bias; None = it has none.

    Raises:
        ValueError: They do not; the message gives their shapes and the weight's.
    """
    kind = _require_kind(shapes)
    try:
        ranks = [shapes[name][0] for name in kind.ranks if name in shapes]
        if any(not 1 <= rank <= LARGEST_RANK for rank in ranks):
            raise ValueError(f"rank {ranks[-1]}, wanted 1 to {LARGEST_RANK}")
        parts = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
        target = torch.empty(weight, device="meta")
        if "on_input" in shapes and _count(shapes["weight"]) != weight[0]:
            kind = ON_INPUT
        _unscaled(kind, parts, target, None)
        if "dora_scale" in parts:
            _decompose(target, parts["dora_scale"])
        _check_small_parts(shapes, weight, bias)
    except (RuntimeError, IndexError, ValueError) as error:
        got = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
        reason = f" ({error})" if isinstance(error, ValueError) else ""
        raise ValueError(f"got {got}, wanted what makes a change of the model's weight {list(weight)}{reason}") from error


def _check_small_parts(shapes: Mapping[str, Shape], weight: Shape, bias: Shape | None) -> None:
    if "on_input" in shapes and _count(shapes["weight"]) not in weight[:2]:
        raise ValueError(f"weight has {_count(shapes['weight'])} numbers, wanted {weight[0]}, or {weight[1]} on input")
    for name in ("alpha", "scale", "on_input"):
        if name in shapes and _count(shapes[name]) != 1:
            raise ValueError(f"{name} has {_count(shapes[name])} numbers, wanted 1")
    outputs = weight[0] if bias is None else _count(bias)
    for name in ("diff_b", "b_norm"):
        if name in shapes and _count(shapes[name]) != outputs:
            raise ValueError(f"{name} has {_count(shapes[name])} numbers, wanted {outputs}")


def _count(shape: Shape) -> int:
    return int(torch.Size(shape).numel())


def weight_delta(parts: Parts, weight: Tensor, multiplier: float, rank_limit: int | None = None) -> Tensor:
    """What is added to a weight.

    The order of roundings is A1111's: product, times (alpha / rank), times multiplier.

    Args:
        parts: float32, of shapes that `check_shapes` accepts, on the weight's device.
        weight: float32; W with the changes of earlier files already in it.
        multiplier: The number in the prompt.
        rank_limit: Use the first so many ranks only (`dyn=`).

    Returns:
        float32, shaped as `weight`; a new tensor.

    References:
        DoRA: Liu et al., "DoRA: Weight-Decomposed Low-Rank Adaptation", ICML 2024, equation 5.
    """
    kind = _require_kind(parts)
    if "on_input" in parts and bool(parts["on_input"].reshape(()).item()):
        kind = ON_INPUT
    delta = _unscaled(kind, parts, weight, rank_limit) * _scale(kind, parts)
    if "dora_scale" in parts:
        delta = _decompose(delta + weight, parts["dora_scale"]) - weight
    return delta.mul_(multiplier)


def bias_delta(parts: Parts, multiplier: float) -> Tensor | None:
    """What is added to a bias: flat float32; None when these parts leave it alone."""
    change = parts.get("diff_b", parts.get("b_norm"))
    return None if change is None else change.flatten() * multiplier


def is_bias_only(parts: Parts) -> bool:
    """Whether the weight stays as it is."""
    return _require_kind(parts) is KINDS[-1]


def _require_kind(names: Mapping[str, object]) -> Kind:
    kind = find_kind(names)
    if kind is None:
        raise ValueError(f"{', '.join(names)} make no change that is known")
    return kind


def _scale(kind: Kind, parts: Parts) -> float:
    if "scale" in parts:
        return float(parts["scale"].reshape(()).item())
    ranks = [parts[name].shape[0] for name in kind.ranks if name in parts]
    if "alpha" not in parts or not ranks:
        return 1.0
    return float(parts["alpha"].reshape(()).item()) / ranks[-1]


def _unscaled(kind: Kind, parts: Parts, weight: Tensor, rank_limit: int | None) -> Tensor:
    """The change in the shape of `weight`.

    A file made for a base model (C channels in) leaves the further channels of an inpainting (2C + 1) or edit model (2C) alone.
    """
    delta = kind.delta(parts, weight, rank_limit)
    if delta.numel() == weight.numel():
        return delta.reshape(weight.shape)
    if weight.ndim == 4 and weight.shape[1] <= _MOST_INPUT_CHANNELS:
        channels = weight.shape[1] // 2
        latent = weight[:, :channels]
        if delta.numel() == latent.numel():
            padded = torch.zeros_like(weight)
            padded[:, :channels] = delta.reshape(latent.shape)
            return padded
    raise ValueError(f"they make {list(delta.shape)}")


def _decompose(direction: Tensor, magnitude: Tensor) -> Tensor:
    """`direction` with the lengths of its columns, or of its rows, set to `magnitude`.

    Files have one length for each input, (1, in, ...), or for each output, (out, 1, ...) or (out,).
    """
    is_by_input = magnitude.ndim > 1 and magnitude.shape[0] == 1 and magnitude.numel() == direction.shape[1]
    if not is_by_input and magnitude.numel() != direction.shape[0]:
        raise ValueError(f"dora_scale has {magnitude.numel()} numbers, wanted {direction.shape[1]} or {direction.shape[0]}")
    kept = 1 if is_by_input else 0
    others = [axis for axis in range(direction.ndim) if axis != kept]
    lengths = torch.linalg.vector_norm(direction, dim=others, keepdim=True)
    shape = [-1 if axis == kept else 1 for axis in range(direction.ndim)]
    return direction * (magnitude.reshape(shape) / torch.where(lengths == 0, torch.ones_like(lengths), lengths))
