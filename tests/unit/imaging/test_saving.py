from __future__ import annotations

import errno
import io
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from modules.base.errors import InvalidRequest, SaveFailed, UnsafePath
from modules.imaging import saving
from modules.imaging.naming import NameFacts, expand_pattern, fit_name, sanitize_part
from modules.imaging.picture import open_picture
from modules.imaging.saving import SaveFormat, SaveNaming, next_number, save_image

IMAGE = Image.new("RGB", (8, 6), "red")
FACTS = NameFacts(
    seed=42,
    prompt="a cat, <lora:x:1> on: the/mat?",
    negative_prompt="dog",
    styles=("oil", "ink"),
    steps=20,
    cfg_scale=7.0,
    width=512,
    height=768,
    sampler="Euler a",
    scheduler="Karras",
    model_hash="0123456789",
    model_name="sd",
    denoising_strength=0.75,
    batch_number=2,
    generation_number=5,
    made_at=datetime(2026, 11, 21, 9, 5, 7, tzinfo=UTC),
)


def test_default_names(tmp_path: Path) -> None:
    first = save_image(IMAGE, tmp_path, infotext="a cat\nSteps: 1", facts=FACTS)
    second = save_image(IMAGE, tmp_path, facts=FACTS)
    assert first == tmp_path / "2026-11-21" / "00000-42.png"
    assert second.name == "00001-42.png"
    assert open_picture(first).info["parameters"] == "a cat\nSteps: 1"


def test_names_without_dated_folders(tmp_path: Path) -> None:
    path = save_image(IMAGE, tmp_path, facts=FACTS, naming=SaveNaming(directory_pattern=None))
    assert path == tmp_path / "00000-42-a cat, _lora_x_1_ on_ the_mat_.png"


def test_grids_and_companions(tmp_path: Path) -> None:
    naming = SaveNaming(directory_pattern=None, basename="grid", is_short=True)
    assert save_image(IMAGE, tmp_path, facts=FACTS, naming=naming).name == "grid-0000.png"
    assert save_image(IMAGE, tmp_path, facts=FACTS, naming=naming).name == "grid-0001.png"
    naming = SaveNaming(directory_pattern=None, suffix="-mask")
    assert save_image(IMAGE, tmp_path, naming=naming).name == "00000-mask.png"
    assert (
        save_image(IMAGE, tmp_path, facts=NameFacts(seed=7), naming=SaveNaming("[seed]", None, suffix="-mask")).name == "00001-7-mask.png"
    )


def test_forced_names_never_overwrite(tmp_path: Path) -> None:
    naming = SaveNaming(directory_pattern=None, forced_name="IMG_1.final")
    names = [save_image(IMAGE, tmp_path, naming=naming, fmt=SaveFormat("jpg")).name for _ in range(3)]
    assert names == ["IMG_1.final.jpg", "IMG_1.final-1.jpg", "IMG_1.final-2.jpg"]


def test_names_without_number_never_overwrite(tmp_path: Path) -> None:
    naming = SaveNaming("[seed]", None, has_number=False)
    assert [save_image(IMAGE, tmp_path, facts=FACTS, naming=naming).name for _ in range(2)] == ["42.png", "42-1.png"]


def test_numbers_go_on_after_the_largest(tmp_path: Path) -> None:
    assert next_number(tmp_path / "missing") == 0
    for name in ("00003-1.png", "00007.txt", "notes-00099.png", "grid-0012.png", "123abc.png"):
        (tmp_path / name).touch()
    assert next_number(tmp_path) == 8
    assert next_number(tmp_path, "grid") == 13


def test_a_folder_in_the_pattern(tmp_path: Path) -> None:
    path = save_image(IMAGE, tmp_path, facts=FACTS, naming=SaveNaming("[model_name]/[seed]", "[date]/[sampler]"))
    assert path == tmp_path / "2026-11-21" / "Euler a" / "sd" / "00000-42.png"


@pytest.mark.parametrize(
    "naming", [SaveNaming("../../[seed]"), SaveNaming(directory_pattern="../[date]"), SaveNaming(directory_pattern="a\\..\\..\\b")]
)
def test_patterns_cannot_leave_the_folder(tmp_path: Path, naming: SaveNaming) -> None:
    with pytest.raises(UnsafePath):
        save_image(IMAGE, tmp_path / "out", facts=FACTS, naming=naming)
    assert not list(tmp_path.rglob("*.png"))


@pytest.mark.parametrize(
    "prompt", ["../../etc/passwd", "/abs", "C:\\x", "..", "", "猫" * 400, "a" * 4000, "\ud83d half", "nul\0byte", " . "]
)
def test_any_prompt_makes_a_name_below_the_folder(tmp_path: Path, prompt: str) -> None:
    naming = SaveNaming("[prompt]-[prompt_spaces]-[prompt_words]", "[prompt_words]")
    path = save_image(IMAGE, tmp_path, facts=NameFacts(seed=1, prompt=prompt), naming=naming)
    assert path.exists() and path.resolve().is_relative_to(tmp_path) and len(path.name.encode()) <= 255


def test_pattern_words() -> None:
    cases = {
        "[seed]-[steps]-[cfg]": "42-20-7.0",
        "[width]x[height]": "512x768",
        "[prompt]": "a_cat,__lora_x_1__on__the_mat_",
        "[prompt_spaces]": "a cat, _lora_x_1_ on_ the_mat_",
        "[prompt_words]": "a cat on the mat",
        "[styles] [sampler] [scheduler]": "oil, ink Euler a Karras",
        "[sampler_scheduler]": "Euler a Karras",
        "[model_name] [model_hash]": "sd 0123456789",
        "[date] [datetime]": "2026-11-21 20261121090507",
        "[datetime<%H-%M><Asia/Tokyo>]": "18-05",
        "[datetime<%H:%M><No/Where>]": "09_05",
        "[batch_number] [generation_number] [denoising]": "2 5 0.75",
        "[hasprompt<cat|no cat><dog|no dog>]": "catno dog",
        "[unknown] [none]x": "[unknown] x",
        "[SEED]": "42",
        "[clip_skip]": "",
    }
    for pattern, expected in cases.items():
        assert expand_pattern(pattern, FACTS) == expected, pattern
    assert len(expand_pattern("[prompt_hash]", FACTS)) == 8 and len(expand_pattern("[full_prompt_hash<12>]", FACTS)) == 12
    assert len(expand_pattern("[image_hash]", FACTS, IMAGE)) == 64
    assert expand_pattern("[width]x[height]", NameFacts(), IMAGE) == "8x6"
    assert expand_pattern("[mine]", NameFacts(extra={"mine": "a/b"})) == "a_b"


def test_sanitized_parts() -> None:
    assert sanitize_part('a<b>c:d"e/f\\g|h?i*j#k') == "a_b_c_d_e_f_g_h_i_j_k"
    assert sanitize_part("  name. . ") == "name"
    assert sanitize_part("con") == "con_" and sanitize_part("LPT1.txt") == "LPT1.txt_"
    assert len(sanitize_part("x" * 500)) == 128
    assert fit_name("猫" * 200, "png").encode()[-4:] == b".png" and len(fit_name("猫" * 200, "png").encode()) <= 255


def test_eight_savers_at_once_lose_nothing(tmp_path: Path) -> None:
    paths: list[Path] = []

    def save(seed: int) -> None:
        for _ in range(5):
            paths.append(
                save_image(Image.new("RGB", (2, 2), (seed, 0, 0)), tmp_path, facts=NameFacts(seed=1), naming=SaveNaming("[seed]", None))
            )

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(paths)) == 40 == len(list(tmp_path.iterdir()))
    assert sorted(path.name for path in paths) == [f"{number:05}-1.png" for number in range(40)]


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullFile(io.BytesIO):
        def write(self, data: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def open_full(handle: int, mode: str) -> FullFile:
        os.close(handle)
        return FullFile()

    (tmp_path / "00000-1.png").write_bytes(b"old")
    monkeypatch.setattr(saving.os, "fdopen", open_full)
    with pytest.raises(SaveFailed, match="No space left"):
        save_image(IMAGE, tmp_path, naming=SaveNaming(directory_pattern=None))
    assert [path.name for path in tmp_path.iterdir()] == ["00000-1.png"]


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaveFailed):
        save_image(IMAGE, tmp_path / "file" / "sub")


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(source: str, target: Path) -> None:
        raise OSError(errno.EPERM, "no hard links")

    monkeypatch.setattr(saving.os, "link", no_link)
    names = [save_image(IMAGE, tmp_path, facts=FACTS, naming=SaveNaming("x", None, has_number=False)) for _ in range(2)]
    assert [path.name for path in names] == ["x.png", "x-1.png"]
    assert all(open_picture(path).image.size == (8, 6) for path in names) and len(list(tmp_path.iterdir())) == 2


def test_unknown_format_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest):
        save_image(IMAGE, tmp_path / "new", fmt=SaveFormat("exe"))
    assert not (tmp_path / "new").exists()
