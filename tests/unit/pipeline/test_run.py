"""A request's whole way, on a model without weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from modules.backends.fake import FakeModel
from modules.base.errors import InvalidRequest, UnknownName, UnsafePath
from modules.engine.model import ModelKind
from modules.imaging.masks import blur_mask, overlay_mask
from modules.imaging.metadata import read_infotext
from modules.imaging.seams import score_seam
from modules.pipeline.infotext_parse import parse_infotext
from modules.pipeline.plan import derive_framing
from modules.pipeline.processing import Img2ImgProcessing
from modules.pipeline.stages.prepare import prepare
from modules.settings.options import Options
from tests.unit.pipeline.conftest import Run


def differing(one: Image.Image, other: Image.Image) -> np.ndarray:
    return (np.asarray(one) != np.asarray(other)).any(axis=2)


@pytest.mark.parametrize("is_only_masked", [True, False])
@pytest.mark.parametrize("fill", [0, 1, 2, 3, "patchmatch", "neutral"])
def test_nothing_changes_outside_the_blurred_mask(
    run: Run, photo: Image.Image, mask: Image.Image, is_only_masked: bool, fill: int | str
) -> None:
    processed, _ = run(image_mask=mask, inpaint_full_res=is_only_masked, inpainting_fill=fill, denoising_strength=0.9)
    changed = differing(processed.images[0], photo)
    outside = np.asarray(blur_mask(mask, 4, 4)) == 0
    assert changed[~outside].any()
    assert not changed[outside].any()
    assert processed.changed_outside_mask == [0]
    edge = blur_mask(mask, 4, 4) if is_only_masked else overlay_mask(blur_mask(mask, 4, 4))
    assert processed.seam_scores == [score_seam(processed.images[0], edge)]


def test_ten_edits_in_a_row_leave_the_rest_alone(run: Run, photo: Image.Image, mask: Image.Image) -> None:
    picture = photo
    for seed in range(10):
        picture = run(init_images=[picture], image_mask=mask, seed=seed, inpaint_full_res=seed % 2 == 0)[0].images[0]
    outside = np.asarray(blur_mask(mask, 4, 4)) == 0
    assert not differing(picture, photo)[outside].any()


def test_a_batch_gives_what_single_jobs_give(run: Run) -> None:
    batch, _ = run(batch_size=2, n_iter=2, sampler_name="Euler a", do_not_save_grid=True)
    alone = [run(seed=5 + place, sampler_name="Euler a")[0].images[0] for place in range(4)]
    assert batch.all_seeds == [5, 6, 7, 8]
    for one, other in zip(batch.images, alone, strict=True):
        assert np.abs(np.asarray(one, int) - np.asarray(other, int)).max() <= 1


@pytest.mark.parametrize("kind", list(ModelKind))
@pytest.mark.parametrize("channels", [4, 16])
def test_every_kind_of_model_and_any_latent_channels_run(run: Run, mask: Image.Image, kind: ModelKind, channels: int) -> None:
    processed, _ = run(model=FakeModel(kind, latent_channels=channels), image_mask=mask, inpainting_fill=2)
    assert processed.images[0].size == (128, 96)
    assert processed.is_using_inpainting_conditioning == (kind is ModelKind.INPAINT)


def test_start_pictures_and_prompts_are_encoded_once_between_jobs(run: Run) -> None:
    model = FakeModel()
    _, context = run(model=model)
    before = model.encode_calls, model.text.encoded_chunks
    run(context=context, seed=6)
    assert (model.encode_calls, model.text.encoded_chunks) == before


def test_the_saved_file_carries_the_infotext_that_is_reported(run: Run) -> None:
    processed, context = run(prompt="a cat, green eyes", negative_prompt="blurry", image_mask=Image.new("L", (128, 96), 255))
    (path,) = context.saved
    with Image.open(path) as saved:
        assert read_infotext(saved)[0] == processed.infotexts[0]
        assert np.array_equal(np.asarray(saved), np.asarray(processed.images[0]))
    assert processed.infotexts[0].startswith(
        "a cat, green eyes\nNegative prompt: blurry\nSteps: 4, Sampler: Euler, Schedule type: Automatic, CFG scale: 7.0, Seed: 5,"
    )
    assert json.loads(processed.js())["infotexts"] == processed.infotexts


def test_the_colour_profile_of_the_photo_stays(run: Run, photo: Image.Image, mask: Image.Image) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo.info["icc_profile"] = profile
    _, context = run(init_images=[photo], image_mask=mask)
    with Image.open(context.saved[0]) as saved:
        assert saved.info["icc_profile"] == profile


def test_an_empty_mask_becomes_plain_img2img_and_says_so(run: Run) -> None:
    processed, _ = run(image_mask=Image.new("L", (128, 96)), inpaint_full_res=True)
    assert any("mask is empty" in note for note in processed.notes)


def test_a_mask_of_another_size_is_fitted_when_the_shape_is_the_same(run: Run, mask: Image.Image) -> None:
    processed, _ = run(image_mask=mask.resize((64, 48)))
    assert any("resized from 64x48" in note for note in processed.notes)
    with pytest.raises(InvalidRequest, match="mask"):
        run(image_mask=mask.resize((96, 96)))


def test_an_unknown_sampler_is_refused_with_the_known_ones(run: Run) -> None:
    with pytest.raises(UnknownName) as caught:
        run(sampler_name="No Such Sampler")
    assert caught.value.field == "sampler_name"
    assert "Euler a" in caught.value.known


def test_an_interrupted_job_gives_what_it_has_and_saves_nothing(run: Run) -> None:
    processed, context = run(stop_after=2, n_iter=3, steps=10)
    assert processed.is_interrupted
    assert len(processed.images) == 1
    assert context.saved == []


def test_override_settings_hold_for_one_job(run: Run) -> None:
    processed, context = run(override_settings={"CLIP_stop_at_last_layers": 2, "randn_source": "NV"})
    assert "Clip skip: 2" in processed.infotexts[0]
    assert "RNG: NV" in processed.infotexts[0]
    assert context.options == Options()


def test_masks_are_returned_after_their_picture(run: Run, mask: Image.Image) -> None:
    options = Options().coerced({"return_mask": True, "return_mask_composite": True})
    processed, _ = run(options=options, image_mask=mask, do_not_save_grid=True)
    assert [image.mode for image in processed.images] == ["RGB", "RGB", "RGBA"]
    assert [image.info.get("parameters") for image in processed.images] == [*processed.infotexts, None, None]


def test_neutral_fill_and_growth_are_in_the_infotext(run: Run, mask: Image.Image) -> None:
    processed, _ = run(image_mask=mask, inpainting_fill="neutral", grow_mask_by=6)
    assert "Masked content: neutral" in processed.infotexts[0]
    assert "Mask growth: 6" in processed.infotexts[0]


def test_a_crop_of_ones_own_takes_the_place_of_mask_and_padding(run: Run, photo: Image.Image, mask: Image.Image) -> None:
    fields: dict[str, Any] = {"image_mask": mask, "mask_blur": 0, "width": 64, "height": 64, "inpaint_full_res_padding": 4}
    processed, _ = run(**fields, crop_region=(20, 10, 90, 80))
    assert processed.notes == [] and crop_of(photo, **fields, crop_region=(20, 10, 90, 80)) == (20, 10, 90, 80)
    assert 'Masked area padding: 4, Crop region: "20,10,90,80"' in processed.infotexts[0]
    assert parse_infotext(processed.infotexts[0])["Crop region"] == "20,10,90,80"
    assert crop_of(photo, **fields) == (36, 21, 84, 69)
    assert "Crop region" not in run(**fields)[0].infotexts[0]


def test_a_crop_that_misses_the_mask_or_the_picture_is_mended_and_said(run: Run, photo: Image.Image, mask: Image.Image) -> None:
    fields: dict[str, Any] = {"image_mask": mask, "mask_blur": 0, "width": 80, "height": 60}
    processed, _ = run(**fields, crop_region=(60, 40, 500, 400))
    assert any("(60, 40, 500, 400) became (40, 30, 128, 96)" in note for note in processed.notes)
    assert crop_of(photo, **fields, crop_region=(60, 40, 500, 400)) == (40, 30, 128, 96)
    assert any("left aside" in note for note in run(**fields, crop_region=(0, 0, 64, 64), inpaint_full_res=False)[0].notes)
    assert any("left aside" in note for note in run(crop_region=(0, 0, 64, 64))[0].notes)


def crop_of(photo: Image.Image, **fields: Any) -> tuple[int, ...] | None:
    p = Img2ImgProcessing(init_images=[photo], **fields)
    masks = prepare([photo], p.image_mask, None, derive_framing(p, [5])).masks
    return masks.box.edges if masks and masks.box else None


def test_a_seed_is_resized_from_a_size_that_is_not_square(run: Run) -> None:
    same, other = (run(seed_resize_from_w=width, seed_resize_from_h=height)[0].images[0] for width, height in ((128, 96), (64, 96)))
    assert differing(same, other).any()
    assert "Seed resize from: 64x96" in run(seed_resize_from_w=64, seed_resize_from_h=96)[0].infotexts[0]


def test_padding_is_stated_only_where_prompts_were_padded(run: Run) -> None:
    options = Options().coerced({"pad_cond_uncond": True})
    long = ", ".join(["a cat"] * 60)
    assert "Pad conds: True" in run(options=options, prompt=long)[0].infotexts[0]
    assert "Pad conds" not in run(options=options, prompt="a cat")[0].infotexts[0]


def test_a_text_beside_the_picture_takes_no_other_file(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "outputs" / "mine"
    folder.mkdir(parents=True)
    (folder / "same.txt").write_text("precious")
    options = Options().coerced(
        {
            "save_txt": True,
            "outdir_samples": "outputs/mine",
            "save_to_dirs": False,
            "samples_filename_pattern": "same",
            "save_images_add_number": False,
        }
    )
    run(options=options)
    assert (folder / "same.txt").read_text() == "precious"
    assert "Steps: 4" in (folder / "same.png.txt").read_text()


@pytest.mark.parametrize("folder", [".", "models/mine", "../elsewhere", ".venv"])
def test_results_stay_out_of_the_program(run: Run, folder: str) -> None:
    with pytest.raises(UnsafePath):
        run(override_settings={"outdir_samples": folder})


def test_what_one_model_made_is_never_taken_for_anothers(run: Run, tmp_path: Path) -> None:
    """Equal weights of the UNet, as in two folders that differ in VAE and text encoder alone."""
    first, second = FakeModel(), FakeModel()
    _, context = run(model=first)
    context.fake = second
    run(context=context)
    assert first.sha256 == second.sha256 and second.encode_calls == first.encode_calls > 0
    run(context=context)
    assert second.encode_calls == first.encode_calls, "one model's own work is kept"


@pytest.mark.parametrize("is_only_masked", [True, False])
def test_kept_transparency_comes_back_with_the_result(run: Run, photo: Image.Image, mask: Image.Image, is_only_masked: bool) -> None:
    alpha = Image.linear_gradient("L").resize(photo.size)
    processed, _ = run(image_mask=mask, inpaint_full_res=is_only_masked, kept_alpha=alpha)
    result = processed.images[0]
    assert result.mode == "RGBA" and np.array_equal(result.getchannel("A"), alpha)
    assert "parameters" in result.info
    outside = np.asarray(blur_mask(mask, 4, 4)) == 0
    assert not differing(result.convert("RGB"), photo)[outside].any()


def test_kept_transparency_follows_the_picture_to_another_size(run: Run, photo: Image.Image) -> None:
    alpha = Image.linear_gradient("L").resize(photo.size)
    for mode in (0, 3):
        result = run(kept_alpha=alpha, width=64, height=64, resize_mode=mode)[0].images[0]
        assert (result.mode, result.size) == ("RGBA", (64, 64))
        assert np.array_equal(result.getchannel("A"), alpha.resize((64, 64), Image.Resampling.LANCZOS))
