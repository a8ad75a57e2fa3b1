"""Painting around a picture: what is kept, what is painted, and that a job tells it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.fills import MaskedContent
from modules.imaging.geometry import Box, Extent
from modules.imaging.outpaint_crops import lay, plan_strips, weigh
from modules.imaging.outpainting import Margins, Outpaint, extend_picture
from modules.pipeline.outpaint import MASK_UNUSED, frame_wider, outpaint_keys
from modules.pipeline.processing import Img2ImgProcessing
from modules.pipeline.start_canvas import find_start
from modules.settings.options import Options

FRAME = {"left": 40, "right": 0, "up": 16, "down": 24, "overlap": 12}
SMALL = {"width": 64, "height": 64, "steps": 2}


@pytest.mark.parametrize(
    ("picture", "margins", "working"),
    [
        ((512, 512), Margins(128, 128, 128, 128), (512, 512)),
        ((300, 200), Margins(100, 0, 50, 30), (256, 256)),
        ((64, 64), Margins(300, 0, 0, 200), (256, 256)),
        ((2000, 1500), Margins(right=700), (512, 768)),
        ((33, 901), Margins(up=1000, right=7), (512, 512)),
        ((100, 100), Margins(20, 20, 20, 20), (256, 256)),
    ],
)
def test_crops_paint_every_new_pixel_and_see_nothing_unfilled(picture, margins, working) -> None:
    place, canvas = margins.place(Extent(*picture)), margins.canvas(Extent(*picture))
    painted = np.zeros(canvas.shape, int)
    for strip in plan_strips(place, canvas, Extent(*working)):
        for crop in strip.crops:
            assert crop.box.lies_within(canvas)
            assert crop.box.joined(crop.fresh) == crop.box
            assert crop.box.joined(strip.grown) == strip.grown
            left, top, right, bottom = crop.fresh.edges
            painted[top:bottom, left:right] += 1
    left, top, right, bottom = place.edges
    painted[top:bottom, left:right] = 1
    assert painted.min() == 1 and painted.max() <= 2  # twice where neighbours along a strip share


def test_strips_leave_half_of_a_crop_to_what_is_known() -> None:
    strips = plan_strips(Box(600, 0, 512, 512), Extent(1112, 512), Extent(512, 512))
    assert [strip.crops[0].fresh.width for strip in strips] == [200, 200, 200]
    assert all(crop.box.extent == Extent(512, 512) for strip in strips for crop in strip.crops)


def test_what_is_laid_in_takes_the_colours_of_what_it_goes_on_from() -> None:
    before = np.full((64, 96, 3), (200, 120, 40), np.uint8)
    known = np.zeros((64, 96), bool)
    known[:, 40:] = True
    painted = np.clip(before.astype(int) + np.array((-30, 25, 12)), 0, 255).astype(np.uint8)
    laid = lay(before, painted, weigh(~known, known, 16), known, 16)
    assert np.abs(laid.astype(int) - before).max() <= 1


def test_pixels_beyond_the_overlap_stay_bit_for_bit(run, photo) -> None:
    processed, context = run(outpaint=FRAME, inpainting_fill=0, denoising_strength=1.0, **SMALL)
    picture = processed.images[0]
    assert picture.size == (128 + 40, 96 + 16 + 24)
    assert processed.changed_outside_mask == [0]
    inner = (12, 12, 128, 84)  # nothing grows on the right
    assert picture.crop((52, 28, 168, 100)).tobytes() == photo.crop(inner).tobytes()
    assert picture.crop((40, 16, 168, 112)).tobytes() != photo.tobytes()
    assert context.expected > 1 and processed.seam_scores[0] is not None


def test_a_job_is_saved_once_and_says_how_it_was_made(run) -> None:
    processed, context = run(outpaint=FRAME, inpainting_fill="patchmatch", n_iter=2, do_not_save_grid=True, **SMALL)
    assert len(context.saved) == 2
    assert [image.size for image in processed.pictures] == [(168, 136)] * 2
    assert processed.all_seeds == [5, 6]
    assert 'Outpaint: "40,0,16,24", Outpaint overlap: 12, Masked content: patchmatch' in processed.infotexts[-1]
    assert "Mask blur" not in processed.info and "Inpaint area" not in processed.info


def test_no_margin_is_an_ordinary_job(run, photo) -> None:
    processed, _ = run(outpaint={"left": 0, "overlap": 40})
    assert processed.images[0].size == photo.size and "Outpaint" not in processed.info


def test_an_interrupted_job_gives_the_rest_filled_and_nothing_kept_changed(run, photo) -> None:
    processed, _ = run(outpaint=FRAME, inpainting_fill=0, stop_after=3, **SMALL)
    assert processed.is_interrupted and processed.changed_outside_mask == [0]
    assert processed.images[0].size == (168, 136)


def test_a_mask_is_left_aside_and_said_so(run, mask) -> None:
    processed, _ = run(outpaint={"left": 16}, image_mask=mask, **SMALL)
    assert MASK_UNUSED in processed.notes


def test_transparency_and_colour_profile_are_kept(run, photo) -> None:
    photo.info["icc_profile"] = b"profile"
    alpha = Image.new("L", photo.size, 77)
    processed, _ = run(outpaint={"right": 16}, kept_alpha=alpha, **SMALL)
    picture = processed.images[0]
    assert picture.mode == "RGBA" and picture.info["icc_profile"] == b"profile"
    assert picture.getchannel("A").getpixel((5, 5)) == 77 and picture.getchannel("A").getpixel((140, 5)) == 255


def test_the_canvas_and_mask_of_a_result_are_found_again_from_the_request(run, photo) -> None:
    fields = {"outpaint": FRAME, "inpainting_fill": 0, **SMALL}
    processed, _ = run(**fields)
    start = find_start(Img2ImgProcessing(init_images=[photo], **fields), Options())
    assert start.canvas.size == processed.images[0].size == start.mask.size
    kept = np.asarray(start.mask) == 0
    assert kept.any() and (np.asarray(start.canvas)[kept] == np.asarray(processed.images[0])[kept]).all()
    assert np.asarray(start.mask)[:, :40].min() == 255


def test_a_request_without_it_is_passed_on() -> None:
    request = Img2ImgProcessing()
    assert frame_wider(request, Options()) is request


@pytest.mark.parametrize(
    "value",
    [{"left": -8}, {"left": 1.5}, {"top": 8}, 8, [8, 0, 0, 0], {"left": "x"}, {"left": 8, "overlap": 9999}, {"left": 10**6}],
)
def test_what_cannot_be_used_is_refused(run, value) -> None:
    with pytest.raises(InvalidRequest, match="outpaint"):
        run(outpaint=value)


def test_infotext_and_json_say_the_same() -> None:
    wanted = Outpaint.parse({"left": "8", "down": 16.0})
    assert wanted == Outpaint(Margins(left=8, down=16))
    assert Outpaint.parse(wanted.as_json()) == wanted
    assert outpaint_keys(wanted, MaskedContent.ORIGINAL) == {"Outpaint": "8,0,0,16", "Outpaint overlap": 32}


def test_the_edges_of_an_extended_picture_go_on(photo) -> None:
    extended = extend_picture(photo, Margins(8, 0, 4, 0))
    assert extended.size == (136, 100) and extended.crop((8, 4, 136, 100)).tobytes() == photo.tobytes()
    assert extended.getpixel((0, 50)) == photo.getpixel((0, 46))
