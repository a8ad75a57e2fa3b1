"""What single nodes give, where no recorded picture shows it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from modules.base.errors import InvalidRequest, UnknownName
from modules.engine.comfyui.conditioning import CondPart
from modules.imaging.geometry import Box
from modules.pipeline.layers.decomposing import Decomposition, Part
from modules.pipeline.layers.document import LayerKind
from modules.pipeline.workflows.context import GraphInterrupted
from modules.pipeline.workflows.nodes import conditioning, files, images, latents, layers, masks, models, sampling
from modules.pipeline.workflows.nodes.resizing import resize, slerp
from modules.pipeline.workflows.values import (
    ClipValue,
    GuiderValue,
    Latent,
    LoraUse,
    ModelValue,
    NoiseValue,
    SamplerValue,
    UpscalerValue,
    VaeValue,
)
from tests.unit.pipeline.workflows.world import node_run

RUN = node_run()
RAMP = torch.arange(32.0).reshape(1, 4, 8, 1).expand(-1, -1, -1, 3) / 31


def as_file(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def test_colours_under_clear_pixels_and_palettes_are_kept() -> None:
    rgba = Image.new("RGBA", (5, 3), (10, 20, 30, 0))
    palette = Image.new("P", (5, 3))
    palette.putpalette([10, 20, 30, 1, 2, 3])
    grey = Image.new("LA", (5, 3), (7, 51))
    run = node_run(pictures={"a": rgba, "p": as_file(palette, format="PNG", transparency=0), "g": grey, "n": Image.new("RGB", (5, 3))})
    for name, colour, alpha in (("a", (10, 20, 30), 0), ("p", (10, 20, 30), 0), ("g", (7, 7, 7), 51)):
        picture, mask = files.load_image(run, name)
        assert picture.shape == (1, 3, 5, 3) and mask.shape == (1, 3, 5)
        assert torch.equal(picture[0, 0, 0], torch.tensor(colour) / 255) and torch.allclose(mask, torch.tensor(1 - alpha / 255))
        assert torch.allclose(files.load_image_mask(run, name, "alpha")[0], mask)
    assert files.load_image(run, "n")[1].shape == (1, 64, 64) and not files.load_image(run, "n")[1].any()
    assert files.load_image_mask(run, "n", "alpha")[0].shape == (1, 3, 5) and not files.load_image_mask(run, "n", "alpha")[0].any()


def test_deep_grey_is_divided_by_255_and_pictures_are_turned_upright() -> None:
    deep = Image.fromarray(np.array([[0, 255, 510, 65535]], np.uint16))
    turned = Image.new("RGB", (6, 2), (255, 0, 0))
    exif = turned.getexif()
    exif[0x0112] = 6
    run = node_run(pictures={"d": deep, "t": as_file(turned, format="PNG", exif=exif)})
    assert (files.load_image(run, "d")[0][0, 0, :, 0] * 255).tolist() == [0, 1, 2, 255]
    assert files.load_image(run, "t")[0].shape == (1, 6, 2, 3)


def test_frames_become_a_batch() -> None:
    frames = [Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (10, 20, 30)]
    run = node_run(pictures={"f": as_file(frames[0], format="WEBP", save_all=True, append_images=frames[1:], lossless=True)})
    picture, mask = files.load_image(run, "f")
    assert (picture[:, 0, 0, 0] * 255).round().tolist() == [10, 20, 30] and len(mask) == 3


def test_saved_values_are_cut_off_not_rounded() -> None:
    run = node_run()
    files.save_image(run, torch.tensor([0.0, 0.5, 0.9999, 1.2, -1.0]).reshape(1, 1, 5, 1).expand(-1, -1, -1, 3), "x")
    assert np.asarray(run.graph.saved["1"][0])[0, :, 0].tolist() == [0, 127, 254, 255, 0]  # type: ignore[attr-defined]
    files.preview_image(run, torch.zeros(2, 3, 3, 4))
    assert [picture.mode for picture in run.graph.saved["1"]] == ["RGBA"] * 2  # type: ignore[attr-defined]
    assert [saved.type for saved in run.saved] == ["output", "temp", "temp"]


def test_pictures_are_scaled_by_the_rules() -> None:
    picture = torch.rand(1, 30, 40, 3)
    assert images.scale(RUN, picture, "bilinear", 0, 0, "disabled")[0] is picture
    assert images.scale(RUN, picture, "area", 20, 0, "disabled")[0].shape == (1, 15, 20, 3)
    assert images.scale(RUN, picture, "bicubic", 0, 60, "center")[0].shape == (1, 60, 80, 3)
    assert images.scale_by(RUN, picture, "nearest-exact", 1.5)[0].shape == (1, 45, 60, 3)
    assert images.scale_to_total_pixels(RUN, picture, "nearest-exact", 0.01, 8)[0].shape == (1, 88, 120, 3)
    cut = images.scale(RUN, RAMP, "nearest-exact", 4, 4, "center")[0]
    assert torch.equal(cut, RAMP[:, :, 2:6])
    eight_bits = (np.clip(255 * picture[0].numpy(), 0, 255)).astype(np.uint8)
    wanted = np.asarray(Image.fromarray(eight_bits).resize((17, 11), Image.Resampling.LANCZOS)) / np.float32(255)
    assert np.array_equal(images.scale(RUN, picture, "lanczos", 17, 11, "disabled")[0][0], wanted)
    with pytest.raises(InvalidRequest):
        images.scale(RUN, picture, "area", 1, 100_000, "disabled")


def test_directions_turn_evenly_between_latents() -> None:
    one, other = torch.zeros(1, 4, 1, 1), torch.zeros(1, 4, 1, 1)
    one[:, 0], other[:, 1] = 1.0, 3.0
    half = slerp(one, other, torch.tensor(0.5))
    assert half[0, :2, 0, 0].tolist() == pytest.approx([2**0.5, 2**0.5]) and torch.equal(slerp(one, one, torch.tensor(0.3)), one)
    assert torch.allclose(slerp(one, -one, torch.tensor(0.25)), one * 0.5)
    values = torch.randn(2, 4, 6, 5)
    assert torch.allclose(resize(values, 5, 6, "bislerp"), values, atol=1e-6)
    assert resize(values, 12, 9, "bislerp").shape == (2, 4, 9, 12)


def test_pictures_are_laid_over_each_other() -> None:
    canvas, patch = torch.zeros(2, 4, 6, 3), torch.ones(1, 3, 3, 3)
    made = images.composite_masked(RUN, canvas, patch, 4, 2, False)[0]
    assert made.sum() == 2 * 4 * 3 and made[:, 2:, 4:].min() == 1
    half = images.composite_masked(RUN, canvas, patch, 0, 0, True, torch.full((1, 9, 9), 0.25))[0]
    assert torch.allclose(half, torch.tensor(0.25)) and half.shape == canvas.shape
    assert torch.equal(images.composite_masked(RUN, canvas, patch, 6, 0, False)[0], canvas)
    rgba = images.composite_masked(RUN, torch.zeros(1, 4, 6, 4), patch, 0, 0, False)[0]
    assert rgba.shape[-1] == 4 and rgba[0, 0, 0].tolist() == [1, 1, 1, 1]


def test_batches_of_pictures_are_joined_and_cut() -> None:
    joined = images.join(RUN, torch.zeros(1, 4, 4, 3), torch.ones(2, 8, 4, 4))[0]
    assert joined.shape == (3, 4, 4, 4) and joined[0, 0, 0].tolist() == [0, 0, 0, 1]
    assert images.crop(RUN, RAMP, 100, 2, 6, 9)[0].shape == (1, 1, 2, 3)
    assert images.take_from_batch(RUN, joined, 5, 4)[0].shape[0] == 1 and len(images.repeat_batch(RUN, joined, 3)[0]) == 9
    assert torch.equal(images.flip(RUN, RAMP, "x-axis: vertically")[0], RAMP.flip(1))
    quarter = images.rotate(RUN, RAMP, "90 degrees")[0]
    assert quarter.shape == (1, 8, 4, 3) and torch.equal(quarter[0, 0, -1], RAMP[0, 0, 0])
    assert (images.make_empty(RUN, 3, 2, 2, 0x0A14FF)[0][1, 1, 2] * 255).tolist() == [10, 20, 255]
    assert images.upscale_with_model(RUN, UpscalerValue("x"), RAMP)[0].shape == (1, 8, 16, 3)


def test_pictures_are_blurred_and_sharpened() -> None:
    flat, point = torch.full((1, 9, 9, 3), 0.5), torch.zeros(1, 9, 9, 3)
    point[:, 4, 4] = 1.0
    assert torch.allclose(images.blur(RUN, flat, 3, 1.0)[0], flat) and torch.allclose(images.sharpen(RUN, flat, 3, 1.0, 2.0)[0], flat)
    blurred = images.blur(RUN, point, 1, 1.0)[0][0, 3:6, 3:6, 0]
    side, corner = np.exp(-0.5), np.exp(-1.0)
    kernel = np.array([corner, side, corner, side, 1, side, corner, side, corner])
    assert blurred.flatten().tolist() == pytest.approx(kernel / kernel.sum())
    with pytest.raises(InvalidRequest):
        images.blur(RUN, RAMP, 4, 1.0)


def test_alpha_is_joined_and_split() -> None:
    joined = images.join_alpha(RUN, RAMP, torch.full((1, 2, 2), 0.25))[0]
    assert joined.shape[-1] == 4 and torch.allclose(joined[..., 3], torch.tensor(0.75))
    colours, mask = images.split_alpha(RUN, joined)
    assert torch.equal(colours, RAMP) and torch.allclose(mask, torch.tensor(0.25))
    assert not images.split_alpha(RUN, RAMP)[1].any()


@pytest.mark.parametrize(
    ("operation", "wanted"), [("multiply", 0.12), ("add", 0.9), ("subtract", 0.0), ("and", 0.0), ("or", 1.0), ("xor", 1.0)]
)
def test_masks_are_combined(operation: str, wanted: float) -> None:
    made = masks.composite(RUN, torch.full((1, 4, 4), 0.3 if operation == "add" else 0.2), torch.full((2, 2), 0.6), 3, 3, operation)[0]
    assert float(made[0, 3, 3]) == pytest.approx(wanted) and float(made[0, 2, 2]) == pytest.approx(0.3 if operation == "add" else 0.2)


def test_masks_are_cut_and_taken_from_pictures() -> None:
    mask = torch.rand(1, 8, 8)
    assert masks.crop(RUN, mask, 6, 5, 10, 10)[0].shape == (1, 3, 2)
    with pytest.raises(InvalidRequest):
        masks.crop(RUN, mask, 8, 0, 4, 4)
    assert torch.equal(masks.threshold(RUN, mask, 0.5)[0], (mask > 0.5).float())
    assert torch.equal(masks.from_image(RUN, RAMP, "green")[0], RAMP[..., 1])
    with pytest.raises(InvalidRequest, match="alpha"):
        masks.from_image(RUN, RAMP, "alpha")
    picture = torch.tensor([10, 20, 30]).expand(1, 2, 2, 3) / 255
    assert masks.from_color(RUN, picture, 0x0A141E)[0].min() == 1 and not masks.from_color(RUN, picture, 0x0A141F)[0].any()
    assert torch.equal(masks.invert(RUN, mask)[0], 1 - mask) and masks.make_solid(RUN, 0.3, 4, 2)[0].shape == (1, 2, 4)
    assert masks.grow(RUN, mask, 10_000, False)[0].unique().tolist() == [float(mask.max())]


def test_batches_of_latents_keep_their_places() -> None:
    latent = Latent(torch.arange(3.0).reshape(3, 1, 1, 1).expand(-1, 4, 8, 8), torch.arange(2.0).reshape(2, 1, 1, 1))
    taken = latents.take_from_batch(RUN, latent, 2, 5)[0]
    assert (
        taken.batch_index == (2,)
        and taken.samples[0, 0, 0, 0] == 2
        and taken.noise_mask is not None
        and taken.noise_mask.flatten().tolist() == [0]
    )
    again = latents.repeat_batch(RUN, taken, 3)[0]
    assert again.batch_index == (2, 3, 4) and len(again.samples) == 3 and again.noise_mask is not None and len(again.noise_mask) == 1
    many = latents.repeat_batch(RUN, latent, 2)[0]
    assert many.noise_mask is not None and many.noise_mask.flatten().tolist() == [0, 1] * 2 and many.batch_index is None
    joined = latents.join_batches(RUN, latent, Latent(torch.ones(1, 4, 4, 4)))[0]
    assert joined.batch_index == (0, 1, 2, 0) and joined.samples.shape == (4, 4, 8, 8)
    assert float(latents.blend(RUN, latent, latent, 0.25)[0].samples[2].mean()) == 2


def test_latents_change_size_and_place() -> None:
    latent = Latent(torch.randn(1, 4, 8, 16), torch.ones(1, 1, 5, 5))
    assert latents.upscale(RUN, latent, "bislerp", 0, 0, "disabled")[0] is latent
    assert latents.upscale(RUN, latent, "bilinear", 0, 128, "disabled")[0].samples.shape == (1, 4, 16, 32)
    small = latents.upscale(RUN, latent, "area", 16, 16, "center")[0]
    assert small.samples.shape == (1, 4, 8, 8) and small.noise_mask is latent.noise_mask
    assert latents.upscale_by(RUN, latent, "nearest-exact", 1.25)[0].samples.shape == (1, 4, 10, 20)
    assert torch.equal(latents.crop(RUN, latent, 64, 64, 1000, 0)[0].samples, latent.samples[..., 8:])
    assert torch.equal(latents.flip(RUN, latent, "y-axis: horizontally")[0].samples, latent.samples.flip(3))
    assert latents.rotate(RUN, latent, "270 degrees")[0].samples.shape == (1, 4, 16, 8)
    assert latents.make_empty(RUN, 70, 65, 2)[0].samples.shape == (2, 4, 8, 8)


def test_latents_are_laid_over_each_other_with_soft_borders() -> None:
    canvas, patch = Latent(torch.zeros(1, 4, 8, 8)), Latent(torch.ones(1, 4, 8, 4))
    hard = latents.composite(RUN, canvas, patch, 32, 0, 0)[0].samples
    assert hard[..., 4:].min() == 1 and hard[..., :4].max() == 0
    soft = latents.composite(RUN, canvas, patch, 32, 0, 16)[0].samples
    assert soft[0, 0, 3, 4:].tolist() == [0.5, 1, 1, 1] and soft[0, 0, 0, 5] == 1
    masked = latents.composite_masked(RUN, canvas, patch, 0, 0, True, torch.full((1, 3, 3), 0.5))[0]
    assert torch.allclose(masked.samples, torch.tensor(0.5))


def test_pictures_pass_through_the_vae_cut_to_whole_cells() -> None:
    vae = models.load_checkpoint(RUN, "a")[2]
    latent = latents.encode(RUN, torch.rand(2, 20, 35, 4), vae)[0]
    assert latent.samples.shape == (2, 4, 2, 4) and latents.decode(RUN, latent, vae)[0].shape == (2, 16, 32, 3)
    assert latents.encode(RUN, torch.rand(1, 16, 16, 3), VaeValue(file="v"))[0].samples.shape == (1, 4, 2, 2)
    mask = torch.zeros(1, 10, 10)
    masked = latents.set_noise_mask(RUN, latent, mask[0])[0].noise_mask
    assert masked is not None and masked.shape == (1, 1, 10, 10)
    with pytest.raises(GraphInterrupted):
        latents.encode(node_run(stops_at=0), torch.rand(1, 16, 16, 3), vae)


def test_models_are_named_with_what_is_done_to_them() -> None:
    model, clip, _ = models.load_checkpoint(RUN, "a")
    model, clip = models.load_lora(RUN, model, clip, "l", 0.5, 0.25)
    assert models.load_lora(RUN, model, clip, "m", 0, 0) == (model, clip)
    only = models.load_lora_model_only(RUN, model, "o", 0.75)[0]
    assert (
        only.loras == (LoraUse("l", 0.5, 0.25), LoraUse("o", 0.75, 0.0))
        and models.use_differential_diffusion(RUN, only, 0.5)[0].differential == 0.5
    )
    assert clip == ClipValue("a", (LoraUse("l", 0.5, 0.25),)) and conditioning.set_last_layer(RUN, clip, -2)[0].last_layer == -2
    run = node_run()
    merged = models.get_model(run, only).networks  # type: ignore[attr-defined]
    assert [(use.file, use.unet, use.te) for use in merged] == [("l", 0.5, 0.25), ("o", 0.75, 0.0)]
    assert models.get_model(run, ModelValue("a")).networks == ()  # type: ignore[attr-defined]


def test_conditioning_is_put_together() -> None:
    one, other = (CondPart(torch.ones(1, 77, 4)),), (CondPart(torch.full((1, 154, 4), 3.0)),)
    assert conditioning.combine(RUN, one, other)[0] == (*one, *other)
    assert conditioning.concat(RUN, one, other)[0][0].vectors.shape == (1, 231, 4)
    assert torch.allclose(conditioning.average(RUN, one, other, 0.75)[0][0].vectors, torch.tensor(1.5))
    mixed = conditioning.average(RUN, other, one, 0.5)[0][0].vectors
    assert mixed[0, 0, 0] == 2 and mixed[0, 100, 0] == 1.5
    area = conditioning.set_area(RUN, one, 64, 32, 16, 8, 0.5)[0][0]
    assert area.area is not None and (area.area.height, area.area.width, area.area.y, area.area.x, area.strength) == (4, 8, 1, 2, 0.5)
    share = conditioning.set_area_percentage(RUN, one, 0.5, 1.0, 0.25, 0.0, 1.0)[0][0].area
    assert share is not None and share.is_share and (share.width, share.x) == (0.5, 0.25)
    masked = conditioning.set_mask(RUN, one, torch.ones(1, 8, 8), 0.5, "mask bounds")[0][0]
    assert masked.mask_strength == 0.5 and masked.is_area_of_mask
    late = conditioning.set_timestep_range(RUN, one, 0.2, 0.6)[0][0]
    assert (late.start_percent, late.end_percent) == (0.2, 0.6) and conditioning.set_area_strength(RUN, one, 2.0)[0][0].strength == 2.0
    assert not conditioning.zero_out(RUN, one)[0][0].vectors.any()


def test_sigmas_are_split_and_turned_round() -> None:
    sigmas = torch.tensor([4.0, 2.0, 1.0, 0.5, 0.0])
    assert [part.tolist() for part in sampling.split_sigmas(RUN, sigmas, 2)] == [[4, 2, 1], [1, 0.5, 0]]
    assert [part.tolist() for part in sampling.split_sigmas_denoise(RUN, sigmas, 0.5)] == [[4, 2, 1], [1, 0.5, 0]]
    assert [len(part) for part in sampling.split_sigmas_denoise(RUN, sigmas, 0.0)] == [0, 1]
    assert sampling.flip_sigmas(RUN, sigmas)[0].tolist() == pytest.approx([0.0001, 0.5, 1, 2, 4])
    assert sampling.schedule_karras(RUN, 3, 10.0, 0.1, 7.0)[0].tolist() == pytest.approx(
        [10, ((10 ** (1 / 7) + 0.1 ** (1 / 7)) / 2) ** 7, 0.1, 0], rel=1e-4
    )
    assert sampling.schedule_exponential(RUN, 3, 10.0, 0.1)[0].tolist() == pytest.approx([10, 1, 0.1, 0])
    assert len(sampling.schedule(RUN, ModelValue("a"), "normal", 4, 0.5)[0]) == 5


def test_the_pieces_of_a_sampler_give_what_the_whole_does() -> None:
    model, text, latent = ModelValue("a"), (CondPart(torch.ones(1, 77, 16)),), Latent(torch.randn(1, 4, 8, 8), torch.ones(1, 1, 64, 64))
    whole = sampling.sample(RUN, model, 7, 4, 3.0, "euler", "karras", text, text, latent, 1.0)[0]
    sigmas = sampling.schedule(RUN, model, "karras", 4, 1.0)[0]
    custom = sampling.sample_custom(RUN, model, True, 7, 3.0, text, text, SamplerValue("euler"), sigmas, latent)
    advanced = sampling.sample_custom_advanced(
        RUN, NoiseValue(7), GuiderValue(model, text, text, 3.0), SamplerValue("euler"), sigmas, latent
    )
    parts = sampling.sample_advanced(RUN, model, "enable", 7, 4, 3.0, "euler", "karras", text, text, latent, 0, 2, "enable")[0]
    parts = sampling.sample_advanced(RUN, model, "disable", 0, 4, 3.0, "euler", "karras", text, text, parts, 2, 10_000, "disable")[0]
    for made in (custom[0], advanced[0]):
        assert torch.equal(made.samples, whole.samples) and made.noise_mask is latent.noise_mask
    assert torch.allclose(custom[1].samples, whole.samples, atol=1e-4) and parts.samples.shape == whole.samples.shape
    assert sampling.sample(RUN, model, 7, 4, 3.0, "euler", "karras", text, text, latent, 0.0)[0].samples.allclose(latent.samples)
    assert sampling.random_noise(RUN, 3) == (NoiseValue(3),) and sampling.disable_noise(RUN) == (NoiseValue(None),)
    with pytest.raises(GraphInterrupted):
        sampling.sample(node_run(stops_at=0), model, 7, 4, 3.0, "euler", "karras", text, text, latent, 1.0)


class Halves:
    """A decomposer: a disc over a plain ground."""

    name = "built-in"
    settings = ()

    def why_not(self) -> str:
        return ""

    def decompose(self, picture: np.ndarray, settings: Any, watch: Any) -> Decomposition:
        watch.tell(0.5, "subject")
        ground, disc = Image.new("RGBA", (64, 48), (0, 0, 255, 255)), Image.new("RGBA", (16, 16))
        ImageDraw.Draw(disc).rectangle((0, 0, 15, 15), (255, 0, 0, 255))
        return Decomposition((
            Part(LayerKind.BACKGROUND, "Ground", Box(0, 0, 64, 48), np.asarray(ground)),
            Part(LayerKind.SUBJECT, "Square", Box(8, 8, 16, 16), np.asarray(disc)),
        ))  # fmt: skip


def test_a_picture_is_taken_apart_changed_and_composed() -> None:
    run = node_run(made_of=Halves())
    apart = layers.decompose(run, torch.zeros(1, 48, 64, 3), "built-in", 4)[0]
    plain = layers.compose(run, apart)[0]
    assert plain.shape == (1, 48, 64, 3) and plain[0, 10, 10].tolist() == [1, 0, 0] and ("1", 50, 100) in run.graph.steps  # type: ignore[attr-defined]
    same: dict[str, Any] = {
        "is_visible": True, "move_x": 0.0, "move_y": 0.0, "scale": 1.0, "rotation_deg": 0.0, "opacity": 1.0,
        "hue_deg": 0.0, "saturation": 0.0, "lightness": 0.0,
    }  # fmt: skip
    assert torch.equal(layers.compose(run, layers.edit_layer(run, apart, "square", **same)[0])[0], plain)
    moved = layers.compose(run, layers.edit_layer(run, apart, "1", **same | {"move_x": 20.0, "opacity": 0.5})[0])[0]
    assert moved[0, 10, 10].tolist() == [0, 0, 1] and moved[0, 10, 30].tolist() == pytest.approx([0.5, 0, 0.5], abs=0.01)
    green = layers.edit_layer(run, apart, "Square", **same | {"hue_deg": 120.0})[0]
    assert layers.compose(run, green)[0][0, 10, 10].tolist() == [0, 1, 0]
    back = layers.edit_layer(run, green, "Square", **same | {"hue_deg": -120.0})[0]
    assert torch.equal(layers.compose(run, back)[0], plain)
    clear = layers.compose(run, layers.edit_layer(run, apart, "ground", **same | {"is_visible": False})[0])[0]
    assert clear.shape[-1] == 4 and clear[0, 40, 40, 3] == 0
    with pytest.raises(UnknownName, match="Square, Ground"):
        layers.edit_layer(run, apart, "3", **same)
