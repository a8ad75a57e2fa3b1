"""One sitting at a training: the loop that the trainings share, and the options that their commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from .state import Average, Clock, descend, load_state, save_state

MEMORY = 0.98
"""Share of the old in the running mean of losses."""


def add_options(parser: argparse.ArgumentParser, minutes: float, rate: float) -> None:
    """Add the options that `Sitting` reads, and `--pack` and `--threads`."""
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder for the training state")
    parser.add_argument("--resume", action="store_true", help="go on from the state")
    parser.add_argument("--minutes", type=float, default=minutes, help="planned length over all sittings")
    parser.add_argument("--rate", type=float, default=rate)
    parser.add_argument("--threads", type=int, default=1)


def add_word_options(parser: argparse.ArgumentParser) -> None:
    """Add what a training on latents and captions reads beside the pack."""
    parser.add_argument("--basis", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True, help="text encoder, from models.training.meaning")
    parser.add_argument("--vocabulary", type=Path, required=True, help="bpe_simple_vocab_16e6.txt.gz")


class Sitting:
    """Begins a training, or goes on with it, and keeps its state on disk.

    Args:
        args: With the values of `add_options`.
        module: What trains.
        optimizer: Of its weights.
        average: Decay of their moving average.
        seed: Of this kind of training; with the step it sets all chance of the sitting.
        warmup_steps: In which the rate rises, at the beginning of the training: the state keeps the optimizer's moments.

    Raises:
        FileNotFoundError: `args.resume` without a state.
    """

    def __init__(self, args: argparse.Namespace, module: torch.nn.Module, optimizer, average: float, seed: int, warmup_steps: int = 200):
        self.args, self.module, self.optimizer, self.warmup_steps = args, module, optimizer, warmup_steps
        self.average, self.step, spent_s = Average(module, average), 0, 0.0
        if args.resume:
            self.step, spent_s = load_state(args.state, module, self.average, optimizer)
        self.clock = Clock(args.minutes, spent_s)
        self.rng = np.random.default_rng([self.step, seed])
        torch.manual_seed(self.step + 1)

    def run(
        self, draw_loss: Callable[[np.random.Generator], tuple[str, torch.Tensor]], told_every: int = 50, save_every: int = 200
    ) -> None:
        """Train until the planned minutes are over.

        Args:
            draw_loss: Draws a batch and returns its loss, with the name under which its running mean is told.
            told_every: Steps between lines.
            save_every: Steps between states on disk; the last step is saved anyway.
        """
        running: dict[str, float] = {}
        while not self.clock.is_over:
            name, loss = draw_loss(self.rng)
            rate = self.clock.learning_rate(self.args.rate, self.step, self.warmup_steps)
            descend(loss, self.module, self.average, self.optimizer, rate, self.step)
            self.step += 1
            running[name] = running.get(name, loss.item()) * MEMORY + loss.item() * (1 - MEMORY)
            if self.step % told_every == 0:
                told = "  ".join(f"{name} {value:.4f}" for name, value in sorted(running.items()))
                print(f"step {self.step}  {self.clock.spent_s / 60:.1f} min  {told}", flush=True)
            if self.step % save_every == 0:
                self.save()
        self.save()

    def save(self) -> None:
        """Write what a resumed sitting needs."""
        save_state(self.args.state, self.module, self.average, self.optimizer, self.step, self.clock)
