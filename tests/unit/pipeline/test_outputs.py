"""What comes back and what is saved beside the picture: masks, cut-outs, grids, start pictures, notes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.backends.catalog import BUILTIN_NAME
from modules.backends.fake import FakeModel
from modules.imaging.color import correction_target
from modules.pipeline.infotext_settings import read_settings
from modules.plugins.runner import ScriptRunner
from modules.settings.options import Options
from tests.unit.pipeline.conftest import Run

BOTH = {"return_mask": True, "return_mask_composite": True}


def masked(mask: Image.Image, **fields: Any) -> dict[str, Any]:
    return {"image_mask": mask, "inpainting_fill": 1, "do_not_save_grid": True, **fields}


@pytest.mark.parametrize("is_only_masked", [True, False])
def test_masks_and_cut_outs_follow_their_picture(run: Run, mask: Image.Image, is_only_masked: bool) -> None:
    processed, _ = run(**masked(mask, inpaint_full_res=is_only_masked, batch_size=2, n_iter=2, override_settings=BOTH))
    assert [image.mode for image in processed.images] == ["RGB", "RGB", "RGBA"] * 4
    assert len(processed.infotexts) == 4 and processed.all_seeds == [5, 6, 7, 8]
    picture, shown, part = (np.asarray(image) for image in processed.images[:3])
    assert (shown[..., 0] == part[..., 3]).all() and (part[part[..., 3] == 0] == 0).all()
    opaque = part[..., 3] == 255
    assert opaque.any() and (part[opaque][:, :3] == picture[opaque]).all()


def test_without_overlay_masks_still_come_and_nothing_is_put_back(run: Run, mask: Image.Image) -> None:
    processed, _ = run(**masked(mask, width=64, height=64, override_settings=BOTH | {"overlay_inpaint": False}))
    assert [image.size for image in processed.images] == [(64, 64), mask.size, (64, 64)]
    assert processed.changed_outside_mask == [None]


def test_in_latent_resize_the_mask_has_the_start_pictures_size(run: Run, mask: Image.Image) -> None:
    processed, _ = run(**masked(mask, width=64, height=64, resize_mode=3, inpaint_full_res=False, override_settings=BOTH))
    assert [image.size for image in processed.images] == [(64, 64), (128, 96), (64, 64)]


def test_a_blank_mask_returns_no_mask(run: Run, photo: Image.Image) -> None:
    assert len(run(**masked(Image.new("L", photo.size), override_settings=BOTH))[0].images) == 1


def test_grids_show_everything_that_is_returned(run: Run, mask: Image.Image) -> None:
    options = {"return_mask": True, "grid_background_color": "#102030", "n_rows": 2}
    processed, _ = run(image_mask=mask, width=64, height=64, batch_size=2, override_settings=options)
    assert processed.index_of_first_image == 1 and len(processed.images) == 5 and len(processed.infotexts) == 3
    assert processed.images[0].size == (256, 192)
    three = run(batch_size=3, override_settings={"grid_background_color": "#102030"})[0].images[0]
    assert three.getpixel((three.width - 1, three.height - 1)) == (0x10, 0x20, 0x30)


def test_what_is_saved_beside_the_picture(run: Run, mask: Image.Image) -> None:
    names = ("save_mask", "save_mask_composite", "save_images_before_color_correction", "img2img_color_correction")
    processed, context = run(image_mask=mask, override_settings=dict.fromkeys(names, True))
    endings = [path.stem.split("-5", 1)[1] for path in context.saved]
    assert endings == ["", "-before-color-correction", "-mask", "-mask-composite"]
    assert len(processed.images) == 1
    before, after = (np.asarray(Image.open(path)) for path in (context.saved[1], context.saved[0]))
    assert before.shape == after.shape and (before != after).any()


def test_color_targets_of_a_script_hold_for_one_run(run: Run, photo: Image.Image) -> None:
    red = [correction_target(Image.new("RGB", (8, 8), "red"))]
    processed, _ = run(color_corrections=red)
    plain, _ = run()
    assert np.asarray(processed.images[0])[..., 0].mean() > np.asarray(plain.images[0])[..., 0].mean()


def test_start_pictures_are_saved_once_under_their_hash(run: Run, photo: Image.Image, tmp_path: Path) -> None:
    digest = hashlib.md5(photo.tobytes()).hexdigest()
    for _ in range(2):
        processed, _ = run(options=Options(save_init_img=True))
        (saved,) = (tmp_path / "outputs" / "init-images").iterdir()
        assert saved.name == f"{digest}.png" and f"Init image hash: {digest}" in processed.infotexts[0]
    with Image.open(saved) as image:
        assert np.array_equal(image, photo)


def test_several_start_pictures_set_the_batch_but_not_the_number_of_seeds(run: Run, photo: Image.Image) -> None:
    two = [photo, photo.transpose(Image.Transpose.ROTATE_180)]
    processed, _ = run(init_images=two, batch_size=3, n_iter=2, do_not_save_grid=True)
    assert len(processed.images) == 4 and processed.all_seeds == [5, 6, 7, 8, 9, 10] and processed.batch_size == 2
    alone = run(init_images=two[1:], seed=8)[0].images[0]
    assert np.abs(np.asarray(processed.images[3], int) - np.asarray(alone, int)).max() <= 1


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"restore_faces": True}, "restore_faces"),
        ({"refiner_checkpoint": "other.safetensors", "refiner_switch_at": 0.8}, "refiner_checkpoint"),
        ({"denoising_strength": 1.5}, "denoising_strength 1.5"),
        ({"denoising_strength": -0.5}, "denoising_strength -0.5"),
        ({"override_settings": {"token_merging_ratio": 0.5}}, "token_merging_ratio = 0.5"),
        ({"override_settings": {"sd_vae_decode_method": "TAESD"}}, "TAESD"),
    ],
)
def test_wishes_that_cannot_be_met_are_said_once(run: Run, fields: dict[str, Any], word: str) -> None:
    processed, _ = run(n_iter=2, **fields)
    assert sum(word in note for note in processed.notes) == 1


@pytest.mark.parametrize(
    "overrides",
    [{"token_merging_ratio": 0}, {"fp8_storage": "disable"}, {"sd_hypernetwork": ""}, {"face_restoration": "False"}, {"sd_unet": None}],
)
def test_defaults_need_no_words(run: Run, overrides: dict[str, Any]) -> None:
    assert run(override_settings=overrides, refiner_checkpoint="None")[0].notes == []


@pytest.mark.parametrize(
    ("name", "wanted", "blends", "told"),
    [
        (BUILTIN_NAME, "Automatic", True, ""),
        (BUILTIN_NAME, "Never", False, "Seam blend: Never"),
        ("other.safetensors", "Automatic", False, ""),
        ("other.safetensors", "Always", True, "Seam blend: Always"),
    ],
)
def test_seams_are_led_over_inside_the_mask_alone(
    run: Run, mask: Image.Image, photo: Image.Image, name: str, wanted: str, blends: bool, told: str
) -> None:
    chosen = {"override_settings": {"pentimento_blend_seam": wanted, **BOTH}}
    processed, _ = run(model=FakeModel(name=name), **masked(mask, denoising_strength=0.8, **chosen))
    plain, _ = run(model=FakeModel(name=name), **masked(mask, denoising_strength=0.8, override_settings={"pentimento_blend_seam": "Never"}))
    picture, before, part = (np.asarray(image) for image in (processed.images[0], plain.images[0], processed.images[2]))
    is_inside = part[..., 3] > 0
    assert (picture[~is_inside] == np.asarray(photo)[~is_inside]).all() and processed.changed_outside_mask == [0]
    assert (picture != before).any() == blends
    opaque = part[..., 3] == 255
    assert (part[opaque][:, :3] == picture[opaque]).all()
    assert told in processed.infotexts[0] and ("Seam blend" in processed.infotexts[0]) == bool(told)
    assert read_settings(processed.infotexts[0], Options()).overrides.get("pentimento_blend_seam", "Automatic") == wanted


def test_comfyui_and_whole_pictures_have_no_seam_to_blend(run: Run, mask: Image.Image) -> None:
    always = {"pentimento_blend_seam": "Always"}
    whole, _ = run(override_settings=always)
    asked = masked(mask, scheduler="normal", sampler_name="euler")
    comfyui, comfyui_plain = (
        run(model=FakeModel(name=BUILTIN_NAME), **asked, override_settings={"compat": "comfyui", "pentimento_blend_seam": way})[0]
        for way in ("Always", "Never")
    )
    assert "Seam blend" not in whole.infotexts[0] + comfyui.infotexts[0]
    assert np.array_equal(comfyui.images[0], comfyui_plain.images[0])


def test_a_scripts_own_mask_is_not_blended_over(run: Run, mask: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(self: ScriptRunner, hook: str, p: Any, *details: Any, **names: Any) -> None:
        if hook == "postprocess_maskoverlay":
            details[0].mask_for_overlay = details[0].mask_for_overlay.copy()

    asked = masked(mask, denoising_strength=0.8)
    blended, plain = (run(**asked, override_settings={"pentimento_blend_seam": way})[0] for way in ("Always", "Never"))
    monkeypatch.setattr(ScriptRunner, "dispatch", replace)
    scripted, _ = run(**asked, override_settings={"pentimento_blend_seam": "Always"})
    assert not np.array_equal(blended.images[0], plain.images[0])
    assert np.array_equal(scripted.images[0], plain.images[0])
