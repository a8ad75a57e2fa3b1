"""`launch.py img2img` around a stand-in for the pipeline."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from modules.base.errors import InvalidRequest, MissingModel
from modules.base.paths import Paths
from modules.cli.img2img import fit_size, main
from modules.cli.work import find_work
from modules.pipeline.processed import Processed
from modules.runtime.presets import BUILTIN_PRESET
from modules.runtime.session import Session
from modules.settings.flags import Flags

INFOTEXT = "a cat\nSteps: 6, Sampler: Euler, Seed: 5"


class Pipeline:
    """Inverts nothing, paints nothing: returns the start picture."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.error: BaseException | None = None

    def __call__(self, request: Any, context: Any) -> Processed:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        context.begin(1, 4)
        context.on_step(4, 4, None, None)
        count = request.n_iter
        seeds = [5 + index for index in range(count)]
        return Processed(None, [request.init_images[0]] * count, all_seeds=seeds, infotexts=[INFOTEXT] * count, notes=list(request.notes))


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def run(tmp_path: Path, pipeline: Pipeline) -> Callable[..., int]:
    class TestSession(Session):
        def __init__(self, paths: Paths, flags: Flags) -> None:
            super().__init__(Paths.under(tmp_path / "root"), flags, process=pipeline)

        def preset(self, name: str | None = None) -> Any:
            return BUILTIN_PRESET

    return lambda *words: main([str(word) for word in words], TestSession)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.new("RGB", (40, 24), "teal").save(path)
    return path


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    path = tmp_path / "mask.png"
    Image.new("L", (40, 24), 255).save(path)
    return path


def test_a_picture_with_a_mask(run: Callable[..., int], photo: Path, mask: Path, pipeline: Pipeline, capsys: Any) -> None:
    out = photo.parent / "results" / "result.png"
    assert run("--init", photo, "--mask", mask, "--prompt", "a cat", "--out", out, "--cfg-scale", "3") == 0
    with Image.open(out) as result:
        assert result.size == (40, 24) and result.info["parameters"] == INFOTEXT
    (request,) = pipeline.requests
    assert (request.prompt, request.cfg_scale, request.seed) == ("a cat", 3.0, -1)
    assert (request.inpainting_fill, request.denoising_strength, request.inpaint_full_res) == ("patchmatch", 0.75, True)
    assert (request.width, request.height) == (256, 256) and request.image_mask is not None and request.do_not_save_samples
    printed = capsys.readouterr()
    assert f"{out} (seed 5" in printed.out and "100%" in printed.err and "step 4/4" in printed.err


def test_several_results_are_numbered(run: Callable[..., int], photo: Path) -> None:
    out = photo.parent / "result.webp"
    assert run("--init", photo, "--out", out, "--count", 3) == 0
    assert sorted(path.name for path in photo.parent.glob("result*")) == ["result-2.webp", "result-3.webp", "result.webp"]


def test_transparency_is_the_mask(run: Callable[..., int], tmp_path: Path, pipeline: Pipeline) -> None:
    image = Image.new("RGBA", (20, 10), (10, 20, 30, 255))
    image.putpixel((3, 4), (70, 80, 90, 0))
    image.save(tmp_path / "cut.png")
    assert run("--init", tmp_path / "cut.png", "--out", tmp_path / "out.png") == 0
    (request,) = pipeline.requests
    assert request.image_mask.getpixel((3, 4)) == 255 and request.image_mask.getpixel((0, 0)) == 0
    assert request.init_images[0].mode == "RGB" and request.init_images[0].getpixel((3, 4)) == (70, 80, 90)


def test_without_any_mask_the_whole_picture_is_repainted(run: Callable[..., int], photo: Path, pipeline: Pipeline) -> None:
    assert run("--init", photo, "--out", photo.parent / "out.png") == 0
    (request,) = pipeline.requests
    assert request.image_mask is None and not request.inpaint_full_res and (request.width, request.height) == (40, 24)


def test_a_folder(run: Callable[..., int], tmp_path: Path, photo: Path, capsys: Any) -> None:
    inits, masks, out = (tmp_path / name for name in ("inits", "masks", "out"))
    for folder in (inits, masks):
        folder.mkdir()
        for name in ("a", "b"):
            Image.new("L", (16, 16), 255).save(folder / f"{name}.png")
    (inits / "broken.png").write_bytes(b"not a picture")
    (inits / "notes.txt").write_text("x")
    Image.new("L", (16, 16)).save(masks / "broken.png")
    assert run("--init", inits, "--mask", masks, "--out", out) == 1
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "b.png"]
    assert "broken.png: " in capsys.readouterr().err


def test_a_name_that_the_console_cannot_write_ends_no_batch(
    run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where the output of a program that is redirected to a file has the old code page."""
    inits, out, console = tmp_path / "inits", tmp_path / "out", io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    inits.mkdir()
    for name in ("猫", "犬"):
        Image.new("RGB", (16, 16)).save(inits / f"{name}.png")
    monkeypatch.setattr("sys.stdout", console)
    assert run("--init", inits, "--out", out) == 0
    assert sorted(path.name for path in out.iterdir()) == ["犬.png", "猫.png"]
    console.flush()
    assert b"\\u732b.png (seed 5" in console.buffer.getvalue()


def test_conversions_are_told(run: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    Image.new("CMYK", (16, 16)).save(tmp_path / "print.jpg")
    assert run("--init", tmp_path / "print.jpg", "--out", tmp_path / "out.png") == 0
    assert "note: CMYK" in capsys.readouterr().err


@pytest.mark.parametrize("error", [InvalidRequest("steps", 0, "1 or more"), RuntimeError("bug")])
def test_a_failure_is_a_message_and_nothing_is_written(
    run: Callable[..., int], photo: Path, pipeline: Pipeline, capsys: Any, error: BaseException
) -> None:
    out = photo.parent / "out.png"
    out.write_bytes(b"earlier")
    pipeline.error = error
    assert run("--init", photo, "--out", out) == 1
    assert (
        out.read_bytes() == b"earlier"
        and f"photo.png: {'the program failed' if isinstance(error, RuntimeError) else 'steps'}" in capsys.readouterr().err
    )


def test_a_disk_that_cannot_be_written(run: Callable[..., int], photo: Path, capsys: Any) -> None:
    (photo.parent / "file").write_text("in the way")
    assert run("--init", photo, "--out", photo.parent / "file" / "out.png") == 1
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("--init", "x.png"), ("--init", "x.png", "--out", "y.png", "--no-such-flag")])
def test_a_wrong_command_line_exits_with_2(run: Callable[..., int], words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*words)
    assert caught.value.code == 2


def test_the_studios_flags_are_understood(run: Callable[..., int], photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Flags] = []
    monkeypatch.setattr(Session, "close", lambda session: seen.append(session.flags))
    assert run("--init", photo, "--out", photo.parent / "out.png", "--no-half", "--use-cpu", "all") == 0
    assert seen[0].no_half and seen[0].use_cpu


def test_one_mask_serves_a_folder_and_masks_pair_by_name(run: Callable[..., int], tmp_path: Path, pipeline: Pipeline, capsys: Any) -> None:
    inits, masks, out = (tmp_path / name for name in ("inits", "masks", "out"))
    inits.mkdir(), masks.mkdir()
    for name in ("b.png", "a.jpg", "a.png"):
        Image.new("RGB", (16, 16)).save(inits / name)
    Image.new("L", (16, 16), 255).save(masks / "one.png")
    assert run("--init", inits, "--mask", masks / "one.png", "--out", out) == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.jpg.png", "a.png.png", "b.png"]
    assert len({request.seed for request in pipeline.requests}) == 1 and all(request.image_mask for request in pipeline.requests)
    Image.new("L", (16, 16), 255).save(masks / "A.png")
    assert run("--init", inits, "--mask", masks, "--out", out) == 1
    assert "b.png: no mask is called 'b'" in capsys.readouterr().err
    assert sorted(path.name for path in out.iterdir()) == ["a.jpg-2.png", "a.jpg.png", "a.png-2.png", "a.png.png", "b.png"]


def test_an_interrupted_folder_is_gone_on_with(run: Callable[..., int], tmp_path: Path, pipeline: Pipeline, capsys: Any) -> None:
    inits, out = tmp_path / "inits", tmp_path / "out"
    inits.mkdir()
    for name in "abc":
        Image.new("RGB", (16, 16)).save(inits / f"{name}.png")
    pipeline.error = MissingModel("no checkpoint")
    assert run("--init", inits, "--out", out, "--seed", "3") == 1
    assert "img2img: no checkpoint" in capsys.readouterr().err and not out.exists()
    pipeline.error = None
    (inits / "b.png").write_bytes(b"x")
    assert run("--init", inits, "--out", out, "--seed", "3") == 1
    printed = capsys.readouterr()
    assert f"{out / 'a.png'} (seed" in printed.out and "2 of 3 pictures made; 1 failed; report: " in printed.err
    assert {request.seed for request in pipeline.requests} == {3}


def test_a_folder_without_pictures_is_named(run: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "empty").mkdir()
    assert run("--init", tmp_path / "empty", "--out", tmp_path / "out") == 1
    assert "--init" in capsys.readouterr().err
    Image.new("RGB", (16, 16)).save(tmp_path / "empty" / "a.png")
    assert run("--init", tmp_path / "empty", "--out", tmp_path / "empty" / "a.png") == 1
    assert "--out" in capsys.readouterr().err


def test_one_picture_loses_nothing(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    with pytest.raises(InvalidRequest, match="--init"):
        find_work(photo, None, tmp_path / "out.png")
    photo.touch()
    with pytest.raises(InvalidRequest, match="overwrites no input"):
        find_work(photo, None, photo)
    with pytest.raises(InvalidRequest, match="ends in"):
        find_work(photo, None, tmp_path / "out.txt")
    with pytest.raises(InvalidRequest, match="--mask"):
        find_work(photo, tmp_path / "none.png", tmp_path / "out.png")
    masks = tmp_path / "masks"
    masks.mkdir()
    for name in ("A.webp", "b.png"):
        (masks / name).touch()
    assert find_work(photo, masks, tmp_path / "out").mask == masks / "A.webp"


def test_sizes_fit_the_model() -> None:
    assert [fit_size(*size) for size in ((40, 24), (125, 133), (4000, 3000), (3, 5))] == [(40, 24), (120, 128), (1024, 768), (8, 8)]


def test_main_reports_a_missing_model(tmp_path: Path, photo: Path, capsys: Any) -> None:
    make: Any = lambda paths, flags: SimpleNamespace(preset=lambda name: (_ for _ in ()).throw(InvalidRequest("model", "x", "another")))  # noqa: E731
    assert main(["--init", str(photo), "--out", str(tmp_path / "out.png")], make) == 1
    assert "img2img: model" in capsys.readouterr().err


def test_further_results_overwrite_no_input_either(tmp_path: Path) -> None:
    original = tmp_path / "result-2.png"
    Image.new("RGB", (8, 8)).save(original)
    with pytest.raises(InvalidRequest, match="overwrites no input"):
        find_work(original, None, tmp_path / "result.png", 2)
