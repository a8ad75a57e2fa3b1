"""Soft shadows that something throws on a surface: found as smooth, grey darkening next to it of a surface that goes on beyond.

Light on a surface multiplies its colour, so in logarithms a shadow is a difference from what the surface would be without it. That is
estimated by a smooth fit to the surroundings which lets dark outliers go.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.imaging.layering.blend_mode import Light
from modules.imaging.layering.compositing import decode, encode

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_WORKING_PX = 320
_REACH = 0.7
"""How far from the caster a shadow is looked for, in square roots of the caster's area."""
_SURE = 0.10
"""Darkening, as a natural logarithm, that a shadow reaches next to its caster."""
_LEAST_PEAK = 0.12
_LEAST_AREA, _MOST_AREA = 0.02, 2.0
"""Of the caster's area."""
_LEAST_SURFACE = 0.6
_MOST_SURFACES, _LEAST_OF_A_SURFACE = 3, 0.12
_ROUGHEST, _CLEAN = 0.05, 0.015
_SAMPLES = 4000
_GRAINS_PX = (1.0, 2.5, 5.0)
"""How far the surface's grain is blurred away, the finest first that leaves smooth surfaces."""
_MOST_TINT = 0.35
_MOST_ABRUPT = 0.24
"""Of its peak: what ends darker than this is a dark thing, not a soft shadow."""
_HARDEST = 0.75
"""Of the steepest step that the blurred view can show."""
_DARKEST = 3


@dataclass(frozen=True)
class Shadow:
    """A shadow as a layer to multiply with.

    Attributes:
        pixels: (H, W, 4) uint8 RGBA: one colour, alpha = share of the light that is missing; it goes on below the caster.
        confidence: 0 to 1.
    """

    pixels: Pixels
    confidence: float


def find_shadow(rgb: Pixels, caster: Floats, others: Floats | None = None, light: Light = Light.SRGB) -> Shadow | None:
    """The shadow next to `caster`.

    Args:
        rgb: (H, W, 3) uint8.
        caster: (H, W) float32 alpha in [0, 1] of what throws it.
        others: The same of everything else that was lifted off, or None.
        light: In which layers are multiplied.

    Returns:
        None: there is none, or it cannot be told from what is simply dark there.
    """
    height, width = caster.shape
    scale = min(1.0, _WORKING_PX / max(height, width))
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    view = np.maximum(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), _DARKEST)
    body = cv2.resize(caster, size, interpolation=cv2.INTER_AREA)
    lifted = body if others is None else np.maximum(body, cv2.resize(others, size, interpolation=cv2.INTER_AREA))
    found = _find_darkening(np.log(np.maximum(decode(view, light), 1e-4)), body, lifted)
    if found is None:
        return None
    free = (caster if others is None else np.maximum(caster, others)) < 0.02
    missing = 1 - np.exp(-_at_full_size(rgb, free, found, light))
    alpha = np.floor(missing * 255 + 0.5).astype(np.uint8)
    color = encode((1 - found.tint).astype(np.float32), light)
    return Shadow(np.dstack([np.broadcast_to(color, (height, width, 3)), alpha]).astype(np.uint8), found.confidence)


def light_up(rgb: Pixels, shadow: Pixels, light: Light = Light.SRGB) -> Pixels:
    """The picture without a shadow: what multiplying with it gives the picture again."""
    alpha = shadow[..., 3:].astype(np.float32) / 255
    kept = 1 - alpha * (1 - decode(shadow[..., :3], light))
    lit = encode(np.minimum(decode(rgb, light) / np.maximum(kept, 1 / 255), 1), light)
    return np.where(shadow[..., 3:] > 0, lit, rgb).astype(np.uint8)


@dataclass(frozen=True)
class _Darkening:
    """A shadow at working size, in logarithms.

    Attributes:
        dark: (h, w) >= 0: of the strongest channel.
        tint: (3,) share of it in each channel, up to 1.
        surface: (h, w, 3): the surface without it.
        is_clean: Whether the surface has no grain, so that each pixel tells how dark it is.
    """

    dark: Floats
    tint: Floats
    surface: Floats
    strongest: float
    is_clean: bool
    confidence: float


def _at_full_size(rgb: Pixels, free: Flags, found: _Darkening, light: Light) -> Floats:
    """The darkening at the picture's size; on a clean surface as sharp as it is there, also close to the caster."""
    size = free.shape[::-1]
    coarse = np.clip(cv2.resize(found.dark, size, interpolation=cv2.INTER_LINEAR), 0, None)
    if not found.is_clean:
        return coarse
    top, left, bottom, right = _bounds(coarse > 0.004)
    part = slice(top, bottom), slice(left, right)
    surface = cv2.resize(found.surface, size, interpolation=cv2.INTER_LINEAR)[part]
    seen = np.log(np.maximum(decode(np.maximum(rgb[part], _DARKEST), light), 1e-4))
    known = free[part]
    sharp = _smooth((surface - seen).mean(axis=2) * found.strongest, known, 1.2)
    most = cv2.dilate(coarse[part], np.ones((15, 15), np.uint8))
    here = np.where(known & (coarse[part] > 0), np.clip(sharp, 0, 1.4 * most + 0.1), coarse[part])
    away = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5)
    share = np.where(known, 0, np.exp(-((away / 6) ** 2)))
    result = coarse.copy()
    result[part] = (1 - share) * here + share * np.clip(_smooth(here, known, 2.5), 0, None)
    return result


def _bounds(flags: Flags) -> tuple[int, int, int, int]:
    left, top, width, height = cv2.boundingRect(flags.astype(np.uint8))
    return top, left, top + height, left + width


def _find_darkening(logs: Floats, body: Floats, lifted: Floats) -> _Darkening | None:
    area = float((body > 0.5).sum())
    if area < 30 or area > 0.7 * body.size:
        return None
    free = cv2.dilate((lifted > 0.02).astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
    distance = cv2.distanceTransform((body < 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    reach = _REACH * np.sqrt(area)
    ring = free & (distance < 1.5 * reach)
    if ring.sum() < 200:
        return None
    for sigma in _GRAINS_PX:
        seen = _smooth(logs, free, sigma)
        fit = _fit_surfaces(seen, ring)
        if fit is not None:
            break
    else:
        return None
    surface, spread, share = fit
    change = seen - surface
    dark = -change.mean(axis=2)
    uneven = np.abs(change + dark[..., None]).max(axis=2)
    faintest = float(np.clip(1.5 * spread, 0.012, 0.05))
    fits = free & (distance < reach) & (uneven < _MOST_TINT * dark + 0.02)
    seeds = fits & (dark > max(_SURE, 3 * spread)) & (distance < 4 + 0.1 * np.sqrt(area))
    core = _touching(fits & (dark > faintest), seeds)
    if not _LEAST_AREA * area < core.sum() < _MOST_AREA * area:
        return None
    peak = float(np.percentile(dark[core], 95))
    if peak < max(_LEAST_PEAK, 4 * spread) or not _goes_on(logs, ring, core):
        return None
    abruptness = _abruptness(dark, core, free, peak)
    if abruptness > _MOST_ABRUPT or _hardness(dark, core, free, peak, sigma) > _HARDEST:
        return None
    rate = np.array([float((-change[..., channel][core] * dark[core]).sum() / (dark[core] ** 2).sum()) for channel in range(3)])
    strength = np.where(core, dark * rate.max() * np.clip(dark / faintest - 1, 0, 1), 0).astype(np.float32)
    confidence = share * min(1.0, peak / 0.3) ** 0.5 * (1 - abruptness)
    tint = np.clip(rate / rate.max(), 0, 1).astype(np.float32)
    is_clean = sigma == _GRAINS_PX[0] and spread < _CLEAN
    return _Darkening(_fill_below(strength, free), tint, surface, float(rate.max()), is_clean, float(np.clip(confidence, 0, 1)))


def _fit_surfaces(logs: Floats, ring: Flags) -> tuple[Floats, float, float] | None:
    """(the surfaces around the caster without the shadow, their roughness, the ring's share that they explain).

    A floor and a wall are two surfaces; each pixel belongs to the one that is near and of its colour.
    """
    rest = ring.copy()
    surfaces: list[Floats] = []
    members: list[Flags] = []
    spreads: list[float] = []
    whole = float(ring.sum())
    while len(surfaces) < _MOST_SURFACES and rest.sum() > _LEAST_OF_A_SURFACE * whole:
        surface, spread, belongs = _fit_surface(logs, rest)
        if belongs.sum() < _LEAST_OF_A_SURFACE * whole or spread > _ROUGHEST:
            break
        surfaces.append(surface)
        members.append(belongs)
        spreads.append(spread)
        rest &= ~belongs
    share = sum(float(belongs.sum()) for belongs in members) / whole
    if not surfaces or share < _LEAST_SURFACE:
        return None
    costs = []
    for surface, belongs in zip(surfaces, members, strict=True):
        change = logs - surface
        uneven = np.abs(change - change.mean(axis=2, keepdims=True)).max(axis=2)
        away = cv2.distanceTransform((~belongs).astype(np.uint8), cv2.DIST_L2, 5)
        costs.append(uneven / 0.05 + away / 12)
    choice = np.argmin(costs, axis=0)
    return np.choose(choice[..., None], surfaces).astype(np.float32), float(np.mean(spreads)), share


def _fit_surface(logs: Floats, ring: Flags) -> tuple[Floats, float, Flags]:
    """(smooth surface, its roughness, what belongs to it): quadratic in x and y; outliers are let go, dark ones sooner."""
    height, width = ring.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).astype(np.float64)
    step = max(int(ring.sum()) // _SAMPLES, 1)
    known, values = terms[ring][::step], logs[ring][::step].astype(np.float64)
    level = values.mean(axis=1)
    counts, edges = np.histogram(level, 24)
    most = float(edges[int(counts.argmax())] + edges[1] - edges[0])
    weights: NDArray[np.floating] = np.where(np.abs(level - most) < 0.25, 1.0, 0.05)
    spread = 0.1
    factors: NDArray[np.floating] = np.zeros((6, 3))
    for _ in range(10):
        weighted = known * weights[:, None]
        factors = np.linalg.solve(weighted.T @ known + 1e-6 * np.eye(6), weighted.T @ values)
        off: NDArray[np.floating] = _off(values - known @ factors)
        near = off[off < 3 * spread]
        spread = max(float(np.median(near)) if len(near) else spread, 0.005)
        weights = np.clip(1 - (off / (4 * spread)) ** 2, 0, 1) ** 2 + 1e-6
    belongs = np.zeros_like(ring)
    surface = (terms @ factors).astype(np.float32)
    belongs[ring] = _off((logs - surface)[ring]) < 4 * spread + 0.02
    return surface, spread, belongs


def _off(rest: NDArray[np.floating]) -> NDArray[np.floating]:
    """How far values lie off a surface, in the worst channel; darker ones count as farther."""
    return np.where(rest.mean(axis=1) < 0, 1.6, 1.0) * np.abs(rest).max(axis=1)


def _smooth(values: Floats, known: Flags, sigma: float) -> Floats:
    """Blurred over what is known only."""
    weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma)
    blurred = cv2.GaussianBlur(np.where(known[..., None] if values.ndim == 3 else known, values, 0).astype(np.float32), (0, 0), sigma)
    return blurred / np.maximum(weight[..., None] if values.ndim == 3 else weight, 1e-3)


def _touching(region: Flags, seeds: Flags) -> Flags:
    """The connected parts of a region that hold a seed."""
    _, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    return region & np.isin(labels, np.unique(labels[seeds]))


def _goes_on(logs: Floats, ring: Flags, core: Flags) -> bool:
    """Whether the surface has the same grain inside the shadow as around it."""
    detail = np.abs(logs - cv2.GaussianBlur(logs, (0, 0), 1.5)).mean(axis=2)
    inside, outside = (float(np.median(detail[where])) if where.any() else 0.0 for where in (core, ring & ~core))
    return inside < 0.012 or 0.3 * outside < inside < 3 * outside + 0.005


def _abruptness(dark: Floats, core: Flags, free: Flags, peak: float) -> float:
    """How dark a shadow still is where it ends (but not at the caster or the picture's border), as a share of its peak."""
    inner = cv2.erode(core.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) == 1
    open_ground = cv2.erode((free | core).astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1) == 1
    rim = core & ~inner & open_ground
    return float(dark[rim].mean()) / peak if rim.any() else 1.0


def _hardness(dark: Floats, core: Flags, free: Flags, peak: float, sigma: float) -> float:
    """How steep a shadow's rim is on open ground, as a share of how steep a step blurred by `sigma` is."""
    rim = core & (cv2.erode(free.astype(np.uint8), np.ones((7, 7), np.uint8), borderValue=1) == 1) & (np.abs(dark / peak - 0.5) < 0.2)
    if rim.sum() < 8:
        return 0.0
    slope = np.hypot(cv2.Sobel(dark, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(dark, cv2.CV_32F, 0, 1, scale=1 / 8))
    steepest = 0.85 * peak / np.sqrt(2 * np.pi * (sigma**2 + 0.5))
    return float(np.median(slope[rim])) / steepest


def _fill_below(dark: Floats, known: Flags) -> Floats:
    """The shadow goes on smoothly below what was lifted: near the outline as it is there, deep below evened out."""
    away = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5)
    near = _smooth(dark, known, 2.0)
    deep = np.where(known, dark, _smooth(dark, known, 12.0))
    for size in (16.0, 8.0, 4.0):
        deep = np.where(known, dark, cv2.GaussianBlur(deep.astype(np.float32), (0, 0), size))
    weight = np.exp(-((away / 4) ** 2))
    return np.clip(np.where(known, dark, weight * near + (1 - weight) * deep), 0, None).astype(np.float32)
