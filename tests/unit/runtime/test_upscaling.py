"""Upscalers within a session and its jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from safetensors.torch import save_file

from modules.base.errors import UnknownName
from modules.base.paths import Paths
from modules.pipeline.context import ReuseCache
from modules.runtime.context import JobContext
from modules.runtime.jobs import Job
from modules.runtime.session import Session
from modules.runtime.upscaling import upscaler_folders
from modules.settings.flags import Flags, parse_flags
from tests.unit.backends.upscalers.files import small_compact


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    (tmp_path / "models" / "ESRGAN").mkdir(parents=True)
    save_file(small_compact().state_dict(), tmp_path / "models" / "ESRGAN" / "mine.safetensors")
    session = Session(Paths.under(tmp_path), Flags(use_cpu=True))
    session.options.update({"ESRGAN_tile": 32, "ESRGAN_tile_overlap": 8})
    yield session
    session.close()


class Enlarge:
    """A task that enlarges a picture of three tiles, notes what its job tells, and stops itself at a tile."""

    def __init__(self, session: Session, stop_at: int | None = None) -> None:
        self.session, self.stop_at = session, stop_at
        self.told: list[tuple[str | None, float]] = []
        self.size = (0, 0)

    def run(self, context: JobContext) -> Any:
        def on_tile(done: int, total: int) -> None:
            tell(done, total)
            self.told.append((context.job.textinfo, round(context.job.progress, 2)))
            if done == self.stop_at:
                context.job.interrupt()

        tell, context.on_tile = context.on_tile, on_tile  # type: ignore[method-assign]
        context.expect(1)
        upscaler = self.session.upscalers.find("mine")
        assert upscaler is not None
        self.size = upscaler.scaler.upscale(Image.effect_noise((80, 32), 60).convert("RGB"), 2, upscaler.data_path).size


def test_a_job_tells_its_tiles_and_can_be_interrupted(session: Session) -> None:
    told = [("Upscaling, tile 1 of 3", 0.01), ("Upscaling, tile 2 of 3", 0.34), ("Upscaling, tile 3 of 3", 0.68), (None, 1.0)]
    for task, wanted in ((Enlarge(session), told), (Enlarge(session, stop_at=1), told[:2])):
        job = session.submit(task, "ann", kind="task")
        assert job.wait(30)
        job.outcome()
        assert task.told == wanted
        assert task.size == (160, 64)


def test_folders_of_the_command_line_come_first(tmp_path: Path) -> None:
    paths = Paths.under(tmp_path / "root", tmp_path / "data")
    flags = parse_flags(["--realesrgan-models-path", str(tmp_path / "more")])
    assert [(folder.path.relative_to(tmp_path).as_posix(), folder.is_real_esrgan) for folder in upscaler_folders(paths, flags)] == [
        *[("more", True), ("data/models/ESRGAN", False), ("data/models/RealESRGAN", True)],
        *[("root/models/ESRGAN", False), ("root/models/RealESRGAN", True)],
    ]


def test_sampling_keeps_the_steps_to_itself(session: Session) -> None:
    context = JobContext(Job("ann", None), session.options.current, session.paths, ReuseCache(), lambda _: None, lambda: session.scripts)
    context.begin(1, 20)
    context.on_tile(1, 4)
    assert (context.job.step, context.job.steps, context.job.textinfo) == (0, 20, "Upscaling, tile 2 of 4")


def test_what_is_not_there_is_named_with_the_option(session: Session) -> None:
    with pytest.raises(UnknownName, match=r"upscaler_for_img2img: got 'gone', wanted one of None, Lanczos, Nearest, mine"):
        session.upscalers.find("gone", "upscaler_for_img2img")
