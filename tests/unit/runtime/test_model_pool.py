"""Which checkpoint is loaded, and when again."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from modules.base.errors import BrokenCheckpoint, MissingModel, UnknownName, UnsupportedCheckpoint
from modules.runtime.model_pool import ModelPool
from modules.runtime.presets import BUILTIN_PRESET, Preset, preset_for


@dataclass(frozen=True)
class Info:
    path: Path
    label: str = ""
    is_supported: bool = True
    reason: str = ""
    is_builtin: bool = False

    @property
    def title(self) -> str:
        return f"{self.path.name} [{len(self.path.read_bytes()) if self.path.exists() else 0:010x}]"


class Catalog:
    def __init__(self, infos: list[Info]) -> None:
        self.infos, self.scans = infos, 0

    def scan(self) -> list[Info]:
        self.scans += 1
        return [info for info in self.infos if info.path.exists()]

    def find(self, name: str) -> Info:
        for info in self.infos:
            if name in (info.path.name, info.title):
                return info
        raise UnknownName("sd_model_checkpoint", name, [info.title for info in self.infos])


class Loader:
    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.is_broken = False

    def __call__(self, info: Info, settings: Any) -> Any:
        if self.is_broken:
            raise BrokenCheckpoint(f"{info.path.name}: truncated")
        self.loaded.append(info.path.name)
        return object()


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    for name in ("a.safetensors", "b.safetensors", "z.safetensors"):
        (tmp_path / name).write_bytes(b"weights")
    return Catalog(
        [
            Info(tmp_path / "a.safetensors", "a", False, "SDXL is not supported yet"),
            Info(tmp_path / "b.safetensors", "b"),
            Info(tmp_path / "z.safetensors", "z", is_builtin=True),
        ]
    )


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def pool(catalog: Catalog, loader: Loader) -> ModelPool:
    return ModelPool(catalog, loader)


def test_without_a_name_the_built_in_model_is_chosen(pool: ModelPool, catalog: Catalog) -> None:
    assert pool.choose(None).path.name == pool.choose("").path.name == "z.safetensors"
    catalog.infos.pop()
    assert pool.choose(None).path.name == "b.safetensors"
    catalog.infos.pop()
    with pytest.raises(MissingModel, match="models/Stable-diffusion"):
        pool.choose(None)


def test_an_unsupported_checkpoint_is_refused_with_its_reason(pool: ModelPool) -> None:
    with pytest.raises(UnsupportedCheckpoint, match="SDXL is not supported yet"):
        pool.get("a.safetensors")


def test_an_unknown_name_is_looked_for_on_disk_once_more(pool: ModelPool, catalog: Catalog) -> None:
    with pytest.raises(UnknownName):
        pool.choose("none.safetensors")
    assert catalog.scans > 0


def test_a_title_with_an_outdated_hash_still_finds_its_file(pool: ModelPool) -> None:
    assert pool.choose("b.safetensors [0123456789]").path.name == "b.safetensors"


def test_a_model_is_loaded_once(pool: ModelPool, loader: Loader) -> None:
    assert pool.get("b.safetensors") is pool.get("b.safetensors")
    assert loader.loaded == ["b.safetensors"] and pool.loaded.path.name == "b.safetensors"
    pool.unload()
    assert pool.loaded is None
    pool.get("b.safetensors")
    assert loader.loaded == ["b.safetensors"] * 2


@pytest.mark.parametrize("change", ["size", "time", "yaml"])
def test_a_replaced_file_is_loaded_anew(pool: ModelPool, loader: Loader, catalog: Catalog, change: str) -> None:
    path = catalog.infos[1].path
    pool.get("b.safetensors")
    if change == "size":
        path.write_bytes(b"other, longer weights")
    elif change == "yaml":
        path.with_suffix(".yaml").write_text("model: {params: {parameterization: v}}")
    else:
        os.utime(path, ns=(1, 1))
    pool.get("b.safetensors")
    assert loader.loaded == ["b.safetensors"] * 2


def test_a_file_that_became_unusable_is_an_error_and_the_model_stays(pool: ModelPool, catalog: Catalog) -> None:
    pool.get("b.safetensors")
    catalog.infos[1].path.write_bytes(b"")
    catalog.infos[1] = replace(catalog.infos[1], is_supported=False, reason="truncated")
    info = replace(catalog.infos[1], is_supported=True)
    with pytest.raises(BrokenCheckpoint, match="truncated"):
        pool.ensure(info)
    info.path.unlink()
    with pytest.raises(BrokenCheckpoint, match="gone"):
        pool.ensure(info)
    assert pool.loaded.path.name == "b.safetensors"


def test_when_loading_fails_the_previous_model_stays(pool: ModelPool, loader: Loader) -> None:
    before = pool.get("b.safetensors")
    loader.is_broken = True
    with pytest.raises(BrokenCheckpoint):
        pool.get("z.safetensors")
    assert pool.loaded.path.name == "b.safetensors"
    assert pool.get("b.safetensors") is before


def test_other_settings_load_anew(catalog: Catalog, loader: Loader) -> None:
    settings = ["eps"]
    pool = ModelPool(catalog, loader, lambda info: settings[0])
    pool.get("b.safetensors")
    settings[0] = "v"
    pool.get("b.safetensors")
    assert loader.loaded == ["b.safetensors"] * 2


def test_presets() -> None:
    builtin = preset_for(Info(Path("x"), "x", is_builtin=True))
    assert builtin == preset_for(None) == BUILTIN_PRESET
    assert (builtin.width, builtin.inpainting_fill, builtin.denoising_strength, builtin.inpaint_full_res) == (256, "patchmatch", 0.75, True)
    assert preset_for(Info(Path("x"), "built-in by name alone")) == Preset() and Preset().width == 512
