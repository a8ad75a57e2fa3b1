"""The loop that the trainings share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest
import torch

from models.training import sitting, state


class ThreeSteps(state.Clock):
    """A sitting of three steps, however slow the machine is."""

    left = 4

    @property
    def is_over(self) -> bool:
        self.left -= 1
        return self.left <= 0


def sit(folder: Path, *, resume: bool, save_every: int = 200) -> tuple[sitting.Sitting, torch.nn.Linear, list[float]]:
    module = torch.nn.Linear(2, 1, bias=False)
    module.weight.data.fill_(1.0)
    args = Namespace(state=folder, resume=resume, minutes=1.0, rate=0.1)
    found = sitting.Sitting(args, module, torch.optim.SGD(module.parameters()), average=0.9, seed=4, warmup_steps=2)
    chances: list[float] = []

    def draw_loss(rng):
        chances.extend((float(rng.random()), float(torch.rand(()))))
        return ("even" if found.step % 2 == 0 else "odd"), module(torch.ones(1, 2)).sum()

    found.run(draw_loss, told_every=1, save_every=save_every)
    return found, module, chances


@pytest.fixture(autouse=True)
def three_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitting, "Clock", ThreeSteps)


def test_a_sitting_goes_on_where_the_last_one_stopped(tmp_path, capsys):
    first, module, chances = sit(tmp_path, resume=False)
    assert first.step == 3
    assert module.weight[0, 0] < 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["1", "2", "3"]
    assert "even" in lines[0]
    assert "odd" not in lines[0]
    assert "odd" in lines[1]
    again, resumed, others = sit(tmp_path, resume=True)
    assert again.step == 6
    assert resumed.weight[0, 0] < module.weight[0, 0]
    assert again.clock.spent_s >= first.clock.spent_before_s
    assert not set(chances) & set(others)


def test_the_same_sitting_has_the_same_chance(tmp_path):
    assert sit(tmp_path / "a", resume=False)[2] == sit(tmp_path / "b", resume=False)[2]


def test_the_state_is_saved_on_the_way(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(sitting, "save_state", lambda folder, module, average, optimizer, step, clock: saved.append(step))
    sit(tmp_path, resume=False, save_every=2)
    assert saved == [2, 3]


def test_there_is_nothing_to_go_on_with(tmp_path):
    with pytest.raises(FileNotFoundError):
        sit(tmp_path / "none", resume=True)


def test_commands_share_their_options():
    parser = ArgumentParser()
    sitting.add_options(parser, minutes=7, rate=0.5)
    args = parser.parse_args(["--pack", "p", "--state", "s"])
    assert (args.minutes, args.rate, args.resume, args.threads) == (7, 0.5, False, 1)


def test_the_rate_rises_once_not_in_every_sitting(tmp_path, monkeypatch):
    rates: list[float] = []
    take_step = sitting.descend

    def note(loss, module, average, optimizer, rate, step):
        rates.append(rate)
        take_step(loss, module, average, optimizer, rate, step)

    monkeypatch.setattr(sitting, "descend", note)
    for resume in (False, True):
        sit(tmp_path, resume=resume)
    assert rates == pytest.approx([0.05, 0.1, 0.1, 0.1, 0.1, 0.1], rel=1e-3)
