"""What is shown before a job is what the job then uses."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageColor

from modules.backends.fake import FakeModel
from modules.base.errors import InvalidRequest
from modules.imaging.fills import fill_neutral
from modules.imaging.geometry import Box
from modules.pipeline.preview import Memory, RemarkKind, draw_start, look_ahead, seen_part
from modules.pipeline.processing import Img2ImgProcessing
from modules.pipeline.run import process_images
from modules.settings.options import Options
from tests.unit.pipeline.conftest import QuietContext


def random_picture(draw: np.random.Generator, width: int, height: int) -> Image.Image:
    coarse = Image.fromarray(draw.integers(0, 256, (5, 6, 3), dtype=np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    if draw.random() < 0.3:
        coarse.putalpha(Image.fromarray(draw.integers(0, 256, (4, 4), dtype=np.uint8)).resize((width, height)))
    return coarse


def random_mask(draw: np.random.Generator, width: int, height: int) -> Image.Image | None:
    if draw.random() < 0.15:
        return None
    pixels = np.zeros((height, width), np.uint8)
    for _ in range(int(draw.integers(0, 3))):
        x, y = int(draw.integers(0, width)), int(draw.integers(0, height))
        part = pixels[y : y + int(draw.integers(1, 60)), x : x + int(draw.integers(1, 60))]
        part[...] = 255 if draw.random() < 0.5 else draw.integers(0, 256, part.shape)
    return Image.fromarray(pixels)


def random_request(seed: int) -> Img2ImgProcessing:
    draw = np.random.default_rng(seed)
    width, height = (int(side) for side in draw.integers(60, 220, 2))
    has_region = draw.random() < 0.3
    x, y = int(draw.integers(-20, width)), int(draw.integers(-20, height))
    return Img2ImgProcessing(
        init_images=[random_picture(draw, width, height)],
        image_mask=random_mask(draw, width, height),
        width=int(draw.integers(8, 24)) * 8 + int(draw.choice([0, 0, 0, 3])),
        height=int(draw.integers(8, 24)) * 8,
        resize_mode=int(draw.integers(0, 4)),
        inpainting_fill=draw.choice([0, 1, 2, 3, "neutral"]).item() if draw.random() < 0.8 else "patchmatch",
        inpaint_full_res=bool(draw.random() < 0.6),
        inpaint_full_res_padding=int(draw.integers(0, 40)),
        inpainting_mask_invert=int(draw.random() < 0.2),
        mask_blur=int(draw.integers(0, 12)),
        mask_round=bool(draw.random() < 0.8),
        grow_mask_by=int(draw.choice([0, 0, 6])),
        crop_region=(x, y, x + int(draw.integers(1, 150)), y + int(draw.integers(1, 150))) if has_region else None,
        override_settings={"upscaler_for_img2img": "Nearest"} if draw.random() < 0.2 else {},
        seed=int(draw.integers(0, 1000)),
        steps=1,
        sampler_name="Euler",
    )


def fix_fill(request: Img2ImgProcessing) -> None:
    if str(request.inpainting_fill).isdigit():
        request.inpainting_fill = int(request.inpainting_fill)


@pytest.mark.parametrize(("block", "compat"), [*((number, "a1111") for number in range(8)), (8, "comfyui"), (9, "comfyui")])
def test_random_requests_use_what_was_shown(block: int, compat: str, tmp_path: Path) -> None:
    for seed in range(block * 15, block * 15 + 15):
        request = random_request(seed)
        fix_fill(request)
        if compat == "comfyui":
            request.sampler_name, request.override_settings["compat"] = "euler", compat
            request.override_settings["inpainting_mask_weight"] = seed % 2
        sight = look_ahead(request)
        process_images(request, QuietContext(tmp_path, FakeModel(), Options()))
        prepared = request.prepared
        assert prepared is not None
        start = prepared.pictures[0]
        if compat == "comfyui" and request.inpainting_fill == "neutral" and prepared.masks is not None:
            model = prepared.masks.model
            start = fill_neutral(start, model if model.size == start.size else model.resize(start.size, Image.Resampling.BILINEAR))
        assert sight.start.tobytes() == start.tobytes(), seed
        assert sight.notes == prepared.notes, seed
        assert (sight.crop and (sight.crop.x, sight.crop.y, *sight.crop.extent.size)) == request.paste_to, seed
        if prepared.masks is None:
            assert sight.blend_mask is None and sight.latent_mask is None and request.nmask is None
            continue
        assert sight.blend_mask is not None and sight.latent_mask is not None and request.nmask is not None
        assert sight.blend_mask.tobytes() == prepared.masks.overlay.tobytes(), seed
        repainted = np.asarray(sight.latent_mask, np.float32) / 255
        assert np.abs(repainted - request.nmask[0].numpy()).max() < (1e-6 if compat == "a1111" else 0.5 / 255 + 1e-6), seed


def make_request(**changes: Any) -> Img2ImgProcessing:
    mask = Image.new("L", (640, 480))
    mask.paste(255, (100, 100, 200, 180))
    given = {"init_images": [Image.new("RGB", (640, 480), "gray")], "image_mask": mask, "mask_blur": 4, "inpaint_full_res_padding": 32}
    return Img2ImgProcessing(**{**given, **changes})


def kinds_of(**changes: Any) -> set[RemarkKind]:
    return {remark.kind for remark in look_ahead(make_request(**changes)).remarks}


def test_a_look_needs_no_torch() -> None:
    code = "import sys, modules.pipeline.preview; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[3])


def test_the_facts_of_a_crop() -> None:
    sight = look_ahead(make_request(width=512, height=472))
    assert sight.crop is not None and sight.crop.extent.aspect == pytest.approx(512 / 472, abs=0.01)
    assert sight.scale == pytest.approx(512 / sight.crop.width, abs=0.02)
    assert sight.latent_mask is not None and sight.latent_mask.size == (64, 59)
    assert seen_part(sight) == sight.crop and sight.stretch == 0


def test_stretching_is_told_with_its_share() -> None:
    sight = look_ahead(make_request(image_mask=None, resize_mode=0))
    assert sight.stretch == pytest.approx(1 / 3)
    assert [(remark.kind, remark.values) for remark in sight.remarks] == [(RemarkKind.STRETCHED, {"percent": 33})]
    assert kinds_of(image_mask=None, resize_mode=0, width=640, height=480) == set()
    assert kinds_of(image_mask=None, resize_mode=3) == {RemarkKind.STRETCHED}


def test_what_is_cut_off_or_smeared_is_told() -> None:
    sight = look_ahead(make_request(image_mask=None, resize_mode=1))
    assert [remark.kind for remark in sight.remarks] == [RemarkKind.CUT]
    assert seen_part(sight) == Box(80, 0, 480, 480)
    assert kinds_of(image_mask=None, resize_mode=2) == {RemarkKind.EDGES}
    wide = Image.new("L", (640, 480))
    wide.paste(255, (0, 230, 640, 240))
    assert RemarkKind.EDGES in kinds_of(image_mask=wide, mask_blur=0)


def test_masks_that_do_nothing_are_told() -> None:
    empty, dot = Image.new("L", (640, 480)), Image.new("L", (640, 480))
    dot.putpixel((300, 200), 255)
    assert kinds_of(image_mask=empty) >= {RemarkKind.MASK_EMPTY}
    assert kinds_of(image_mask=empty, inpaint_full_res=False, resize_mode=1) >= {RemarkKind.NOTHING_MASKED}
    assert kinds_of(image_mask=dot, mask_blur=0, inpaint_full_res=False, resize_mode=1) >= {RemarkKind.MASK_LOST}


def test_sizes_that_cost_detail_are_told() -> None:
    assert kinds_of(width=1024, height=1024) == {RemarkKind.ENLARGED}
    assert kinds_of(width=64, height=64) == {RemarkKind.SHRUNK}
    assert RemarkKind.ODD_SIZE in kinds_of(width=500)
    assert kinds_of(crop_region=(0, 0, 110, 110)) >= {RemarkKind.CROP_MENDED}
    assert kinds_of(crop_region=(0, 0, 9, 9), inpaint_full_res=False, resize_mode=1) >= {RemarkKind.CROP_UNUSED}


def test_a_hasty_look_leaves_patchmatch_for_later_and_remembers_it() -> None:
    memory = Memory()
    request = make_request(inpainting_fill="patchmatch", init_images=[random_picture(np.random.default_rng(3), 640, 480).convert("RGB")])
    hasty = look_ahead(request, memory, is_hasty=True)
    assert not hasty.is_filled and hasty.is_one_of_many
    whole = look_ahead(request, memory)
    assert whole.is_filled and whole.start.tobytes() != hasty.start.tobytes()
    again = look_ahead(request, memory, is_hasty=True)
    assert again.is_filled and again.start.tobytes() == whole.start.tobytes()


def test_latent_fills_are_drawn_where_latents_are_replaced() -> None:
    for fill, is_flat in ((2, False), (3, True)):
        sight = look_ahead(make_request(inpainting_fill=fill))
        assert sight.latent_mask is not None
        inside = np.asarray(draw_start(sight))[np.asarray(sight.latent_mask.resize(sight.start.size, Image.Resampling.NEAREST)) > 0]
        assert (inside.std() < 1) == is_flat
    sight = look_ahead(make_request(inpainting_fill=0))
    assert draw_start(sight) is sight.start


def test_a_request_that_cannot_run_says_why() -> None:
    with pytest.raises(InvalidRequest) as caught:
        look_ahead(make_request(width=1))
    assert caught.value.field == "width"


def test_the_memory_is_bounded() -> None:
    memory = Memory(capacity=2)
    for number in range(5):
        memory.find_or_make(number, lambda: Image.new("L", (1, 1)))
    assert memory.find(2) is None and memory.find(4) is not None


def test_another_background_colour_is_seen_at_once() -> None:
    memory = Memory()
    request = make_request(init_images=[Image.new("RGBA", (64, 64))], image_mask=None)
    for colour in ("#ffffff", "#ff0000"):
        request.options = Options(img2img_background_color=colour)
        assert look_ahead(request, memory, "picture").start.getpixel((5, 5)) == ImageColor.getrgb(colour)


@pytest.mark.parametrize(("side", "is_only_masked"), [(512, True), (1024, True), (4096, True), (4096, False)])
def test_a_look_is_quick(side: int, is_only_masked: bool) -> None:
    picture = Image.effect_noise((side, side), 60).convert("RGB")
    mask = Image.new("L", (side, side))
    mask.paste(255, (side // 4, side // 4, side // 2, side // 3))
    request = make_request(
        init_images=[picture], image_mask=mask, inpaint_full_res=is_only_masked, inpainting_fill="patchmatch", width=512, height=512
    )
    memory = Memory()
    look_ahead(request, memory, "picture", is_hasty=True)
    reference = Image.effect_noise((1024, 1024), 60).convert("RGB")
    unit_ms = min(duration_ms(lambda: reference.resize((512, 512), Image.Resampling.LANCZOS)) for _ in range(5))
    took_ms = min(duration_ms(lambda: look_ahead(request, memory, "picture", is_hasty=True)) for _ in range(3))
    area = "only masked" if is_only_masked else "whole"
    print(f"\nlook at {side} x {side}, {area}: {took_ms:.0f} ms (1024 px resized to 512 px: {unit_ms:.0f} ms)")
    assert took_ms < 24 * unit_ms


def duration_ms(work: Callable[[], object]) -> float:
    begun_s = time.thread_time()
    work()
    return (time.thread_time() - begun_s) * 1000
