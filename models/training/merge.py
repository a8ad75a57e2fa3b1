"""Two trainings of one model made one: their weights and moments averaged, so that two cores train twice as much as one.

    python -m models.training.merge STATE STATE [STATE ...]

Trainings that went apart for half an hour or so still lie close enough to be averaged (Wortsman et al., "Model soups", 2022; Stich, "Local
SGD Converges Fast and Communicates Little", 2019). Every folder is given the same state and its own step number, so that each draws other
examples when it goes on with `--resume`. Stop the trainings first.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from .data import replace_text
from .state import write_safely


def merge(folders: list[Path]) -> int:
    """Average training states in place.

    Args:
        folders: As written by `state.save_state`, of one model.

    Returns:
        The step that they are at now: the latest of theirs.

    Raises:
        ValueError: Two folders hold weights of other names or shapes.
    """
    states = [load_file(folder / "state.safetensors") for folder in folders]
    progress = [json.loads((folder / "progress.json").read_text()) for folder in folders]
    for folder, state in zip(folders[1:], states[1:], strict=True):
        if {n: t.shape for n, t in state.items()} != {n: t.shape for n, t in states[0].items()}:
            raise ValueError(f"{folder}: its weights are not those of {folders[0]} by name and shape; merge trainings of one model")
    mean = {name: torch.stack([state[name].float() for state in states]).mean(0).to(tensor.dtype) for name, tensor in states[0].items()}
    step, spent_s = (max(one[key] for one in progress) for key in ("step", "spent_s"))
    for number, folder in enumerate(folders):
        write_safely(mean, folder / "state.safetensors", {"step": str(step + number), "spent_s": str(spent_s)})
        replace_text(folder / "progress.json", json.dumps({"step": step + number, "spent_s": spent_s}))
    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="STATE")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{len(args.folders)} states averaged, at step {merge(args.folders)}")


if __name__ == "__main__":
    main()
