"""Outpainting as a job: the start picture on a larger canvas, filled and painted crop by crop, nothing deep inside it touched."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.compose import count_changed
from modules.imaging.fills import MaskedContent, fill_from_edges, fill_neutral, fill_patchmatch
from modules.imaging.geometry import Box, Extent
from modules.imaging.outpaint_crops import Crop, Strip, lay, plan_strips, weigh
from modules.imaging.outpainting import Outpaint, extend_picture
from modules.imaging.picture import MAX_PIXELS, flatten
from modules.imaging.seams import score_seam
from modules.pipeline.plan import check_request, resolve_seed
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.settings.options import Options

if TYPE_CHECKING:
    from modules.pipeline.processed import Processed

RunCrop = Callable[[StableDiffusionProcessingImg2Img], "Processed"]
ORIGINAL, STRETCH = 1, 0
CROP_SEED_STEP = 1_000_003
"""Crops of one picture have noise of their own: the same one would show as a pattern that repeats."""
SEEDS = 2**32
OUTPAINT_KEY = "Outpaint"
"""Infotext's key for the margins."""
MASK_UNUSED = "The mask was left aside: while the frame is drawn outwards, only the new area is painted."


@dataclass
class Outpainted:
    """What was made: one entry a picture.

    Attributes:
        first: The request of the first crop of each picture, run: it knows seeds, prompts and plan.
        pictures: RGB, or RGBA where transparency was to be kept.
        infotexts: Those of the first crops.
        changed: Pixels of the start picture that changed beyond the overlap.
        seams: How visible the edge of the overlap is.
    """

    first: list[StableDiffusionProcessingImg2Img] = field(default_factory=list)
    pictures: list[Image.Image] = field(default_factory=list)
    infotexts: list[str] = field(default_factory=list)
    changed: list[int | None] = field(default_factory=list)
    seams: list[float | None] = field(default_factory=list)


def read_outpaint(p: StableDiffusionProcessingImg2Img) -> Outpaint | None:
    """How far the frame of a request's picture is drawn outwards.

    Raises:
        InvalidRequest: It cannot be used, or the picture would become too large.
    """
    wanted = Outpaint.parse(p.outpaint)
    if wanted is not None and p.init_images:
        width, height = wanted.margins.canvas(Extent(*p.init_images[0].size)).size
        if width * height > MAX_PIXELS:
            raise InvalidRequest("outpaint", f"a picture of {width}x{height}", f"at most {MAX_PIXELS // 1_000_000} megapixels")
    return wanted


def frame_wider(p: StableDiffusionProcessingImg2Img, options: Options) -> StableDiffusionProcessingImg2Img:
    """The request as ordinary masked work on the larger canvas: what its result is laid into, and where that may differ.

    Args:
        p: Not changed; itself where the frame stays.
        options: Those in force; the request's own count.
    """
    wanted = read_outpaint(p)
    if wanted is None:
        return p
    canvas = Canvas(p, wanted, options.coerced(p.override_settings))
    return _changed(
        p,
        outpaint=None,
        init_images=[canvas.start],
        image_mask=canvas.mask,
        latent_mask=None,
        mask_round=False,
        mask_blur=0,
        inpainting_mask_invert=0,
        inpaint_full_res=True,
        crop_region=None,
        resize_mode=STRETCH,
        kept_alpha=None if p.kept_alpha is None else canvas.alpha(p.kept_alpha),
    )


class Canvas:
    """The larger canvas of a request.

    Attributes:
        place: Of the start picture.
        start: RGB: the picture, and the colours of its edges around it.
        mask: L, same size: how much of each pixel may be new; 0 = kept bit for bit.
    """

    def __init__(self, p: StableDiffusionProcessingImg2Img, wanted: Outpaint, options: Options) -> None:
        picture = p.init_images[0]
        flat = picture if picture.mode == "RGB" else flatten(picture, options.img2img_background_color)
        self.wanted, self.place = wanted, wanted.margins.place(Extent(*flat.size))
        self.start = extend_picture(flat, wanted.margins)
        self.profile = picture.info.get("icc_profile")
        self.known = np.zeros((self.start.height, self.start.width), bool)
        left, top, right, bottom = self.place.edges
        self.known[top:bottom, left:right] = True
        weight = weigh(~self.known, self.known, wanted.overlap_px)
        self.mask = Image.fromarray(np.ceil(weight * 255).astype(np.uint8))

    def alpha(self, alpha: Image.Image) -> Image.Image:
        """A picture's alpha on the canvas: what is new is opaque."""
        wider = Image.new("L", self.start.size, 255)
        wider.paste(alpha.resize(self.place.extent.size), self.place.edges[:2])
        return wider

    def finish(self, pixels: np.ndarray, alpha: Image.Image | None) -> Image.Image:
        """The picture that a person gets: its old transparency and colour profile with it."""
        picture = Image.fromarray(pixels)
        if alpha is not None:
            picture.putalpha(self.alpha(alpha))
        if self.profile is not None:
            picture.info["icc_profile"] = self.profile
        return picture


def outpaint(p: StableDiffusionProcessingImg2Img, wanted: Outpaint, run: RunCrop) -> Outpainted:
    """Paint what lies around the start picture, for each picture that is asked for.

    Args:
        p: Its context, options and scripts are set.
        run: Runs the request of one crop, the ordinary way; gives the finished crop.

    Raises:
        InvalidRequest: A field cannot be used.
    """
    if p.context is None:
        raise RuntimeError("process_images gives p its context")
    check_request(p)
    if len(p.init_images) > 1:
        raise InvalidRequest("init_images", f"{len(p.init_images)} pictures", "one, with outpaint")
    if p.image_mask is not None:
        p.notes.append(MASK_UNUSED)
    canvas = Canvas(p, wanted, p.options)
    strips = plan_strips(canvas.place, Extent(*canvas.start.size), Extent(int(p.width), int(p.height)))
    count, seed, subseed = p.batch_size * p.n_iter, resolve_seed(p.seed), resolve_seed(p.subseed)
    p.context.expect(count * sum(len(strip.crops) for strip in strips))
    made = Outpainted()
    for number in range(count):
        if p.context.is_interrupted():
            break
        moves = p.subseed_strength == 0
        painter = Painter(p, canvas, run, seed + number * moves, subseed + number)
        pixels = painter.paint(strips)
        if painter.first is not None:
            _keep(p, canvas, made, painter, pixels)
    return made


def _keep(p: StableDiffusionProcessingImg2Img, canvas: Canvas, made: Outpainted, painter: Painter, pixels: np.ndarray) -> None:
    picture = Image.fromarray(pixels)
    made.first.append(painter.first)  # type: ignore[arg-type]
    made.infotexts.append(painter.infotext)
    made.changed.append(count_changed(canvas.start, picture, canvas.mask))
    made.seams.append(score_seam(picture, canvas.mask))
    made.pictures.append(canvas.finish(pixels, p.kept_alpha))


class Painter:
    """Paints one picture.

    Attributes:
        first: The request of the first crop, run; None before that.
        infotext: That crop's.
    """

    def __init__(self, p: StableDiffusionProcessingImg2Img, canvas: Canvas, run: RunCrop, seed: int, subseed: int) -> None:
        self._p, self._canvas, self._run, self._seed, self._subseed = p, canvas, run, seed, subseed
        self._pixels, self._known = np.array(canvas.start), canvas.known.copy()
        self._count = 0
        self.first: StableDiffusionProcessingImg2Img | None = None
        self.infotext = ""

    def paint(self, strips: list[Strip]) -> np.ndarray:
        """(h, w, 3) uint8: the canvas, all strips painted; in what an interruption left over, colours of the edges go on."""
        for strip in strips:
            if self._is_stopped():
                break
            self._fill(strip)
            before = self._known.copy()
            for crop in strip.crops:
                if not self._is_stopped():
                    self._paint_crop(crop, before)
        return self._pixels

    def _is_stopped(self) -> bool:
        return self._p.context is not None and self._p.context.is_interrupted()

    def _fill(self, strip: Strip) -> None:
        """What the model starts from."""
        part = _slices(strip.grown)
        hole = Image.fromarray(np.where(self._known[part], 0, 255).astype(np.uint8))
        picture = Image.fromarray(self._pixels[part])
        self._pixels[part] = np.asarray(fill(picture, hole, MaskedContent.parse(self._p.inpainting_fill), self._seed))

    def _paint_crop(self, crop: Crop, before_strip: np.ndarray) -> None:
        part = _slices(crop.box)
        wanted = np.zeros_like(self._known)
        wanted[_slices(crop.fresh)] = True
        fresh = wanted[part] & ~before_strip[part]
        known = self._known[part] & ~fresh
        weight = weigh(fresh, known, self._canvas.wanted.overlap_px)
        before = self._pixels[part]
        painted = self._run_crop(Image.fromarray(before), Image.fromarray(np.where(weight > 0, 255, 0).astype(np.uint8)), crop.working)
        if painted is not None:
            self._pixels[part] = lay(before, np.asarray(painted), weight, known, self._canvas.wanted.overlap_px)
        self._known[part] |= fresh

    def _run_crop(self, start: Image.Image, mask: Image.Image, working: Extent) -> Image.Image | None:
        """The crop painted, in its own size; None where an interruption came before anything was."""
        request = self._request(start, mask, working)
        self._count += 1
        processed = self._run(request)
        self._p.notes.extend(note for note in request.notes if note not in self._p.notes)
        if not processed.pictures:
            return None
        if self.first is None:
            self.first, self.infotext = request, processed.infotexts[0]
        painted = processed.pictures[0].convert("RGB")
        return painted if painted.size == start.size else painted.resize(start.size, Image.Resampling.LANCZOS)

    def _request(self, start: Image.Image, mask: Image.Image, working: Extent) -> StableDiffusionProcessingImg2Img:
        p = self._p
        content = MaskedContent.parse(p.inpainting_fill)
        is_latent = content in (MaskedContent.LATENT_NOISE, MaskedContent.LATENT_NOTHING)
        shift = self._count * CROP_SEED_STEP
        return _changed(
            p,
            outpaint=None,
            init_images=[start],
            image_mask=mask,
            latent_mask=None,
            mask_round=True,
            mask_blur=0,
            mask_blur_x=0,
            mask_blur_y=0,
            grow_mask_by=0,
            inpainting_mask_invert=0,
            inpaint_full_res=False,
            crop_region=None,
            resize_mode=STRETCH,
            inpainting_fill=p.inpainting_fill if is_latent else ORIGINAL,
            kept_alpha=None,
            color_corrections=None,
            width=working.width,
            height=working.height,
            seed=self._seed if not shift else (self._seed + shift) % SEEDS,
            subseed=self._subseed if not shift else (self._subseed + shift) % SEEDS,
            batch_size=1,
            n_iter=1,
            do_not_save_samples=True,
            do_not_save_grid=True,
            notes=[],
            extra_generation_params={**p.extra_generation_params, **outpaint_keys(self._canvas.wanted, content)},
        )


def outpaint_keys(wanted: Outpaint, content: MaskedContent) -> dict[str, Any]:
    """What infotext says: left, right, up and down in px, then the overlap; the start fill, except for the plain one."""
    margins = wanted.margins
    keys: dict[str, Any] = {
        OUTPAINT_KEY: f"{margins.left},{margins.right},{margins.up},{margins.down}",
        "Outpaint overlap": wanted.overlap_px,
    }
    return keys if content is MaskedContent.ORIGINAL else keys | {"Masked content": content.label}


def fill(picture: Image.Image, hole: Image.Image, content: MaskedContent, seed: int) -> Image.Image:
    """What stands in a hole before the model starts; the picture as it is where the model's own noise comes there, or nothing is wanted."""
    if content is MaskedContent.PATCHMATCH:
        return fill_patchmatch(picture, hole, seed)
    if content is MaskedContent.FILL:
        return fill_from_edges(picture, hole)
    return fill_neutral(picture, hole) if content is MaskedContent.NEUTRAL else picture


def _slices(box: Box) -> tuple[slice, slice]:
    left, top, right, bottom = box.edges
    return slice(top, bottom), slice(left, right)


def _changed(p: StableDiffusionProcessingImg2Img, **values: Any) -> StableDiffusionProcessingImg2Img:
    """A copy, with whatever scripts attached to it."""
    copied = copy.copy(p)
    for name, value in values.items():
        setattr(copied, name, value)
    return copied
