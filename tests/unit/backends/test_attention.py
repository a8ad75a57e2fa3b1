"""Our arrangement of attention equals torch's."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from modules.backends.attention import attend


@pytest.mark.parametrize("scales_scores", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("rows", "keys"), [(600, 600), (5, 300), (600, 77), (1300, 1100)])
def test_attend_equals_the_fused_kernel(rows: int, keys: int, dtype: torch.dtype, scales_scores: bool) -> None:
    random = torch.Generator().manual_seed(rows + keys)
    query = torch.randn(2, 3, rows, 8, generator=random)
    key, value = torch.randn(2, 2, 3, keys, 8, generator=random)
    wanted = functional.scaled_dot_product_attention(query, key, value)
    got = attend(query.to(dtype), key.to(dtype), value.to(dtype), scales_scores).float()
    error = float((got - wanted).square().mean().sqrt() / wanted.square().mean().sqrt())
    assert error < (1e-6 if dtype == torch.float32 else 0.02)


def test_float32_is_computed_as_a1111_does() -> None:
    """To the last bit: keys scaled before the product, or scores after it; never in parts that change a sum's order."""
    query, key, value = torch.randn(3, 1, 2, 40, 12, generator=torch.Generator().manual_seed(5))
    scale = 12**-0.5
    for scales_scores, scores in ((False, query @ (key * scale).mT), (True, query @ key.mT * scale)):
        assert torch.equal(attend(query, key, value, scales_scores), scores.softmax(-1) @ value)
