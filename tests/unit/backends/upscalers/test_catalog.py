"""Which upscalers are listed, and under which names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.backends.upscalers.catalog import REAL_ESRGAN, ModelFolder, UpscalerCatalog
from modules.backends.upscalers.foreign import FOREIGN
from modules.base.errors import MissingModel, ScriptFailed, UnknownName
from modules.base.setup.assets import UPSCALER_ASSETS
from modules.settings.options import Options
from modules.upscaler import Upscaler, UpscalerData, UpscalerLanczos, UpscalerNearest, UpscalerNone

BUILT_IN = ["None", "Lanczos", "Nearest"]


def folders(tmp_path: Path, *names: str) -> list[ModelFolder]:
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return [ModelFolder(tmp_path / "ESRGAN"), ModelFolder(tmp_path / "RealESRGAN", is_real_esrgan=True)]


def test_files_are_listed_after_the_built_in_ones_by_name(tmp_path: Path) -> None:
    catalog = UpscalerCatalog(
        folders(
            tmp_path,
            *("ESRGAN/ESRGAN_4x.pth", "ESRGAN/deep/2x_lines.safetensors", "ESRGAN/.hidden.pth", "ESRGAN/notes.txt", "ESRGAN/lonely.param"),
            *(
                "ESRGAN/RealESRGAN_x4plus.pth",
                "RealESRGAN/RealESRGAN_x4plus.pth",
                "RealESRGAN/RealESRGAN_x2plus.pth",
                "RealESRGAN/mine_x8.pt",
            ),
            *("RealESRGAN/realesr-animevideov3.param", "RealESRGAN/realesr-animevideov3.bin", "ESRGAN/none.pth"),
        )
    )
    assert catalog.names() == [
        *BUILT_IN, "2x_lines", "ESRGAN_4x", "mine_x8", "R-ESRGAN 2x+", "R-ESRGAN 4x+", "R-ESRGAN AnimeVideo", "RealESRGAN_x4plus",
    ]  # fmt: skip
    assert {found.name: found.scale for found in catalog.files()} == {
        "2x_lines": 2, "ESRGAN_4x": 4, "RealESRGAN_x4plus": 4, "none": 4, "R-ESRGAN AnimeVideo": 4, "R-ESRGAN 2x+": 2, "R-ESRGAN 4x+": 4,
        "mine_x8": 8,
    }  # fmt: skip
    assert [found.name for found in catalog.real_esrgan()] == ["R-ESRGAN 2x+", "R-ESRGAN 4x+", "R-ESRGAN AnimeVideo"]
    found = catalog.find("esrgan_4X")
    assert found is not None
    assert found.scaler.model_name == "ESRGAN_4x"
    assert found.data_path == str(tmp_path / "ESRGAN" / "ESRGAN_4x.pth")


def test_what_the_option_leaves_out_is_not_listed(tmp_path: Path) -> None:
    places = folders(tmp_path, "RealESRGAN/RealESRGAN_x4plus.pth", "RealESRGAN/RealESRGAN_x2plus.pth")
    assert UpscalerCatalog(places, enabled=lambda: ("R-ESRGAN 2x+",)).names() == [*BUILT_IN, "R-ESRGAN 2x+"]
    assert Options().realesrgan_enabled_models == tuple(known.name for known in REAL_ESRGAN)


def test_names_that_are_not_there() -> None:
    catalog = UpscalerCatalog()
    assert catalog.names() == BUILT_IN
    assert catalog.find("none") is catalog.find("") is catalog.find(None) is None
    with pytest.raises(UnknownName, match=r"upscaler_1: got 'SwinIR 4x', wanted one of None, Lanczos, Nearest"):
        catalog.find("SwinIR 4x", "upscaler_1")
    with pytest.raises(MissingModel, match=r"R-ESRGAN AnimeVideo is not in models/RealESRGAN; `python launch\.py` fetches it"):
        catalog.find("R-ESRGAN AnimeVideo")


def test_what_set_up_fetches_is_listed_and_named(tmp_path: Path) -> None:
    places = folders(tmp_path, *(asset.destination for asset in UPSCALER_ASSETS))
    listed = UpscalerCatalog(places).names()[3:]
    assert listed == ["R-ESRGAN 4x+", "R-ESRGAN 4x+ Anime6B", "R-ESRGAN AnimeVideo"]
    assert {asset.feature.removeprefix("the upscaler ") for asset in UPSCALER_ASSETS} == set(listed)
    for asset in UPSCALER_ASSETS:
        if asset.wanted_as:
            with pytest.raises(MissingModel, match=rf'launch\.py fetch "{asset.wanted_as}"'.replace("+", r"\+")):
                UpscalerCatalog().find(asset.wanted_as)


@pytest.fixture
def foreign() -> Iterator[list[type]]:
    kinds: list[type] = []
    yield kinds
    for kind in kinds:
        FOREIGN.remove(kind)


def test_an_extension_adds_upscalers_by_deriving_a_class(foreign: list[type]) -> None:
    class UpscalerDouble(Upscaler):
        def __init__(self, dirname: str | None) -> None:
            self.name = "Double"
            super().__init__()
            self.scalers = [
                UpscalerData("Double", None, self, 2),
                UpscalerData("Broken", "/models/b.pth", self),
                UpscalerData("Odd", "odd", self),
            ]

        def do_upscale(self, img: Image.Image, selected_model: str) -> Any:
            if selected_model == "odd":
                return None
            if selected_model:
                raise OSError("no such model")
            return img.resize((img.width * 2, img.height * 2), Image.Resampling.NEAREST)

    class UpscalerWrong(Upscaler):
        def __init__(self, dirname: str | None) -> None:
            raise SystemExit("wrong")

    foreign += [UpscalerDouble, UpscalerWrong]
    catalog = UpscalerCatalog()
    assert catalog.names() == [*BUILT_IN, "Broken", "Double", "Odd"]
    double, broken, odd = (catalog.find(name) for name in ("Double", "Broken", "Odd"))
    assert double is not None and broken is not None and odd is not None
    picture = Image.effect_noise((16, 8), 50)
    assert double(picture, 3).size == (48, 24)
    assert double.scaler.upscale(picture, 2, double.data_path).size == (32, 16)
    assert isinstance(double.scaler, UpscalerDouble)
    with pytest.raises(ScriptFailed, match="the upscaler 'Broken' failed: no such model"):
        broken(picture, 2)
    with pytest.raises(ScriptFailed, match="the upscaler 'Odd' failed"):
        odd(picture, 2)


def test_a1111s_own_classes_are_there_and_not_listed_twice(tmp_path: Path) -> None:
    picture = Image.effect_noise((16, 8), 50)
    for kind, name in ((UpscalerNone, "None"), (UpscalerLanczos, "Lanczos"), (UpscalerNearest, "Nearest")):
        made = kind(None)
        assert [data.name for data in made.scalers] == [name]
        listed = UpscalerCatalog().all()[BUILT_IN.index(name)]
        assert made.upscale(picture, 2.0).tobytes() == listed(picture, 2.0).tobytes()
    assert UpscalerCatalog().names() == BUILT_IN
    made.model_path = str(tmp_path)
    (tmp_path / "a.pth").touch()
    assert made.find_models([".pth"]) == [str(tmp_path / "a.pth")]
