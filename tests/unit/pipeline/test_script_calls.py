"""What scripts call on the face, with A1111's parameters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from modules import images, masking, processing, sd_samplers, shared
from modules.base.errors import UnknownName, UnsafePath
from modules.imaging.geometry import Extent
from modules.imaging.resize import resize_image
from modules.pipeline.context import RUNNING
from modules.settings.options import Options
from tests.unit.pipeline.conftest import QuietContext, Run


@pytest.fixture
def options() -> Iterator[SimpleNamespace]:
    """A running request, whose `options` a test may replace."""
    running = SimpleNamespace(options=Options(), context=None, plan=None, all_seeds=[])
    token = RUNNING.set(running)  # type: ignore[arg-type]
    yield running
    RUNNING.reset(token)


def test_resize_goes_by_the_option(photo: Image.Image, options: SimpleNamespace) -> None:
    plain = images.resize_image(0, photo, 256, 192)
    assert plain.tobytes() == resize_image(0, photo, Extent(256, 192)).tobytes()
    options.options = Options(upscaler_for_img2img="Nearest")
    nearest = images.resize_image(0, photo, 256, 192)
    assert np.array_equal(np.asarray(nearest), np.asarray(photo).repeat(2, 0).repeat(2, 1))
    assert images.resize_image(0, photo, 256, 192, "Lanczos").tobytes() == plain.tobytes()
    with pytest.raises(UnknownName):
        images.resize_image(0, photo, 256, 192, "ESRGAN_4x")


def test_grid_goes_by_the_option(photo: Image.Image, options: SimpleNamespace) -> None:
    assert images.image_grid([photo] * 4).size == (256, 192)
    assert images.image_grid([photo] * 4, rows=1).size == (512, 96)
    options.options = Options(n_rows=4)
    assert images.image_grid([photo] * 4).size == (128, 384)


def test_masks(mask: Image.Image) -> None:
    assert masking.get_crop_region(np.asarray(mask), 4) == masking.get_crop_region(mask, 4) == (36, 26, 84, 64)
    assert masking.get_crop_region(Image.new("L", (8, 8))) is None
    left, top, right, bottom = masking.expand_crop_region((36, 26, 84, 64), 64, 64, 128, 96)
    assert right - left == bottom - top == 48


def test_colours_and_overlay(photo: Image.Image, mask: Image.Image) -> None:
    red = Image.new("RGB", photo.size, (200, 30, 30))
    corrected = processing.apply_color_correction(processing.setup_color_correction(photo), red)
    assert corrected.size == photo.size
    overlay = photo.convert("RGBA")
    overlay.putalpha(mask)
    covered, alone = processing.apply_overlay(red, None, overlay)
    assert covered.getpixel((50, 40)) == photo.getpixel((50, 40)) and covered.getpixel((2, 2)) == (200, 30, 30) == alone.getpixel((2, 2))
    placed, alone = processing.apply_overlay(red.resize((40, 30)), (8, 8, 40, 30), overlay)
    assert placed.size == alone.size == photo.size and alone.getpixel((2, 2)) == (0, 0, 0)
    assert processing.apply_overlay(red, None, None)[0] is red


def test_noise_of_seeds() -> None:
    drawn = processing.create_random_tensors((4, 8, 8), [1, 2])
    wanted = torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(2))
    assert torch.equal(drawn[1], wanted)
    assert not torch.equal(processing.create_random_tensors((4, 8, 8), [1], [5], 0.5)[0], drawn[0])
    assert not torch.equal(processing.create_random_tensors((4, 8, 8), [1], seed_resize_from_h=32, seed_resize_from_w=32)[0], drawn[0])


def test_infotext_of_a_picture(run: Run) -> None:
    _, context = run(n_iter=2, prompt="a cat")
    request = processing.StableDiffusionProcessingImg2Img(init_images=[Image.new("RGB", (64, 64))], width=64, height=64, steps=2, seed=3)
    request.prompt, request.n_iter, request.do_not_save_grid = "a cat", 2, True
    processed = processing.process_images(request, context)
    assert processing.create_infotext(request, index=1) == processed.infotexts[1]
    assert processing.create_infotext(request, iteration=1) == processed.infotexts[1]
    other = processing.create_infotext(request, ["a", "b"], [8, 9], index=1)
    assert other.startswith("b\n") and "Seed: 9" in other
    assert processed.infotext(request, 1) == processed.infotexts[1] and processed.infotext(request, 9) == ""
    request.width, request.extra_generation_params["Tiles"] = 128, 4
    assert "Size: 128x64" in processed.infotext(request, 0) and "Tiles: 4" in processed.infotext(request, 0)


def test_samplers_by_name() -> None:
    assert sd_samplers.create_sampler("DPM++ 2M Karras").name == "DPM++ 2M"
    assert sd_samplers.find_sampler_config("Euler").name == "Euler" and sd_samplers.find_sampler_config("x") is None
    assert sd_samplers.samplers_map["euler a"] == "Euler a" and "Euler" in sd_samplers.all_samplers_map
    assert [upscaler.name for upscaler in shared.sd_upscalers] == ["None", "Lanczos", "Nearest"]
    with pytest.raises(UnknownName):
        sd_samplers.create_sampler("x")


def test_a_script_samples_with_another_sampler(run: Run) -> None:
    def sampled(name: str) -> bytes:
        class Request(processing.StableDiffusionProcessingImg2Img):
            def sample(self, positive: Any, negative: Any, *_: Any) -> torch.Tensor:
                sampler = sd_samplers.create_sampler(name, self.sd_model)
                noise = self.rng.first()
                return sampler.sample_img2img(self, self.init_latent, noise, positive, negative, image_conditioning=self.image_conditioning)

        _, context = run()
        request = Request(
            init_images=[Image.new("RGB", (64, 64), (90, 120, 30))], width=64, height=64, steps=4, seed=3, sampler_name="Euler"
        )
        return processing.process_images(request, context).images[0].tobytes()

    plain, _ = run(init_images=[Image.new("RGB", (64, 64), (90, 120, 30))], width=64, height=64, seed=3)
    assert sampled("Euler") == plain.images[0].tobytes() != sampled("Euler a")


def test_a_script_s_own_kind_of_number_is_multiplied_at_every_step(run: Run) -> None:
    left = [9.0, 6.0, 3.0, 1.0]

    class Falling(float):
        def __rmul__(self, other: float) -> float:
            return other * left.pop(0)

    done, _ = run(init_images=[Image.new("RGB", (64, 64), (90, 120, 30))], steps=4, denoising_strength=1.0, cfg_scale=Falling(7.0), seed=3)
    assert not left and "CFG scale: 7.0," in done.infotexts[0]


def test_save_image_as_a1111_names_it(tmp_path: Path, photo: Image.Image, options: SimpleNamespace, run: Run) -> None:
    _, context = run()
    options.context, options.options = context, Options(save_to_dirs=False, samples_filename_pattern="", save_txt=True)
    context.saved.clear()
    path, text = images.save_image(photo, "outputs/mine", "", 5, "a cat", "png", info="a cat\nSteps: 2")
    again, _ = images.save_image(photo, "outputs/mine", "", 5, "a cat", "png", info="a cat\nSteps: 2")
    assert [Path(name).name for name in (path, again)] == ["00000-5-a cat.png", "00001-5-a cat.png"]
    assert photo.already_saved_as == Path(again) and context.saved == [Path(path), Path(again)]
    assert text is not None and Path(text).read_text() == "a cat\nSteps: 2"
    with Image.open(path) as saved:
        assert images.read_info_from_image(saved)[0] == "a cat\nSteps: 2"
    grid, _ = images.save_image(photo, "outputs/mine", "grid", 5, "a cat", "png", grid=True, save_to_dirs=False)
    forced, _ = images.save_image(photo, "outputs/mine", forced_filename="mine", extension="jpg")
    assert (Path(grid).name, Path(forced).name) == ("grid-0000.png", "mine.jpg")
    extra, _ = images.save_image(photo, "outputs/mine", seed=1, info="post", pnginfo_section_name="postprocessing", existing_info={"a": 1})
    with Image.open(extra) as saved:
        assert saved.info["postprocessing"] == "post" and saved.info["a"] == "1" and "parameters" not in saved.info
    for folder in ("../outside", "/etc", "modules"):
        with pytest.raises(UnsafePath):
            images.save_image(photo, folder, seed=1)


def test_scripts_find_the_folders_of_their_job(run: Run) -> None:
    folders: list[str | None] = []

    class Request(processing.StableDiffusionProcessingImg2Img):
        def init(self, *lists: Any) -> None:
            folders.extend([self.outpath_samples, self.outpath_grids])
            super().init(*lists)

    _, context = run()
    context.options = Options(outdir_grids="outputs/sheets")
    processing.process_images(Request(init_images=[Image.new("RGB", (64, 64))], width=64, height=64, steps=1), context)
    assert folders == [str(context.paths.data / "outputs/img2img-images"), str(context.paths.data / "outputs/sheets")]
    assert isinstance(context, QuietContext)
