"""What the tab says of a file, and what it would do with it."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from modules.imaging.inspection import inspect_file
from modules.imaging.metadata import write_png
from modules.pipeline.infotext_settings import read_settings
from modules.settings.options import Options
from modules.web.ui.png_info import PngInfo
from modules.web.ui.png_info_desk import PngInfoDesk, find_checkpoint, list_unrestored
from modules.web.ui.png_info_report import Findings, describe_findings, prettify, show_bytes
from modules.web.ui.texts import Texts

TEXT = (
    "a <b>café</b>\nNegative prompt: rain\nSteps: 3, Sampler: DDIM, CFG scale: 4.5, Seed: 77, Size: 320x256, Model hash: 0123456789, "
    'Model: other, Denoising strength: 0.35, Clip skip: 2, Hires upscale: 2, ControlNet 0: "Module: canny, Weight: 1", Version: v1.10.1'
)


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts.load()


@pytest.fixture
def desk(texts: Texts) -> PngInfoDesk:
    # Handlers need widgets only as keys.
    tab = PngInfo("drop", "report", "infotext", "tools", "restore", "workflow", "openers", {}, "to_extras", "found")
    session = SimpleNamespace(options=SimpleNamespace(current=Options()), checkpoints=lambda: [checkpoint("other", "0123456789ab")])
    return PngInfoDesk(session, texts, tab)  # type: ignore[arg-type]


def checkpoint(name: str, sha256: str) -> Any:
    return SimpleNamespace(model_name=name, path=Path(f"{name}.safetensors"), sha256=sha256)


def picture(folder: Path, infotext: str | None = TEXT, name: str = "made.png", **items: str) -> Path:
    path = folder / name
    path.write_bytes(write_png(Image.effect_noise((64, 48), 60).convert("RGB"), infotext, items))
    return path


def plain(report: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", report))


def look(desk: PngInfoDesk, path: Path, language: str = "en") -> tuple[str, dict[str, Any]]:
    """The report as plain text, and the updates by the widget's name."""
    named = desk.look(language, str(path))
    return plain(named["report"]), named


def test_a_whole_picture(desk: PngInfoDesk, tmp_path: Path) -> None:
    path = picture(tmp_path, workflow='{"nodes": [{"id": 1}]}', note="hello")
    said, named = look(desk, path)
    assert "made.png PNG 64 × 48 RGB" in said and "Made with Stable Diffusion web UI (A1111) v1.10.1" in said
    assert "a &lt;b&gt;café&lt;/b&gt;" in said and "CFG scale" in said and "320x256" in said
    assert "Its checkpoint is here: other [0123456789]" in said
    assert "no place for it: Hires upscale, ControlNet 0." in said.replace("&quot;", '"')
    assert "ComfyUI workflow" in said and named["workflow"]["visible"] and "note" in said
    assert named["infotext"]["value"] == TEXT and named["infotext"]["visible"] and named["restore"]["interactive"]
    assert named["found"] == {"path": str(path), "infotext": TEXT, "is_picture": True}


def test_chinese(desk: PngInfoDesk, tmp_path: Path) -> None:
    said, _ = look(desk, picture(tmp_path), "zh-CN")
    assert "所用模型就在本机：other [0123456789]。" in said and "提示词" in said


def test_a_cut_picture_says_why_and_still_restores(desk: PngInfoDesk, tmp_path: Path) -> None:
    path = picture(tmp_path)
    path.write_bytes(path.read_bytes()[:-2000])
    said, named = look(desk, path)
    assert "damaged and cannot be shown" in said and "can still be read" in said
    assert named["drop"] is None and named["restore"]["interactive"] and not named["found"]["is_picture"]
    assert named["tools"]["visible"] and not named["openers"]["visible"]


def test_no_picture_at_all(desk: PngInfoDesk, tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    path.write_text("<!doctype html><html>")
    said, named = look(desk, path)
    assert "looks like HTML" in said and named["drop"] is None and not named["tools"]["visible"]


def test_a_picture_without_text(desk: PngInfoDesk, tmp_path: Path) -> None:
    said, named = look(desk, picture(tmp_path, None))
    assert not named["workflow"]["visible"]
    assert "no text in this file" in said and named["tools"]["visible"] and not named["restore"]["interactive"]


def test_settings_that_cannot_be_used_are_said(desk: PngInfoDesk, tmp_path: Path) -> None:
    said, named = look(desk, picture(tmp_path, "a\nSteps: 3, Sampler: DDIM, Seed: 7, Clip skip: many"))
    assert "many" in said and not named["restore"]["interactive"]


def test_taking_the_picture_away(desk: PngInfoDesk) -> None:
    updates = desk.look("en", None)
    assert updates["found"] == {} and "Any picture" in updates["report"]


@pytest.mark.parametrize(
    ("said", "infos", "verdict"),
    [
        ("Model hash: 0123456789, Model: a", [("b", "0123456789ff")], "here"),
        ("Model hash: 0123456789, Model: a", [("a", "ffff")], "other"),
        ("Model hash: 0123456789, Model: a", [("a", "")], "unhashed"),
        ("Model hash: 01234567, Model: a", [("a", "ffff")], "old_hash"),
        ("Model hash: 0123456789, Model: a", [("b", "")], "missing"),
        ("Model: a", [("a", "")], "here"),
        ("CFG scale: 7", [("a", "")], ""),
    ],
)
def test_the_checkpoint(said: str, infos: list[tuple[str, str]], verdict: str) -> None:
    stated = read_settings(f"x\nSteps: 3, Seed: 1, {said}", Options())
    assert find_checkpoint([checkpoint(*info) for info in infos], stated)[0] == verdict


def test_what_the_form_cannot_take() -> None:
    def lost(parameters: str) -> list[str]:
        text = f"x\nSteps: 3, Seed: 1, CFG scale: 7, {parameters}"
        return list(list_unrestored(text, read_settings(text, Options())))

    assert lost("Sampler: DPM++ 2M, Schedule type: Karras, Size: 64x64, Clip skip: 2, Variation seed: 3, Seed resize from: 8x8") == []
    assert lost("Sampler: No Such, Size: 64x64") == ["Sampler"]
    assert lost('Mask blur: 4, Inpaint area: Only masked, Masked content: latent noise, Lora hashes: "a: 1, b: 2"') == []
    assert lost("Face restoration: GFPGAN, Denoising strength: high") == ["Face restoration", "Denoising strength"]


def test_pretty_json() -> None:
    assert prettify('{"a":[1,NaN]}') == '{\n  "a": [\n    1,\n    NaN\n  ]\n}'
    assert prettify("{broken") == "{broken" and prettify("[" * 100_000).startswith("[[[")


def test_long_texts_are_cut_for_reading(texts: Texts, tmp_path: Path) -> None:
    path = picture(tmp_path, None, long="x" * 200_010)
    report = describe_findings(texts, "en", Findings("a.png", inspect_file(path)))
    assert "… and 10 characters more" in report


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "2 KiB"), (3 << 20, "3.0 MiB"), (3435973837, "3.2 GiB")])
def test_sizes(size: int, text: str) -> None:
    assert show_bytes(size) == text
