"""Training state that survives an interruption: weights, averaged weights, optimizer moments. No pickle."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

MOMENTS = ("exp_avg", "exp_avg_sq")


class Average:
    """Exponential moving average of a module's trainable weights, with a warm-up.

    Args:
        module: The module to follow.
        decay: Share of the old average kept at each step, once warm.
    """

    def __init__(self, module: torch.nn.Module, decay: float):
        self.decay = decay
        self.weights = {n: p.detach().clone() for n, p in module.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def update(self, module: torch.nn.Module, step: int) -> None:
        """Move the average towards the module's weights."""
        decay = min(self.decay, (1 + step) / (10 + step))
        live = dict(module.named_parameters())
        names = list(self.weights)
        torch._foreach_lerp_([self.weights[n] for n in names], [live[n].detach() for n in names], 1 - decay)

    @torch.no_grad()
    def copy_to(self, module: torch.nn.Module) -> None:
        """Overwrite the module's weights with the average."""
        for name, parameter in module.named_parameters():
            if name in self.weights:
                parameter.copy_(self.weights[name])


class Clock:
    """Training time over all sittings; the learning rate follows it.

    Args:
        minutes: Planned length of the whole training.
        spent_s: Seconds already trained before this sitting.
    """

    def __init__(self, minutes: float, spent_s: float = 0.0):
        self.total_s = minutes * 60
        self.spent_before_s = spent_s
        self.started = time.monotonic()

    @property
    def spent_s(self) -> float:
        return self.spent_before_s + time.monotonic() - self.started

    @property
    def is_over(self) -> bool:
        return self.spent_s >= self.total_s

    def learning_rate(self, peak: float, step: int, warmup_steps: int = 200) -> float:
        """Warm up, hold until 60 % of the time, then fall linearly to 3 % of the peak."""
        done = min(self.spent_s / self.total_s, 1.0)
        fall = 1.0 if done < 0.6 else 1 - (done - 0.6) / 0.4 * 0.97
        return peak * min(1.0, (step + 1) / warmup_steps) * fall


def descend(loss: torch.Tensor, module: torch.nn.Module, average: Average, optimizer, rate: float, step: int, longest: float = 1.0) -> None:
    """Take one training step and let the average follow.

    Args:
        loss: Scalar, with its graph.
        module: What trains.
        average: Of `module`.
        optimizer: Of `module`'s trainable weights.
        rate: Learning rate of this step.
        step: Steps taken before.
        longest: Norm that the gradient is cut to.
    """
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for p in module.parameters() if p.requires_grad], longest)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    average.update(module, step)


def write_safely(tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write safetensors beside `path`, then rename: a reader never sees half a file."""
    temporary = path.with_name(path.name + ".part")
    save_file({n: t.detach().contiguous() for n, t in tensors.items()}, temporary, metadata=metadata)
    os.replace(temporary, path)


def save_state(folder: Path, module, average: Average, optimizer, step: int, clock: Clock) -> None:
    """Save everything a resumed run needs."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [n for n, p in module.named_parameters() if p.requires_grad]
    live = dict(module.named_parameters())
    tensors = {f"live.{n}": live[n] for n in names} | {f"average.{n}": t for n, t in average.weights.items()}
    for name in names:
        moments = optimizer.state.get(live[name], {})
        tensors |= {f"{key}.{name}": value for key, value in moments.items() if key in MOMENTS}
    write_safely(tensors, folder / "state.safetensors", {"step": str(step), "spent_s": str(clock.spent_s)})
    (folder / "progress.json").write_text(json.dumps({"step": step, "spent_s": clock.spent_s}))


def load_state(folder: Path, module, average: Average, optimizer) -> tuple[int, float]:
    """Restore what `save_state` wrote.

    Returns:
        The step reached and the seconds spent.
    """
    tensors = load_file(folder / "state.safetensors")
    progress = json.loads((folder / "progress.json").read_text())
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        parameter.data.copy_(tensors[f"live.{name}"])
        average.weights[name].copy_(tensors[f"average.{name}"])
        moments = {key: tensors[f"{key}.{name}"].to(parameter.device) for key in MOMENTS if f"{key}.{name}" in tensors}
        if moments:
            optimizer.state[parameter] = {"step": torch.tensor(float(progress["step"]))} | moments
    return progress["step"], progress["spent_s"]
