"""A folder with three drawn fonts."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from modules.pipeline.layers.fonts import BUILT_IN, INSTALLED, UPLOADED, FontCatalog
from tests.unit.pipeline.layers.drawn_fonts import draw_font

LATIN = string.ascii_letters + string.digits + "%"
CHINESE = "新品上市大促的永"


@pytest.fixture(scope="session")
def font_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fonts")
    for origin in (BUILT_IN, INSTALLED):
        (folder / origin).mkdir()
    (folder / BUILT_IN / "han.ttf").write_bytes(draw_font("Han Sans SC", LATIN + CHINESE))
    (folder / INSTALLED / "latin.ttf").write_bytes(draw_font("Latin Sans", LATIN))
    (folder / INSTALLED / "latin-bold.ttf").write_bytes(draw_font("Latin Sans", LATIN, style="Bold", weight=700))
    return folder


@pytest.fixture
def fonts(font_folder: Path, tmp_path: Path) -> FontCatalog:
    folders = {BUILT_IN: (font_folder / BUILT_IN,), UPLOADED: (tmp_path / "uploaded",), INSTALLED: (font_folder / INSTALLED,)}
    return FontCatalog(folders, tmp_path / "fonts.json")
