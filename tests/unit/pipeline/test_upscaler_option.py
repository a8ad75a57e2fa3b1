"""`upscaler_for_img2img` names any upscaler of the session, and a preview does not wait for its network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.backends.fake import FakeModel
from modules.backends.upscalers.catalog import UpscalerCatalog
from modules.base.errors import UnknownName
from modules.imaging.upscalers import NamedUpscaler
from modules.pipeline.plan import derive_framing
from modules.pipeline.processing import Img2ImgProcessing
from modules.settings.options import Options
from tests.unit.pipeline.conftest import QuietContext, Run


class Doubling(UpscalerCatalog):
    """A catalogue with one more upscaler, which counts."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[tuple[int, int], float]] = []

    def all(self) -> list[NamedUpscaler]:
        return [*super().all(), NamedUpscaler("Double", self.double)]

    def double(self, image: Image.Image, scale: float) -> Image.Image:
        self.calls.append((image.size, scale))
        return image.resize((image.width * 2, image.height * 2))


def test_a_run_uses_it(run: Run, tmp_path: Path) -> None:
    context = QuietContext(tmp_path, FakeModel(), Options(upscaler_for_img2img="double"))
    catalog: Any = Doubling()
    context.upscalers = catalog
    run(context=context, width=256, height=192)
    assert catalog.calls == [((128, 96), 2.0)]


def test_a_run_names_the_option_when_there_is_no_such_upscaler(run: Run) -> None:
    with pytest.raises(UnknownName, match=r"upscaler_for_img2img: got 'Double', wanted one of None, Lanczos, Nearest"):
        run(options=Options(upscaler_for_img2img="Double"))


def test_without_a_job_networks_are_left_aside() -> None:
    found = {
        name: derive_framing(Img2ImgProcessing(), [1], Options(upscaler_for_img2img=name)).upscaler for name in ("Double", "Nearest", "")
    }
    assert (found["Double"], found[""]) == (None, None)
    assert isinstance(found["Nearest"], NamedUpscaler)
