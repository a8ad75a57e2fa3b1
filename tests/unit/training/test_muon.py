"""The optimizer: orthogonal steps for matrices, AdamW for the rest, and a state that goes on."""

from __future__ import annotations

import pytest
import torch

from models.training import muon, state


@pytest.mark.parametrize("shape", [(8, 20), (20, 8), (16, 16)])
def test_orthogonalized_matrices_have_singular_values_near_one(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(muon.orthogonalize(matrix))
    assert values.min() > 0.4
    assert values.max() < 1.4


def test_ends_and_vectors_are_left_to_adam():
    weight = torch.zeros(3, 3, 3, 3)
    assert muon.is_hidden_matrix("unet.mid_block.resnets.0.conv1.weight", weight)
    assert not muon.is_hidden_matrix("unet.conv_in.weight", weight)
    assert not muon.is_hidden_matrix("unet.conv_out.weight", weight)
    assert not muon.is_hidden_matrix("unet.mid_block.resnets.0.norm1.weight", torch.zeros(3))


def make() -> tuple[torch.nn.Module, muon.Muon]:
    torch.manual_seed(1)
    module = torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.Tanh(), torch.nn.Linear(12, 4))
    return module, muon.Muon(module, 3e-3)


def descend(module: torch.nn.Module, optimizer: muon.Muon, steps: int) -> float:
    values = torch.randn(64, 6, generator=torch.Generator().manual_seed(2))
    wanted = values[:, :4].tanh() + values[:, 2:6] * 0.3
    for _ in range(steps):
        loss = (module(values) - wanted).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return loss.item()


def test_it_descends():
    module, optimizer = make()
    first = descend(module, optimizer, 1)
    assert descend(module, optimizer, 150) < 0.5 * first


def test_a_resumed_run_goes_the_same_way(tmp_path):
    module, optimizer = make()
    descend(module, optimizer, 5)
    state.save_state(tmp_path, module, state.Average(module, 0.9), optimizer, 5, state.Clock(1))
    other, resumed = make()
    step, _ = state.load_state(tmp_path, other, state.Average(other, 0.9), resumed)
    assert step == 5
    assert descend(module, optimizer, 5) == pytest.approx(descend(other, resumed, 5), rel=1e-4)
