from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from modules import sd_samplers_common
from modules.backends.fake import FakeModel
from modules.base.paths import Paths
from modules.pipeline import live_preview
from modules.pipeline.context import RUNNING
from modules.pipeline.live_preview import APPROXIMATIONS, show_latent
from modules.settings.options import Options, option_fields


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that networks were asked from."""
    folders: list[Path] = []

    def load(folder: Path) -> object:
        folders.append(folder)
        return live_preview.NO_NETWORKS

    monkeypatch.setattr(live_preview, "load_preview_networks", load)
    return folders


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
def running(tmp_path: Path, model: FakeModel) -> Iterator[SimpleNamespace]:
    job = SimpleNamespace(options=Options(), context=SimpleNamespace(paths=Paths.under(tmp_path)), sd_model=model)
    token = RUNNING.set(job)  # type: ignore[arg-type]
    yield job
    RUNNING.reset(token)


def test_the_option_has_these_ways() -> None:
    assert option_fields()["show_progress_type"].choices == tuple(APPROXIMATIONS) == ("Full", "Approx NN", "Approx cheap", "TAESD")
    assert Options().show_progress_type == "Approx NN"


@pytest.mark.parametrize(("way", "decodings", "loads"), [("Full", 1, 0), ("Approx cheap", 0, 0), ("Approx NN", 0, 1), ("TAESD", 0, 1)])
def test_ways(way: str, decodings: int, loads: int, asked: list[Path], model: FakeModel, tmp_path: Path) -> None:
    picture = torch.full((1, 3, 32, 64), 0.5)
    shown = show_latent(model.encode(picture)[0], model, way, Paths.under(tmp_path / "root", tmp_path / "data"))
    assert shown.mode == "RGB" and shown.size == (64, 32)
    assert np.abs(np.asarray(shown).astype(int) - 191).max() <= 1
    assert model.decode_calls == decodings
    assert asked == [tmp_path / "root" / "models" / "preview"] * loads


@pytest.mark.parametrize(("number", "decodings", "loads"), [(0, 1, 0), (1, 0, 1), (2, 0, 0), (3, 0, 1), (None, 0, 1), (9, 1, 0)])
def test_scripts_ask_by_number(
    number: int | None, decodings: int, loads: int, asked: list[Path], model: FakeModel, running: SimpleNamespace
) -> None:
    latents = model.encode(torch.zeros(1, 3, 32, 32))
    assert sd_samplers_common.sample_to_image(latents, 0, number).size == (32, 32)
    assert (model.decode_calls, len(asked)) == (decodings, loads)


def test_scripts_that_name_no_way_get_the_options(asked: list[Path], model: FakeModel, running: SimpleNamespace) -> None:
    running.options = Options(show_progress_type="Full")
    sd_samplers_common.single_sample_to_image(model.encode(torch.zeros(1, 3, 32, 32))[0])
    assert model.decode_calls == 1 and asked == []
