"""Whether this CPU rounds as the one that the records were made on, and how much looser limits are where it does not.

torch takes roots, logarithms and exponentials from a library that chooses its code by the CPU; results differ in the last bit. A1111 and
ComfyUI on this CPU would differ from their own records alike.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

_LEVELS = np.load(Path(__file__).parent / "data" / "units" / "sigma_to_t.npz")


def _rounds_alike() -> bool:
    """Asks for what A1111 computed, worked out here: levels are roots, timesteps between two of them come from logarithms."""
    alphas = torch.from_numpy(_LEVELS["alphas_cumprod"])
    has_roots = np.array_equal((((1 - alphas) / alphas) ** 0.5).numpy(), _LEVELS["sigmas_table"])
    logs, wanted = torch.from_numpy(_LEVELS["sigmas_table"]).log(), torch.from_numpy(_LEVELS["sigma"]).log()
    low = (wanted - logs[:, None]).ge(0).cumsum(0).argmax(0).clamp(max=len(logs) - 2)
    share = ((logs[low] - wanted) / (logs[low] - logs[low + 1])).clamp(0, 1)
    return bool(has_roots and np.array_equal(((1 - share) * low + share * (low + 1)).numpy(), _LEVELS["t"]))


IS_RECORDS_CPU = _rounds_alike()
SLACK = 1.0 if IS_RECORDS_CPU else 4.0
"""Factor of limits on differences that are rounding alone; a wrong rule moves pictures by 60 times their limit and more."""
