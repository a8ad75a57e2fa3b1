"""Fewer steps: the teacher's target, and the LoRA file as the studio reads it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from models.training import diffusion, fewer

SIGNAL = diffusion.alphas_cumprod()


def test_signal_between_two_steps_lies_between_theirs():
    times = torch.tensor([0.0, 999.0, 400.5])
    found = fewer.signal_at(times, SIGNAL)
    assert torch.allclose(found[:2], SIGNAL[[0, 999]], atol=1e-6)
    assert SIGNAL[401] < found[2] < SIGNAL[400]


@pytest.mark.parametrize("first", [0, 3, 6])
def test_where_the_teacher_knows_the_answer_the_target_is_its_velocity(first):
    """A denoiser that always finds the same clean latents goes straight there: two steps of it are one."""
    torch.manual_seed(0)
    clean, noisy = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)

    def knowing(values, times, words):
        share = fewer.signal_at(times, SIGNAL).view(-1, 1, 1, 1)
        now = values[:, :3]
        velocity = (share.sqrt() * now - torch.cat([clean, clean])) / (1 - share).sqrt()
        return SimpleNamespace(sample=velocity)

    teacher = fewer.Teacher(knowing, 3.0, SIGNAL)
    grid = fewer.euler_times(8)
    times, afters = grid[first].repeat(2), grid[first + 1].repeat(2)
    words, hole = torch.zeros(2, 5, 8), torch.ones(2, 1, 4, 4)
    found = teacher.target(noisy, times, afters, torch.zeros(2, 4, 4, 4), words, words, clean, hole)
    share = fewer.signal_at(times, SIGNAL).view(-1, 1, 1, 1)
    assert torch.allclose(fewer.to_clean(noisy, found, share), clean, atol=2e-3)


def test_low_rank_starts_as_nothing_and_is_written_as_a_lora(tmp_path):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(4, 6, 3), torch.nn.Linear(5, 7))
    weights = [layer.weight.clone() for layer in net]
    shapes = {str(n): w.shape for n, w in enumerate(weights)}
    layers = fewer.add_low_rank(net, 3)
    assert all(torch.equal(layer.weight, weight) for layer, weight in zip(net, weights, strict=True))
    for layer in layers.values():
        torch.nn.init.normal_(layer.up)
    out = tmp_path / "fast.safetensors"
    fewer.write_lora(layers, dict(layers.named_parameters()), shapes, out)
    file = load_file(out)
    for number, weight in enumerate(weights):
        up, down = (file[f"lora_unet_{number}.lora_{part}.weight"].float().flatten(1) for part in ("up", "down"))
        assert float(file[f"lora_unet_{number}.alpha"]) == len(down)
        assert torch.allclose(weight + (up @ down).view_as(weight), net[number].weight, atol=5e-3)
