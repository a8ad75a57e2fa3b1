"""Muon: matrices are moved by the nearest orthogonal matrix to their momentum, all else as in AdamW.

References:
    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024 (the iteration and its coefficients).
    Liu et al., "Muon is Scalable for LLM Training", 2025 (section 2.2: steps as long as AdamW's, weight decay).
"""

from __future__ import annotations

import torch
from torch import nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ROUNDS = 5
ADAM_LIKE = 0.2
"""Root mean square of AdamW's usual step, which a step of Muon is scaled to."""


def orthogonalize(matrix: torch.Tensor) -> torch.Tensor:
    """Return about the nearest matrix with singular values near 1, by Newton-Schulz iteration in bfloat16.

    Args:
        matrix: (rows, columns).
    """
    first, second, third = COEFFICIENTS
    x = matrix.bfloat16()
    is_tall = x.shape[0] > x.shape[1]
    x = x.T if is_tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(ROUNDS):
        gram = x @ x.T
        x = first * x + (second * gram + third * gram @ gram) @ x
    return (x.T if is_tall else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Muon for what `is_hidden_matrix` names, AdamW for the rest.

    Args:
        module: Whose trainable weights are optimized.
        lr: Of both.
        momentum: Of the matrices.
        betas: Of AdamW.
        weight_decay: Of both.
    """

    def __init__(self, module: nn.Module, lr: float, momentum: float = 0.95, betas=(0.9, 0.99), weight_decay: float = 1e-2):
        matrices, others = [], []
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                (matrices if is_hidden_matrix(name, parameter) else others).append(parameter)
        super().__init__([{"params": matrices}], {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.adam = torch.optim.AdamW(others, lr=lr, betas=betas, weight_decay=weight_decay)
        self.param_groups += self.adam.param_groups

    @torch.no_grad()
    def step(self, closure=None) -> None:
        """Move all weights that have a gradient."""
        group = self.param_groups[0]
        for parameter in group["params"]:
            if parameter.grad is None:
                continue
            kept = self.state[parameter]
            if "exp_avg" not in kept:
                kept["exp_avg"] = torch.zeros_like(parameter)
            kept["exp_avg"].lerp_(parameter.grad, 1 - group["momentum"])
            ahead = parameter.grad.lerp(kept["exp_avg"], group["momentum"])
            move = orthogonalize(ahead.flatten(1)).view_as(parameter)
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(move, alpha=-group["lr"] * ADAM_LIKE * max(ahead.flatten(1).shape) ** 0.5)
        self.adam.state = self.state
        self.adam.step()


def is_hidden_matrix(name: str, parameter: torch.Tensor) -> bool:
    """Whether a weight maps hidden vectors to hidden vectors; those at the model's ends and all vectors do not."""
    return parameter.ndim >= 2 and not any(part in name for part in ("conv_in", "unet.conv_out", "time_embedding"))
