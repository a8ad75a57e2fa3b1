"""Requests that scripts build themselves, in A1111's words, and runs whose `init` and `sample` they replace."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules import processing, sd_samplers, shared
from modules.base.errors import InvalidRequest
from modules.base.paths import Paths
from modules.pipeline.processed import Processed
from modules.pipeline.stages.save import folder_for_scripts
from modules.plugins.runner import ScriptRunner
from modules.plugins.script import Script
from modules.processing import StableDiffusionProcessingImg2Img, StableDiffusionProcessingTxt2Img, process_images
from tests.unit.pipeline.conftest import Run


class RunsAnother(Script):
    """A selectable script that makes a request of its own with every keyword A1111's would give."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def title(self) -> str:
        return "Runs another"

    def run(self, p: Any, *args: Any) -> Processed:
        inner = StableDiffusionProcessingImg2Img(
            sd_model=shared.sd_model, outpath_samples=p.outpath_samples, outpath_grids=p.outpath_grids, prompt=p.prompt,
            negative_prompt=None, styles=None, seed=3, subseed=p.subseed, subseed_strength=p.subseed_strength,
            seed_resize_from_h=p.seed_resize_from_h, seed_resize_from_w=p.seed_resize_from_w, seed_enable_extras=True,
            sampler_name=p.sampler_name, batch_size=1, n_iter=1, steps=2, cfg_scale=5, width=p.width, height=p.height,
            restore_faces=False, tiling=False, init_images=[p.init_images[0]], mask=None, mask_blur=4, inpainting_fill=1,
            resize_mode=0, denoising_strength=0.4, inpaint_full_res=False, inpaint_full_res_padding=32, inpainting_mask_invert=0,
            do_not_save_samples=True, do_not_save_grid=True, override_settings=None, extra_generation_params=None,
        )  # fmt: skip
        inner.scripts, inner.script_args = copy.copy(p.scripts), p.script_args
        inner.cached_c, inner.cached_uc, inner._my_own = [None, None], [None, None], True
        for name, value in self.fields.items():
            setattr(inner, name, value)
        self.inner = inner
        return process_images(inner)


def run_script(run: Run, script: RunsAnother) -> Processed:
    return run(scripts=ScriptRunner([script]), script_args=[1], prompt="a cat")[0]


def test_a_script_builds_a_request_with_a1111s_keywords(run: Run) -> None:
    script = RunsAnother()
    made = run_script(run, script)
    assert len(made.images) == 1 and "Denoising strength: 0.4" in made.info and made.seed == 3
    assert script.inner.get_conds() == (script.inner.c, script.inner.uc) and script.inner.c is not None
    assert script.inner.sampler.name == "Euler" and script.inner.main_prompt == "a cat"
    script.inner.close()
    assert script.inner.sd_model is None and script.inner.c is None


def test_the_keyword_mask_is_the_picture(photo: Image.Image, mask: Image.Image) -> None:
    p = StableDiffusionProcessingImg2Img(init_images=[photo], mask=mask)
    assert p.image_mask is mask and p.mask is None
    assert StableDiffusionProcessingImg2Img().init_images == []


def test_an_overridden_sample_decides_the_result(run: Run) -> None:
    def sample(conditioning: Any, unconditional_conditioning: Any, seeds: Any, *args: Any, **named: Any) -> Any:
        return script.inner.init_latent * 0

    script = RunsAnother()
    plain = run_script(run, script).images[0]
    script = RunsAnother(sample=sample)
    assert len(set(run_script(run, script).images[0].tobytes())) <= 4 < len(set(plain.tobytes()))


def test_an_overridden_sample_may_run_a_sampler_of_its_own(run: Run) -> None:
    def sample(conditioning: Any, unconditional_conditioning: Any, *args: Any, **named: Any) -> Any:
        p = script.inner
        p.sampler = sd_samplers.create_sampler("Euler a", p.sd_model)
        x = p.rng.next()
        p.setup_conds()
        return p.sampler.sample_img2img(p, p.init_latent, x, p.c, p.uc, image_conditioning=p.image_conditioning)

    plain = run_script(run, RunsAnother(sampler_name="Euler a")).images[0]
    script = RunsAnother(sample=sample)
    assert run_script(run, script).images[0].tobytes() == plain.tobytes()


def test_an_init_that_does_nothing_keeps_the_latent_that_was_set(run: Run) -> None:
    first = RunsAnother()
    plain = run_script(run, first).images[0]
    latent = first.inner.init_latent
    again = RunsAnother(init=lambda *args, **named: None, init_latent=latent)
    assert run_script(run, again).images[0].tobytes() == plain.tobytes()
    other = RunsAnother(init=lambda *args, **named: None, init_latent=latent * -1)
    assert run_script(run, other).images[0].tobytes() != plain.tobytes()


def test_painting_without_a_picture_is_refused_in_words(run: Run) -> None:
    class Paints(RunsAnother):
        def run(self, p: Any, *args: Any) -> Processed:
            return process_images(StableDiffusionProcessingTxt2Img(prompt="a cat", enable_hr=False, steps=2))

    with pytest.raises(InvalidRequest, match="start from one"):
        run_script(run, Paints())


def test_folders_work_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths.under(tmp_path)
    assert folder_for_scripts(paths, "outputs/mine") == str(tmp_path / "outputs" / "mine")
    monkeypatch.chdir(tmp_path)
    assert folder_for_scripts(paths, "outputs/mine") == "outputs/mine"


def test_seeds_and_masks_as_scripts_make_them(mask: Image.Image) -> None:
    p = StableDiffusionProcessingImg2Img()
    processing.fix_seed(p)
    assert p.seed >= 0 and processing.get_fixed_seed("7") == 7
    inside = processing.uncrop(Image.new("RGB", (10, 10), "red"), (40, 30), (5, 6, 20, 12))
    assert inside.size == (40, 30) and inside.getpixel((6, 7))[:3] == (255, 0, 0) and inside.getpixel((0, 0))[3] == 0
