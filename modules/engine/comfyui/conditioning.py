"""Conditioning in parts: each has its place, its share of the run and its weight.

A model call's clean latents are the mean of those of all parts, weighted by strength and mask. The arithmetic is that of composed
energies (Du et al., "Reduce, Reuse, Recycle", ICML 2023, section 3) and of MultiDiffusion (Bar-Tal et al., ICML 2023, equation 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from modules.engine.comfyui.masking import repeat_to, resize_mask, spread_to
from modules.engine.comfyui.schedules import ComfyLevels
from modules.engine.model import ModelKind

_RAMP = 8
"""Latent cells over which an area without a mask fades in from its inner borders."""
_EMPTY_PICTURE = (0.8223, -0.6876, 0.6364, 0.1380)
"""What inpainting models are shown as the masked picture where there is none: grey, encoded and scaled."""


@dataclass(frozen=True)
class Area:
    """A rectangle of the latents: in cells, or as shares of their height and width."""

    height: float
    width: float
    y: float
    x: float
    is_share: bool = False

    def in_cells(self, rows: int, columns: int) -> Area:
        """The same with whole cells; shares are rounded, half to even, and at least one cell is left."""
        if not self.is_share:
            return self
        height, width = max(1, round(self.height * rows)), max(1, round(self.width * columns))
        return Area(height, width, round(self.y * rows), round(self.x * columns))

    def is_inside(self, other: Area) -> bool:
        return (
            self.y >= other.y
            and self.x >= other.x
            and self.y + self.height <= other.y + other.height
            and self.x + self.width <= other.x + other.width
        )


@dataclass(frozen=True)
class CondPart:
    """One text's conditioning and where it holds.

    Attributes:
        vectors: (1 or B, 77k, W) float32.
        strength: Weight.
        mask: (H, W) or (B, H, W), 1 = here; None = everywhere.
        mask_strength: Factor on the mask.
        area: What the model is shown; None = the whole.
        start_percent, end_percent: From which share of the denoising to which, 0 to 1.
        concat_latent: (1 or B, C, h, w) masked or original picture for the extra channels of inpainting and edit models, as the
            VAE gives it (not scaled); None = the run's own latents.
        concat_mask: (B, 1, H, W) or (B, H, W) for these channels; None = the run's noise mask.
        is_area_of_mask: Take for area what the mask's non-zero cells span.
    """

    vectors: Tensor
    strength: float = 1.0
    mask: Tensor | None = None
    mask_strength: float = 1.0
    area: Area | None = None
    start_percent: float = 0.0
    end_percent: float = 1.0
    concat_latent: Tensor | None = None
    concat_mask: Tensor | None = None
    is_area_of_mask: bool = False


def settle_parts(
    positive: Sequence[CondPart], negative: Sequence[CondPart], rows: int, columns: int
) -> tuple[list[CondPart], list[CondPart]]:
    """Areas in cells and masks of latent size; and each area of one side answered on the other.

    The answer is that part of the other side that holds there (the smallest whose area holds the whole of it), cut to the area and
    with its weight.
    """
    first = [_in_cells(part, rows, columns) for part in positive]
    second = [_in_cells(part, rows, columns) for part in negative]
    for parts, others in ((first, second), (second, first)):
        for part in parts:
            answer = _answer(part, others)
            if answer is not None:
                others.append(answer)
    return first, second


def _in_cells(part: CondPart, rows: int, columns: int) -> CondPart:
    area = None if part.area is None else part.area.in_cells(rows, columns)
    if part.mask is None:
        return replace(part, area=area)
    masks = resize_mask(part.mask, rows, columns)
    return replace(part, area=_span(masks) if part.is_area_of_mask else area, mask=masks)


def _span(masks: Tensor) -> Area:
    """The box of all cells that are not 0 in any of the masks (B, 1, h, w), 8 cells high and wide or more."""
    places = masks.abs().amax(dim=(0, 1)).nonzero()
    if not len(places):
        return Area(_RAMP, _RAMP, 0, 0)
    (top, left), (bottom, right) = places.amin(dim=0).tolist(), places.amax(dim=0).tolist()
    return Area(max(_RAMP, bottom - top + 1), max(_RAMP, right - left + 1), top, left)


def _answer(part: CondPart, others: Sequence[CondPart]) -> CondPart | None:
    """`part` with the vectors and channels of that one of `others` that holds in its area; None where there is one already."""
    if part.area is None:
        return None
    best: CondPart | None = None
    for other in others:
        if other.area is None:
            best = best or other
        elif part.area.is_inside(other.area) and (best is None or best.area is None or _size(other.area) < _size(best.area)):
            best = other
    if best is None or best.area == part.area:
        return None
    return replace(part, vectors=best.vectors, concat_latent=best.concat_latent, concat_mask=best.concat_mask)


def _size(area: Area) -> float:
    return area.height * area.width


def is_active(part: CondPart, sigma: float, levels: ComfyLevels) -> bool:
    """Whether the part holds at a noise level."""
    return levels.sigma_of_share(part.end_percent) <= sigma <= levels.sigma_of_share(part.start_percent)


@dataclass(frozen=True)
class Place:
    """Where in the latents a part is, and how much it counts there.

    Attributes:
        rows, columns: Of the latents.
        weight: (B, 1, rows, columns).
    """

    rows: slice
    columns: slice
    weight: Tensor


def place(part: CondPart, x: Tensor) -> Place:
    """Find a settled part's place in latents (B, C, h, w)."""
    count, (height, width) = len(x), x.shape[-2:]
    area = part.area or Area(height, width, 0, 0)
    top, left = int(area.y), int(area.x)
    rows = slice(top, max(top, min(top + int(area.height), height)))
    columns = slice(left, max(left, min(left + int(area.width), width)))
    if part.mask is not None:
        weight = repeat_to(part.mask.to(x)[:count], count)[:, :, rows, columns] * part.mask_strength * part.strength
        return Place(rows, columns, weight)
    weight = x.new_full((count, 1, rows.stop - rows.start, columns.stop - columns.start), part.strength)
    if part.area is not None:
        weight = weight * _ramp(rows, height).to(x)[:, None] * _ramp(columns, width).to(x)
    return Place(rows, columns, weight)


def _ramp(span: slice, whole: int) -> Tensor:
    """(n,) weights along one axis of an area: rising linearly from those of its ends that are not the picture's."""
    size = span.stop - span.start
    steps = min(_RAMP, size // 4)
    weights = torch.ones(size)
    rise = torch.arange(1, steps + 1) / max(steps, 1)
    if span.start > 0:
        weights[:steps] *= rise
    if span.stop < whole:
        weights[size - steps :] *= rise.flip(0)
    return weights


def make_concat(kind: ModelKind, part: CondPart, latent: Tensor, noise_mask: Tensor | None, scale_factor: float) -> Tensor | None:
    """The extra channels that inpainting and edit models are given beside the latents.

    Args:
        kind: Of the model.
        part: Whose `concat_latent` and `concat_mask` are used, where it has any.
        latent: (B, C, h, w) scaled start latents of the run.
        noise_mask: (B or 1, 1, h, w) of the run, or None.
        scale_factor: Of the model.

    Returns:
        (B, 1 + C, h, w) mask and masked picture, (B, C, h, w) picture for edit models, None for base models.
    """
    if kind is ModelKind.BASE:
        return None
    given = None if part.concat_latent is None else _resize(part.concat_latent.to(latent), latent)
    if kind is ModelKind.EDIT:
        return torch.zeros_like(latent) if given is None else given
    mask = part.concat_mask if part.concat_mask is not None else noise_mask
    if mask is None:
        blank = latent.new_tensor(_EMPTY_PICTURE).view(1, -1, 1, 1).expand(len(latent), -1, *latent.shape[-2:])
        return torch.cat([torch.ones_like(latent[:, :1]), blank], dim=1)
    cells = _resize(mask.to(latent).reshape(-1, 1, *mask.shape[-2:]), latent).round()
    return torch.cat([cells, latent if given is None else given * scale_factor], dim=1)


def _resize(values: Tensor, latent: Tensor) -> Tensor:
    """To the size and number of the latents: what exceeds their aspect is cut off on both sides, the rest is resized bilinearly.

    Fewer than the latents are spread over them in order: two over four is 0, 0, 1, 1.
    """
    (height, width), (rows, columns) = values.shape[-2:], latent.shape[-2:]
    if (height, width) != (rows, columns):
        aspect, wanted = width / height, columns / rows
        left = round((width - width * (wanted / aspect)) / 2) if aspect > wanted else 0
        top = round((height - height * (aspect / wanted)) / 2) if aspect < wanted else 0
        values = values[..., top : height - top, left : width - left]
        values = interpolate(values, size=(rows, columns), mode="bilinear", align_corners=False)
    return spread_to(values, len(latent))
