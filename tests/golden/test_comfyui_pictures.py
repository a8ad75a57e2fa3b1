"""The 79 workflows that ComfyUI 0.8.0 ran, read from its own pictures and run here: the same pictures come out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from modules.pipeline.workflows.reading import read_workflow
from modules.pipeline.workflows.running import run_graph
from tests.golden.comfyui_world import World
from tests.golden.rounding import IS_RECORDS_CPU, SLACK

PICTURES = Path(__file__).parent / "data" / "comfyui" / "pictures"
NAMES = sorted({path.name.rsplit(".", 2)[0] for path in PICTURES.glob("*.png")})
LIMIT = (2, 0.1)
WIDER = (4, 0.3)
"""Largest and mean difference, of 255; the second for steps that amplify the rounding of a float32 network."""
AMPLIFYING = ("prompt_long", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_3m_sde")
TIED, FAR = ("sampler_dpm_2_ancestral",), (96, 5.0)
"""Levels halfway between two timesteps, of which ComfyUI takes the nearer: on another CPU than the records', the last bit chooses."""
EXACT = ("mask_", "outpaint_left_top_setmask")
"""Cases whose pictures after the first show masks or padded pictures."""


class Difference(NamedTuple):
    name: str
    largest: int
    mean: float
    limit: tuple[float, float]


@pytest.fixture(scope="module")
def table() -> Iterator[list[Difference]]:
    """Prints what was measured, worst first, at the end."""
    rows: list[Difference] = []
    yield rows
    for row in sorted(rows, key=lambda row: -row.mean):
        print(f"{row.name:45} {row.largest:3} {row.mean:.4f}  (limit {row.limit[0]} / {row.limit[1]})")


@pytest.fixture(scope="module")
def world(tiny_models: Path, vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tiny_models, vocabulary, tmp_path_factory.mktemp("comfyui"))


def test_all_79_are_here() -> None:
    assert len(NAMES) == 79


def limit_of(name: str, index: int) -> tuple[float, float]:
    """(largest, mean) of the `index`-th picture."""
    if index and name.startswith(EXACT):
        return 0, 0.0
    if name in TIED and not IS_RECORDS_CPU:
        return FAR
    most, mean = WIDER if any(part in name for part in AMPLIFYING) else LIMIT
    return most * min(SLACK, 2), mean * SLACK


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_of_comfyui_runs_to_the_same_picture(name: str, world: World, table: list[Difference]) -> None:
    wanted = [np.asarray(Image.open(path)).astype(int) for path in sorted(PICTURES.glob(f"{name}.?.png"))]
    graph = read_workflow((PICTURES / f"{name}.0.png").read_bytes(), name).graph
    world.saved = {}
    run_graph(graph, world)
    made = [np.asarray(picture).astype(int) for node in sorted(world.saved, key=int) for picture in world.saved[node]]
    assert [picture.shape for picture in made] == [picture.shape for picture in wanted]
    for index, (one, other) in enumerate(zip(made, wanted, strict=True)):
        limit = limit_of(name, index)
        found = Difference(f"{name}.{index}", int(abs(one - other).max()), float(abs(one - other).mean()), limit)
        table.append(found)
        assert found.largest <= limit[0] and found.mean <= limit[1], found
