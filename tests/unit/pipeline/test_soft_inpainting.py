"""The built-in extension: its formulas against plain loops, and what it does to a job."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from modules.backends.fake import FakeModel
from modules.engine.model import ModelKind
from modules.plugins.controls import read_controls
from modules.plugins.discovery import ScriptFile
from modules.plugins.loader import ROOT, load_module
from modules.plugins.runner import ScriptRunner
from tests.unit.pipeline.conftest import Run

FOLDER = ROOT / "extensions-builtin" / "soft-inpainting"
DEFAULTS = [1, 0.5, 4, 0, 0.5, 2]


@pytest.fixture(scope="module")
def soft() -> ModuleType:
    return load_module(ScriptFile(FOLDER / "scripts" / "soft_inpainting.py", FOLDER))


@pytest.fixture
def runner(soft: ModuleType) -> ScriptRunner:
    return ScriptRunner([], [soft.SoftInpainting()], {"Soft inpainting": [False, *DEFAULTS]})


@pytest.fixture
def painted() -> Image.Image:
    """A mask with a soft edge."""
    mask = Image.new("L", (128, 96))
    for level in range(8):
        ImageDraw.Draw(mask).ellipse((20 + 4 * level, 10 + 4 * level, 110 - 4 * level, 86 - 4 * level), fill=32 * level + 31)
    return mask


def arguments(runner: ScriptRunner, *values: Any) -> dict[str, Any]:
    return {"scripts": runner, "script_args": runner.assemble_args(None, [], {"soft inpainting": {"args": [True, *values]}})}


def filter_slowly(kernel: np.ndarray, values: np.ndarray, low: float, high: float) -> np.ndarray:
    """The same filter as the definition says it, cell by cell."""
    result, (height, width) = np.zeros_like(values), values.shape
    for row in range(height):
        for column in range(width):
            near = [(y, x) for y in range(row - 2, row + 3) for x in range(column - 2, column + 3) if 0 <= y < height and 0 <= x < width]
            stack = sorted((float(values[y, x]), float(kernel[y - row + 2, x - column + 2])) for y, x in near)
            total = sum(weight for _, weight in stack)
            first, last = total * low, total * high
            if last - first < 1:
                first, last = (first + last) / 2 - 0.5, (first + last) / 2 + 0.5
                first, last = (total - 1, total) if last > total else (first, last)
                first, last = (0, 1) if first < 0 else (first, last)
            bottom, parts = 0.0, []
            for value, weight in stack:
                parts.append((value, max(min(bottom + weight, last) - max(bottom, first), 0)))
                bottom += weight
            result[row, column] = sum(value * part for value, part in parts) / sum(part for _, part in parts)
    return result


@pytest.mark.parametrize("shape", [(7, 11), (1, 6), (2, 2), (1, 1)])
@pytest.mark.parametrize(("low", "high"), [(0.9, 1.0), (0.25, 0.75), (0.0, 0.05)])
def test_the_percentile_filter(soft: ModuleType, shape: tuple[int, int], low: float, high: float) -> None:
    values = np.random.default_rng(3).random(shape, dtype=np.float32) * 5
    assert np.allclose(soft.filter_percentile(values, low, high), filter_slowly(soft.make_kernel(), values, low, high), rtol=1e-6)


def test_the_kernel_falls_from_one_to_nothing(soft: ModuleType) -> None:
    kernel = soft.make_kernel()
    assert kernel[2, 2] == 1 and kernel.min() > 0 and (kernel == kernel.T).all()
    floor = np.exp(-9 / 2.25)
    assert kernel[2, 3] == pytest.approx((np.exp(-1 / 2.25) - floor) / (1 - floor))


def test_the_filter_is_quick_on_the_latents_of_a_large_picture(soft: ModuleType) -> None:
    values = np.random.default_rng(3).random((128, 128), dtype=np.float32)
    begun_s = time.process_time()
    soft.filter_percentile(values, 0.9, 1.0)
    assert time.process_time() - begun_s < 2


def test_blending_keeps_the_power_mean_of_magnitudes(soft: ModuleType) -> None:
    generator = torch.Generator().manual_seed(1)
    kept, new = torch.randn(2, 4, 5, 6, generator=generator), torch.randn(2, 4, 5, 6, generator=generator)
    share = torch.rand(5, 6, generator=generator)
    for contrast in (1, 4, 32):
        blended = soft.blend_latents(kept, new, share.repeat(4, 1, 1), contrast)
        lengths = [part[1, :, 2, 3].double().norm() for part in (kept, new, blended)]
        weight = share[2, 3].double()
        wanted = (lengths[0] ** contrast * (1 - weight) + lengths[1] ** contrast * weight) ** (1 / contrast)
        assert lengths[2] == pytest.approx(float(wanted), rel=1e-3) and blended.dtype == torch.float32
    assert torch.allclose(soft.blend_latents(kept, new, torch.zeros(4, 5, 6), 4), kept, atol=1e-4)
    assert torch.allclose(soft.blend_latents(kept, new, torch.ones(2, 4, 5, 6), 4), new, atol=1e-4)


def test_the_schedule_keeps_more_at_high_noise(soft: ModuleType) -> None:
    share = torch.tensor([0.0, 0.5, 1.0])
    settings = soft.Settings(bias=2, preservation=0.5)
    assert soft.schedule_mask(share, 3.0, settings).tolist() == pytest.approx([0, 0.5**4.5, 1])
    assert soft.schedule_mask(share, 665.0, soft.Settings()).tolist() == pytest.approx([0, 0, 1])
    assert soft.schedule_mask(share, 3.0, soft.Settings(preservation=0)).tolist() == [1, 1, 1]


def test_mask_and_threshold_say_how_much_change_shows(soft: ModuleType) -> None:
    share = torch.tensor([[0.0, 0.25, 1.0]]).repeat(4, 1, 1)
    assert soft.half_distance(share, soft.Settings()) == pytest.approx(0.5 * 0.5 / 0.50001)
    full = soft.half_distance(share, soft.Settings(influence=1, preservation=1, threshold=2))
    assert full[0] == pytest.approx([2 / 0.00001, 2 * 0.5 / 0.50001, 0], rel=0.05)


@pytest.mark.parametrize(("half", "shown"), [(1.0, 0), (0.0, 0)])
def test_where_nothing_changed_the_picture_stays(soft: ModuleType, half: float, shown: int) -> None:
    mask = soft.to_overlay_mask(np.zeros((4, 4), np.float32), np.full((4, 4), half, np.float32), 2, (32, 32))
    assert mask.mode == "L" and mask.getextrema() == (shown, shown)


def test_where_much_changed_the_result_shows(soft: ModuleType) -> None:
    change, half = np.full((4, 4), 50, np.float32), np.full((4, 4), 0.5, np.float32)
    assert soft.to_overlay_mask(change, half, 2, (32, 32)).getextrema() == (255, 255)
    assert soft.to_overlay_mask(half, half, 2, (32, 32)).getextrema() == (127, 127)
    assert soft.to_overlay_mask(change, half * 0, 2, (32, 32)).getextrema() == (255, 255)
    assert soft.to_overlay_mask(change, half, 0, (32, 32)).getextrema() == (127, 127)


def test_infotext_tells_the_settings_before_the_mask(run: Run, runner: ScriptRunner, painted: Image.Image) -> None:
    processed, _ = run(image_mask=painted, mask_blur=6, inpaint_full_res=False, inpainting_fill=1, **arguments(runner, 2, 1, 8))
    wanted = (
        "Denoising strength: 0.75, Soft inpainting enabled: True, "
        "Soft inpainting schedule bias: 2, Soft inpainting preservation strength: 1, "
        "Soft inpainting transition contrast boost: 8, Soft inpainting mask influence: 0, Soft inpainting difference threshold: 0.5, "
        "Soft inpainting difference contrast: 2, Mask blur: 6"
    )
    assert wanted in processed.infotexts[0]


@pytest.mark.parametrize("values", [DEFAULTS, [2, 1, 8, 0.5, 0.25, 4]])
@pytest.mark.parametrize("sampler", ["Euler a", "DDIM"])
@pytest.mark.parametrize(
    "fields",
    [
        {"inpaint_full_res": False, "batch_size": 2, "n_iter": 2},
        {"inpaint_full_res": True, "inpaint_full_res_padding": 8, "width": 64, "height": 104},
        {"inpaint_full_res": False, "resize_mode": 1, "width": 64, "height": 64},
        {"inpaint_full_res": False, "resize_mode": 2, "width": 72, "height": 64},
        {"inpaint_full_res": False, "resize_mode": 3},
        {"inpaint_full_res": False, "width": 132, "height": 101},
        {"inpaint_full_res": False, "inpainting_mask_invert": 1, "inpainting_fill": 2},
    ],
)
@pytest.mark.parametrize("kind", [ModelKind.BASE, ModelKind.INPAINT])
def test_outside_the_new_mask_nothing_changes(
    run: Run, runner: ScriptRunner, painted: Image.Image, fields: dict[str, Any], sampler: str, values: list[Any], kind: ModelKind
) -> None:
    asked = {"image_mask": painted, "inpainting_fill": 1, "mask_blur": 4, "sampler_name": sampler, **fields}
    options = {"return_mask": True}
    soft, _ = run(FakeModel(kind), override_settings=options, **asked, **arguments(runner, *values))
    hard, _ = run(FakeModel(kind), override_settings=options, **asked)
    assert not soft.notes and (soft.is_mask_replaced, hard.is_mask_replaced) == (True, False)
    count = fields.get("batch_size", 1) * fields.get("n_iter", 1)
    pictures, masks = soft.images[-2 * count :: 2], soft.images[-2 * count + 1 :: 2]
    assert len(pictures) == count and soft.changed_outside_mask in ([0] * count, [None] * count)
    assert np.any(np.asarray(pictures[0]) != np.asarray(hard.images[-2 * count]))
    if fields.get("width") != 132:  # there the mask has the size that was asked for, and the picture a multiple of 8
        assert all(mask.size == picture.size for mask, picture in zip(masks, pictures, strict=True)) and soft.changed_outside_mask[0] == 0
    if sampler == "Euler a":
        assert len({mask.tobytes() for mask in masks}) == count


@pytest.mark.parametrize("mode", ["off", "no mask", "blank mask"])
def test_it_does_nothing_unless_it_is_enabled_and_a_mask_is_used(run: Run, runner: ScriptRunner, painted: Image.Image, mode: str) -> None:
    masks = {"off": painted, "no mask": None, "blank mask": Image.new("L", painted.size)}
    plain, _ = run(image_mask=masks[mode])
    given = {"scripts": runner} if mode == "off" else arguments(runner)
    soft, _ = run(image_mask=masks[mode], **given)
    assert soft.images[0].tobytes() == plain.images[0].tobytes()
    assert "Soft" not in soft.infotexts[0] or mode == "blank mask"


def test_latent_resize_of_another_size_keeps_the_ordinary_overlay(run: Run, runner: ScriptRunner, painted: Image.Image) -> None:
    asked = {"image_mask": painted, "inpaint_full_res": False, "resize_mode": 3, "width": 64, "height": 64, "inpainting_fill": 1}
    soft, _ = run(override_settings={"return_mask": True}, **asked, **arguments(runner))
    hard, _ = run(override_settings={"return_mask": True}, **asked)
    assert soft.images[-1].tobytes() == hard.images[-1].tobytes() and not soft.notes


def test_without_overlays_of_ours_its_own_are_laid_over_all_the_same(run: Run, runner: ScriptRunner, painted: Image.Image) -> None:
    asked = {"image_mask": painted, "inpaint_full_res": False, "inpainting_fill": 1}
    with_ours, _ = run(**asked, **arguments(runner))
    without, _ = run(override_settings={"overlay_inpaint": False}, **asked, **arguments(runner))
    assert without.images[0].tobytes() == with_ours.images[0].tobytes() and without.changed_outside_mask == [0]


def test_a_job_does_not_see_the_overlays_of_the_one_before(run: Run, runner: ScriptRunner, painted: Image.Image) -> None:
    asked = {"image_mask": painted, "inpaint_full_res": False, "inpainting_fill": 1}
    before, _ = run(**asked)
    run(**asked, **arguments(runner))
    after, _ = run(**asked, scripts=runner)
    assert after.images[0].tobytes() == before.images[0].tobytes()


def test_values_that_were_cleared_on_the_page_are_the_defaults(soft: ModuleType) -> None:
    assert soft.read_settings((None, 2)) == soft.Settings(preservation=2)
    assert soft.read_settings(()) == soft.Settings()


@pytest.mark.parametrize(
    ("place", "given", "label", "used"),
    [
        (0, 1e9, "Schedule bias", 8),
        (1, -1, "Preservation strength", 0),
        (2, 0, "Transition contrast boost", 1),
        (2, 1e6, "Transition contrast boost", 32),
        (3, 2, "Mask influence", 1),
        (4, -0.5, "Difference threshold", 0),
        (5, float("inf"), "Difference contrast", 8),
        (5, float("nan"), "Difference contrast", 2),
        (0, "much", "Schedule bias", 1),
        (0, True, "Schedule bias", 1),
    ],
)
def test_values_out_of_range_are_brought_into_it_and_told(
    run: Run, runner: ScriptRunner, painted: Image.Image, place: int, given: Any, label: str, used: float
) -> None:
    asked = {"image_mask": painted, "inpaint_full_res": False, "inpainting_fill": 1, "n_iter": 2}
    values, taken = list(DEFAULTS), list(DEFAULTS)
    values[place], taken[place] = given, used
    wild, _ = run(**asked, **arguments(runner, *values))
    tame, _ = run(**asked, **arguments(runner, *taken))
    assert [image.tobytes() for image in wild.images] == [image.tobytes() for image in tame.images]
    assert wild.infotexts == tame.infotexts and tame.notes == []
    (note,) = wild.notes
    assert note.startswith(f"Soft inpainting: {label}: got {given!r}, wanted a number from ") and note.endswith(f"; {used} was used.")


def test_its_controls_are_a1111s(soft: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def accordion(*_: Any, **__: Any) -> Iterator[None]:
        yield

    def checkbox(value: bool, **named: Any) -> SimpleNamespace:
        return SimpleNamespace(value=value, **named)

    def slider(minimum: float, maximum: float, **named: Any) -> SimpleNamespace:
        return SimpleNamespace(minimum=minimum, maximum=maximum, **named)

    monkeypatch.setattr(soft, "gr", SimpleNamespace(Accordion=accordion, Checkbox=checkbox, Slider=slider))
    script = soft.SoftInpainting()
    controls = read_controls(script.ui(True))
    assert [control.value for control in controls] == [False, *DEFAULTS]
    assert [control.label for control in controls][:3] == ["Soft inpainting", "Schedule bias", "Preservation strength"]
    assert [(control.minimum, control.maximum, control.step) for control in controls[1:]] == [
        (0, 8, 0.1), (0, 8, 0.05), (1, 32, 0.5), (0, 1, 0.05), (0, 8, 0.25), (0, 8, 0.25),
    ]  # fmt: skip
    assert script.infotext_fields[1][1] == "Soft inpainting schedule bias" and len(script.paste_field_names) == 7
