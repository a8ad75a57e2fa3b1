"""Soft inpainting: grey values of the mask say how much of the picture may change, and what did change decides where the result shows.

In the loop, latents are blended along the mask without losing contrast; afterwards the mask of the overlay is made anew for every picture,
from how far its latents moved. The numbers are those of the extension of this name in AUTOMATIC1111 1.10: same seed, same picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps

from modules import images, scripts

TITLE = "Soft inpainting"
KERNEL_RADIUS = 2
KERNEL_SPREAD = 1.5
PERCENTILES = ((0.9, 1.0), (0.25, 0.75))
LEAST_WINDOW = 1.0
OVERLAY_BLUR_PX = 4
FILL, CROP, LATENT_UPSCALE = 2, 1, 3


@dataclass(frozen=True)
class Settings:
    """The sliders.

    Attributes:
        bias: Exponent of the noise level in the blending schedule: above 1, content is kept in early steps; below, in late ones.
        preservation: Strength of that schedule: 0 keeps nothing of half-masked content.
        contrast: How strongly blended latents lean to the one with more contrast; 1 = not at all.
        influence: How much the mask counts in the overlay, 0 to 1, beside what changed.
        threshold: Change of a latent, in its own units, that half shows the result.
        sharpness: How abruptly the overlay goes over from picture to result there.
    """

    bias: float = 1
    preservation: float = 0.5
    contrast: float = 4
    influence: float = 0
    threshold: float = 0.5
    sharpness: float = 2


@dataclass(frozen=True)
class Slider:
    """A setting on the page and in infotext.

    Attributes:
        field: Of `Settings`.
        label: On the page and over the API.
        key: In infotext.
    """

    field: str
    label: str
    key: str
    minimum: float
    maximum: float
    step: float


SLIDERS = (
    Slider("bias", "Schedule bias", "Soft inpainting schedule bias", 0, 8, 0.1),
    Slider("preservation", "Preservation strength", "Soft inpainting preservation strength", 0, 8, 0.05),
    Slider("contrast", "Transition contrast boost", "Soft inpainting transition contrast boost", 1, 32, 0.5),
    Slider("influence", "Mask influence", "Soft inpainting mask influence", 0, 1, 0.05),
    Slider("threshold", "Difference threshold", "Soft inpainting difference threshold", 0, 8, 0.25),
    Slider("sharpness", "Difference contrast", "Soft inpainting difference contrast", 0, 8, 0.25),
)
ENABLED_KEY = "Soft inpainting enabled"


class SoftInpainting(scripts.Script):
    """The script: an accordion on the page, and hooks that do nothing unless it is enabled and a mask is used."""

    def __init__(self) -> None:
        self._overlays: list[tuple[Image.Image, Image.Image]] = []

    def title(self) -> str:
        return TITLE

    def show(self, is_img2img: bool) -> Any:
        return scripts.AlwaysVisible if is_img2img else False

    def ui(self, is_img2img: bool) -> list[Any]:
        with gr.Accordion(TITLE, open=False, elem_id=self.elem_id("accordion")):
            enabled = gr.Checkbox(False, label=TITLE, elem_id=self.elem_id("enabled"))
            sliders = [
                gr.Slider(
                    slider.minimum, slider.maximum, value=getattr(Settings, slider.field), step=slider.step, label=slider.label,
                    elem_id=self.elem_id(slider.field),
                )
                for slider in SLIDERS
            ]  # fmt: skip
        keys = [slider.key for slider in SLIDERS]
        self.infotext_fields = [(enabled, ENABLED_KEY), *zip(sliders, keys, strict=True)]
        self.paste_field_names = [ENABLED_KEY, *keys]
        return [enabled, *sliders]

    def process(self, p: Any, enabled: bool = False, *values: float) -> None:
        self._overlays = []
        if not enabled or not uses_mask(p):
            return
        p.mask_round = False
        settings = read_settings(values)
        p.notes += [note for note in describe_changed(values) if note not in p.notes]
        p.extra_generation_params[ENABLED_KEY] = True
        p.extra_generation_params |= {slider.key: getattr(settings, slider.field) for slider in SLIDERS}

    def on_mask_blend(self, p: Any, mba: Any, enabled: bool = False, *values: float) -> None:
        if not enabled or not uses_mask(p):
            return
        if mba.is_final_blend:
            mba.blended_latent = mba.current_latent
        else:
            settings = read_settings(values)
            repaint = schedule_mask(mba.nmask, float(mba.sigma[0]), settings)
            mba.blended_latent = blend_latents(mba.init_latent, mba.current_latent, repaint, settings.contrast)

    def post_sample(self, p: Any, ps: Any, enabled: bool = False, *values: float) -> None:
        self._overlays = []
        if not enabled or p.nmask is None:
            return
        settings = read_settings(values)
        originals = [fit_original(p, picture) for picture in p.init_images]
        originals = originals * len(ps.samples) if len(originals) == 1 else originals
        changes = torch.linalg.vector_norm(ps.samples - p.init_latent[: len(ps.samples)], dim=1).float().cpu().numpy()
        half = half_distance(p.nmask, settings)
        masks = [to_overlay_mask(change, half, settings.sharpness, (p.width, p.height)) for change in changes]
        if p.paste_to is not None:
            masks = [uncrop(mask, original.size, p.paste_to) for mask, original in zip(masks, originals, strict=True)]
        elif any(mask.size != original.size for mask, original in zip(masks, originals, strict=True)):
            return  # with "just resize (latent upscale)" the picture keeps its size: the ordinary overlay stays, as in A1111
        self._overlays = [(mask, punch(original, mask)) for mask, original in zip(masks, originals, strict=True)]

    def postprocess_maskoverlay(self, p: Any, ppmo: Any, enabled: bool = False, *values: float) -> None:
        if enabled and ppmo.index < len(self._overlays):
            ppmo.mask_for_overlay, ppmo.overlay_image = self._overlays[ppmo.index]


def uses_mask(p: Any) -> bool:
    """Whether a job has a mask, from its request or put there by a script."""
    return any(getattr(p, name, None) is not None for name in ("image_mask", "mask", "nmask"))


def read_settings(values: tuple[Any, ...]) -> Settings:
    """Settings from control values: within their sliders' ranges, beyond which the formulas divide by 0 or leave the numbers.

    Values that are missing, None, or no number keep their defaults.
    """
    given = zip(SLIDERS, values, strict=False)
    return Settings(**{slider.field: min(max(value, slider.minimum), slider.maximum) for slider, value in given if is_number(value)})


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def describe_changed(values: tuple[Any, ...]) -> list[str]:
    """One sentence for each value that is not used as it came."""
    used = read_settings(values)
    changed = [
        (slider, value, getattr(used, slider.field))
        for slider, value in zip(SLIDERS, values, strict=False)
        if value is not None and (not is_number(value) or value != getattr(used, slider.field))
    ]
    return [
        f"{TITLE}: {slider.label}: got {repr(value)[:40]}, "
        f"wanted a number from {slider.minimum:g} to {slider.maximum:g}; {taken:g} was used."
        for slider, value, taken in changed
    ]


def schedule_mask(repaint: torch.Tensor, level: float, settings: Settings) -> torch.Tensor:
    """The mask as it counts at one noise level.

    Args:
        repaint: 1 = repaint, any shape.
        level: Sigma; the timestep for timestep samplers.
    """
    return torch.pow(repaint, level**settings.bias * settings.preservation)


def blend_latents(kept: torch.Tensor, new: torch.Tensor, repaint: torch.Tensor, contrast: float) -> torch.Tensor:
    """Blend two latents linearly, then give every cell the power mean of both magnitudes, so that blends do not go grey.

    Args:
        kept, new: (B, C, h, w) float32.
        repaint: (C, h, w) or (B, C, h, w) in [0, 1], how much of `new`; magnitudes are weighted by its first channel.
        contrast: Exponent of the power mean.
    """
    repaint = repaint if repaint.ndim == 4 else repaint[None]
    linear = kept * (1 - repaint) + new * repaint
    weight = repaint[:, :1]
    # Doubles, since the exponent may be 32.
    wanted = (_magnitude(kept) ** contrast * (1 - weight) + _magnitude(new) ** contrast * weight) ** (1 / contrast)
    return linear * (wanted / (_magnitude(linear) + 1e-5)).to(linear.dtype)


def _magnitude(latent: torch.Tensor) -> torch.Tensor:
    """(B, 1, h, w) float64."""
    return torch.linalg.vector_norm(latent, dim=1, keepdim=True).double()


def half_distance(repaint: torch.Tensor, settings: Settings) -> np.ndarray:
    """(h, w) float32: the change at which picture and result show half each.

    Args:
        repaint: (C, h, w), 1 = repaint.
    """
    kept = 1 - repaint[0].float().clamp(0, 1) ** (settings.preservation / 2)
    mixed = 0.5 * (1 - settings.influence) + kept * settings.influence
    return (settings.threshold * (mixed / (1.00001 - mixed))).cpu().numpy()


def to_overlay_mask(change: np.ndarray, half: np.ndarray, sharpness: float, size: tuple[int, int]) -> Image.Image:
    """A mask, white = the result shows, from how far latents moved.

    Args:
        change: (h, w) float32, 0 or more.
        half: (h, w) float32, from `half_distance`.
        sharpness: Exponent; 0 gives an even grey.
        size: Wanted (width, height) in px.

    Returns:
        Mode L.
    """
    for low, high in PERCENTILES:
        change = filter_percentile(change, low, high)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        stays = 1 / (1 + (change / half) ** sharpness)
    stays = stays * stays * stays * (stays * (stays * 6 - 15) + 10)  # Perlin, "Improving Noise", SIGGRAPH 2002
    # 0 / 0: nothing changed, and no change is asked for.
    shows = np.nan_to_num(255 * (1 - stays), nan=0.0).astype(np.uint8)
    resized = images.resize_image(FILL, Image.fromarray(shows), *size).convert("L")
    return resized.filter(ImageFilter.GaussianBlur(OVERLAY_BLUR_PX))


def make_kernel() -> np.ndarray:
    """(5, 5) float64: a Gaussian brought down to 0 one cell beyond the radius, 1 in the middle."""
    offsets = np.arange(-KERNEL_RADIUS, KERNEL_RADIUS + 1)
    squares = offsets[:, None] ** 2 + offsets[None] ** 2
    floor = np.exp(-((KERNEL_RADIUS + 1) ** 2) / KERNEL_SPREAD**2)
    return np.maximum((np.exp(-squares / KERNEL_SPREAD**2) - floor) / (1 - floor), 0)


def filter_percentile(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Replace every cell by a weighted mean of the middle of its surroundings.

    The cells around are sorted by value and stacked by weight; of the stack, the part from `low` to `high` is averaged, widened to
    `LEAST_WINDOW` where it is thinner. Cells beyond the border do not count.

    Args:
        values: (h, w) float32.
        low, high: 0 to 1.

    Returns:
        (h, w) float32.
    """
    side = 2 * KERNEL_RADIUS + 1
    around = _windows(values.astype(np.float64), side)
    weights = _windows(np.ones(values.shape), side) * make_kernel().ravel()
    order = np.argsort(around, axis=-1, kind="stable")
    around, weights = np.take_along_axis(around, order, -1), np.take_along_axis(weights, order, -1)
    top = np.cumsum(weights, axis=-1)
    bottom, total = top - weights, top[..., -1:]
    first, last = _widen(total * low, total * high, total)
    share = np.clip(np.minimum(top, last) - np.maximum(bottom, first), 0, None)
    return ((around * share).sum(-1) / share.sum(-1)).astype(np.float32)


def _windows(values: np.ndarray, side: int) -> np.ndarray:
    """(h, w) to (h, w, side * side): the cells around each, 0 beyond the border."""
    padded = np.pad(values, side // 2)
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side)).reshape(*values.shape, side * side)


def _widen(first: np.ndarray, last: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of a stretch of the stack, at least `LEAST_WINDOW` apart, shifted to lie between 0 and `total`."""
    is_thin = last - first < LEAST_WINDOW
    middle = (first + last) / 2
    start = np.maximum(np.minimum(middle - LEAST_WINDOW / 2, total - LEAST_WINDOW), 0)
    return np.where(is_thin, start, first), np.where(is_thin, start + LEAST_WINDOW, last)


def fit_original(p: Any, picture: Image.Image) -> Image.Image:
    """The start picture as the result is laid into it."""
    flat = images.flatten(picture, p.options.img2img_background_color)
    keeps_size = p.paste_to is not None or p.resize_mode == LATENT_UPSCALE
    return flat if keeps_size else images.resize_image(p.resize_mode, flat, p.width, p.height)


def uncrop(mask: Image.Image, size: tuple[int, int], paste_to: tuple[int, int, int, int]) -> Image.Image:
    """The mask of a crop, on the whole picture; black around."""
    x, y, width, height = paste_to
    whole = Image.new("L", size)
    whole.paste(images.resize_image(CROP, mask, width, height).convert("L"), (x, y))
    return whole


def punch(original: Image.Image, mask: Image.Image) -> Image.Image:
    """RGBA: `original`, transparent where the mask is white."""
    held = Image.new("RGBa", original.size)
    held.paste(original.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask))
    return held.convert("RGBA")
