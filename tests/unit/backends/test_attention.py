"""Our arrangement of attention equals torch's."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from modules.backends.attention import attend


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("rows", "keys"), [(600, 600), (5, 300), (600, 77)])
def test_attend_equals_the_fused_kernel(rows: int, keys: int, dtype: torch.dtype) -> None:
    random = torch.Generator().manual_seed(rows + keys)
    query = torch.randn(2, 3, rows, 8, generator=random)
    key, value = torch.randn(2, 2, 3, keys, 8, generator=random)
    wanted = functional.scaled_dot_product_attention(query, key, value)
    got = attend(query.to(dtype), key.to(dtype), value.to(dtype)).float()
    error = float((got - wanted).square().mean().sqrt() / wanted.square().mean().sqrt())
    assert error < (1e-6 if dtype == torch.float32 else 0.02)
