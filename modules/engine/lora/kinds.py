"""What the tensors that a LoRA file has for one layer add to its weight: one function a kind.

W is the layer's weight as it is before this file is merged: (out, in) or (out, in, kh, kw). Everything is computed in float32.

References:
    LoRA: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022, section 4.1.
    LoHa: Hyeon-Woo et al., "FedPara: Low-Rank Hadamard Product for Communication-Efficient Federated Learning", ICLR 2022, proposition 1.
    LoKr, Tucker form of convolutions: Yeh et al., "Navigating Text-To-Image Customization: From LyCORIS Fine-Tuning to Model Evaluation",
    ICLR 2024, section 3.
    IA3: Liu et al., "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning", NeurIPS 2022, section 3.3.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Parts = Mapping[str, Tensor]
"""Tensors of one layer by part: "lora_up", "alpha", "hada_w1_a" ... (the names of kohya's and LyCORIS's files)."""


@dataclass(frozen=True)
class Kind:
    """One way to write a change of a weight.

    Attributes:
        needs: Parts without which it is not this kind.
        takes: Parts that it may have besides.
        delta: (parts, W, rank limit) -> the change before scaling, in any shape with as many elements as W.
        ranks: Parts whose first side is the rank that "alpha" is divided by; the last one that is there counts.
    """

    needs: frozenset[str]
    takes: frozenset[str]
    delta: Callable[[Parts, Tensor, int | None], Tensor]
    ranks: tuple[str, ...] = ()


def _lora(parts: Parts, weight: Tensor, rank_limit: int | None) -> Tensor:
    """up @ down; Tucker form with `lora_mid`. `rank_limit` keeps the first rows of the product's inner side (DyLoRA)."""
    up, down = parts["lora_up"], parts["lora_down"]
    if "lora_mid" in parts:
        return torch.einsum("nmkl,in,mj->ijkl", parts["lora_mid"], up.flatten(1), down.flatten(1))
    return _product(up, down, rank_limit)


def _product(up: Tensor, down: Tensor, rank_limit: int | None = None) -> Tensor:
    """(out, r) times (r, in ...) -> (out, in ...), sides after the second flattened."""
    up, down = up.flatten(1), down.flatten(1)
    if rank_limit is not None:
        up, down = up[:, :rank_limit], down[:rank_limit]
    return up @ down


def _tucker(core: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """(r, s, kh, kw), (r, out), (s, in) -> (out, in, kh, kw)."""
    return torch.einsum("ijkl,jr,ip->prkl", core, second, first)


def _loha(parts: Parts, weight: Tensor, rank_limit: int | None) -> Tensor:
    """(a1 b1) * (a2 b2), element by element."""
    factors = []
    for number in (1, 2):
        first, second = parts[f"hada_w{number}_a"], parts[f"hada_w{number}_b"]
        core = parts.get(f"hada_t{number}")
        factors.append(_product(first, second) if core is None else _tucker(core, first, second))
    return factors[0] * factors[1]


def _lokr(parts: Parts, weight: Tensor, rank_limit: int | None) -> Tensor:
    """Kronecker product of two factors, each whole or itself a product."""
    first = parts["lokr_w1"] if "lokr_w1" in parts else parts["lokr_w1_a"] @ parts["lokr_w1_b"]
    if "lokr_w2" in parts:
        second = parts["lokr_w2"]
    elif "lokr_t2" in parts:
        second = _tucker(parts["lokr_t2"], parts["lokr_w2_a"], parts["lokr_w2_b"])
    else:
        second = parts["lokr_w2_a"] @ parts["lokr_w2_b"].flatten(1)
    return torch.kron(first.reshape(*first.shape, *[1] * (second.ndim - first.ndim)), second.contiguous())


def _full(parts: Parts, weight: Tensor, rank_limit: int | None) -> Tensor:
    return parts["diff"]


def _norm(parts: Parts, weight: Tensor, rank_limit: int | None) -> Tensor:
    return parts["w_norm"]


def _ia3_output(parts: Parts, weight: Tensor, rank_limit: int | None) -> Tensor:
    """W scaled along its outputs."""
    return weight * parts["weight"].reshape(-1, *[1] * (weight.ndim - 1))


def _ia3_input(parts: Parts, weight: Tensor, rank_limit: int | None) -> Tensor:
    """W scaled along its inputs."""
    return weight * parts["weight"].reshape(1, -1, *[1] * (weight.ndim - 2))


def _bias_only(parts: Parts, weight: Tensor, rank_limit: int | None) -> Tensor:
    return torch.zeros_like(weight)


def _kind(
    delta: Callable[[Parts, Tensor, int | None], Tensor], needs: Collection[str], takes: Collection[str] = (), ranks: tuple[str, ...] = ()
) -> Kind:
    return Kind(frozenset(needs), frozenset(takes) | {"alpha", "scale", "dora_scale", "diff_b"}, delta, ranks)


_W2 = ("lokr_w2_a", "lokr_w2_b")
KINDS = (
    _kind(_lora, ["lora_up", "lora_down"], ["lora_mid"], ("lora_down",)),
    _kind(_loha, ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2"], (), ("hada_w1_b",)),
    _kind(_loha, ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"], (), ("hada_w1_b",)),
    _kind(_lokr, ["lokr_w1", "lokr_w2"]),
    _kind(_lokr, ["lokr_w1", *_W2], ["lokr_t2"], ("lokr_w2_b",)),
    _kind(_lokr, ["lokr_w1_a", "lokr_w1_b", "lokr_w2"], (), ("lokr_w1_b",)),
    _kind(_lokr, ["lokr_w1_a", "lokr_w1_b", *_W2], ["lokr_t2"], ("lokr_w1_b", "lokr_w2_b")),
    _kind(_full, ["diff"]),
    _kind(_norm, ["w_norm"], ["b_norm"]),
    _kind(_ia3_output, ["weight", "on_input"]),
    _kind(_bias_only, ["diff_b"]),
)
"""All kinds; the first whose `needs` are there is taken."""
ON_INPUT = _kind(_ia3_input, ["weight", "on_input"])


def find_kind(names: Collection[str]) -> Kind | None:
    """The kind that parts of these names make; None when they make none."""
    there = set(names)
    return next((kind for kind in KINDS if kind.needs <= there), None)
