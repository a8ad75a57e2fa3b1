"""Tiled upscale: enlarge the picture to any size, then repaint it in overlapping tiles that are blended without a border.

Neighbours start from the same noise where they overlap, agree there, and are averaged by weights that fall towards each tile's border; each
keeps the tones of the enlarged picture. One run a tile, so that memory depends on the tile alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from modules import devices, images, processing, scripts, shared
from modules.errors import InvalidRequest, to_choice, to_number, to_whole
from modules.outpainting import Margins, extend_picture
from modules.processing import Processed, process_images
from modules.shared import opts, state
from modules.tiled_painting import Box, Extent, blend_tiles, keep_tones, plan_tiles, share_noise

FACTOR, SIZE = "Factor", "Size"
NONE, LANCZOS = "None", "Lanczos"
MAX_FACTOR, MAX_SIDE_PX, MAX_AREA_PX = 32, 32_768, 100_000_000
GRAIN_PX = 8
LEAST_TILE_PX = 64
TONE_SHARE = 1 / 16
"""Of a tile's shorter side: what is coarser than this keeps the enlarged picture's tones."""
STRETCH, CROP, ORIGINAL = 0, 1, 1
FRAME_UNUSED = "Tiled upscale leaves the picture's frame as it is: extend the picture first."


@dataclass(frozen=True)
class Wish:
    """Values of the controls, checked.

    Attributes:
        upscaler: Its name.
        size: (width, height) of the result, px.
        tile: Likewise of a tile; multiples of 8.
        overlap: What neighbouring tiles share at least, px.
        keeps_tones: Whether the enlarged picture's tones are kept.
    """

    upscaler: str
    size: tuple[int, int]
    tile: Extent
    overlap: int
    keeps_tones: bool

    def infotext(self) -> dict[str, Any]:
        return {
            "Tiled upscale upscaler": self.upscaler,
            "Tiled upscale size": f"{self.size[0]}x{self.size[1]}",
            "Tiled upscale tile": f"{self.tile.width}x{self.tile.height}",
            "Tiled upscale overlap": self.overlap,
            "Tiled upscale tones": "kept" if self.keeps_tones else "repainted",
        }


def round_up(size: int) -> int:
    """The next multiple of 8."""
    return math.ceil(size / GRAIN_PX) * GRAIN_PX


def find_size(picture: Image.Image, by: str, factor: float, width: int, height: int) -> tuple[int, int]:
    """(width, height) of the result; of a width and a height, one may be 0 and follows from the picture's proportions.

    Raises:
        InvalidRequest: It would be empty, or too large.
    """
    if by == SIZE and not width and not height:
        raise InvalidRequest("script_args[3] (width)", 0, "a width or a height, or both")
    if by == FACTOR:
        size = (round(picture.width * factor), round(picture.height * factor))
    else:
        size = (width or round(height * picture.width / picture.height), height or round(width * picture.height / picture.width))
    if min(size) < GRAIN_PX or size[0] * size[1] > MAX_AREA_PX:
        wanted = f"a result of {GRAIN_PX} px a side to {MAX_AREA_PX // 1_000_000} megapixels"
        raise InvalidRequest("script_args (size)", f"{size[0]}x{size[1]}", wanted)
    return size


def enlarge(picture: Image.Image, upscaler: Any, size: tuple[int, int]) -> Image.Image:
    """RGB at exactly `size`; a size of other proportions is filled, and what is over is cut off."""
    factor = max(size[0] / picture.width, size[1] / picture.height)
    if upscaler.name != NONE and factor > 1:
        picture = upscaler.scaler.upscale(picture, factor, upscaler.data_path).convert("RGB")
    return picture if picture.size == size else images.resize_image(CROP, picture, *size, LANCZOS)


def pad(picture: Image.Image) -> Image.Image:
    """The picture with its last row and column going on, to sides that are multiples of 8."""
    return extend_picture(picture, Margins(right=round_up(picture.width) - picture.width, down=round_up(picture.height) - picture.height))


class Script(scripts.Script):
    def title(self) -> str:
        return "Tiled upscale"

    def show(self, is_img2img: bool) -> bool:
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        names = [upscaler.name for upscaler in shared.sd_upscalers]
        chosen = LANCZOS if LANCZOS in names else names[0]
        upscaler = gr.Dropdown(names, value=chosen, label="Upscaler", elem_id=self.elem_id("upscaler"))
        by = gr.Radio([FACTOR, SIZE], value=FACTOR, label="Scale by", elem_id=self.elem_id("by"))
        factor = gr.Slider(1.0, 8.0, value=2.0, step=0.05, label="Scale Factor", elem_id=self.elem_id("factor"))
        with gr.Row():
            width = gr.Number(0, precision=0, label="Target width (0 = from the height)", elem_id=self.elem_id("width"))
            height = gr.Number(0, precision=0, label="Target height (0 = from the width)", elem_id=self.elem_id("height"))
        with gr.Row():
            tile_width = gr.Number(0, precision=0, label="Tile width (0 = the form's width)", elem_id=self.elem_id("tile_width"))
            tile_height = gr.Number(0, precision=0, label="Tile height (0 = the form's height)", elem_id=self.elem_id("tile_height"))
        overlap = gr.Slider(0, 256, value=64, step=8, label="Tile overlap", elem_id=self.elem_id("overlap"))
        tones = gr.Checkbox(True, label="Keep the picture's tones", elem_id=self.elem_id("tones"))
        return [upscaler, by, factor, width, height, tile_width, tile_height, overlap, tones]

    def run(
        self, p: Any, upscaler: Any = LANCZOS, by: Any = FACTOR, factor: Any = 2.0, width: Any = 0, height: Any = 0,
        tile_width: Any = 0, tile_height: Any = 0, overlap: Any = 64, tones: Any = True,
    ) -> Processed:  # fmt: skip
        source = p.init_images[0]
        picture = images.flatten(source, opts.img2img_background_color)
        known = {entry.name: entry for entry in shared.sd_upscalers}
        chosen = known[to_choice("script_args[0] (upscaler)", upscaler, list(known))]
        wish = self._check(p, picture, chosen.name, by, factor, width, height, tile_width, tile_height, overlap, tones)
        processing.fix_seed(p)
        if getattr(p, "outpaint", None):
            p.outpaint = None
            p.notes.append(FRAME_UNUSED)
        p.extra_generation_params.update(wish.infotext())
        large = enlarge(picture, chosen, wish.size)
        devices.torch_gc()
        results, infos = self._paint_all(p, large, wish)
        results = [images.keep_profile(source, result) for result in results]
        return self._finish(p, results, infos)

    def _check(self, p: Any, picture: Image.Image, upscaler: str, by: Any, factor: Any, width: Any, height: Any, *rest: Any) -> Wish:
        tile_width, tile_height, overlap, tones = rest
        by = to_choice("script_args[1] (scale by)", by, [FACTOR, SIZE])
        factor = to_number("script_args[2] (scale factor)", factor, 0.01, MAX_FACTOR)
        sides = [to_whole(f"script_args[{n}]", value or 0, 0, MAX_SIDE_PX) for n, value in ((3, width), (4, height))]
        size = find_size(picture, by, factor, *sides)
        tile = [to_whole(f"script_args[{n}]", value or 0, 0, MAX_SIDE_PX) for n, value in ((5, tile_width), (6, tile_height))]
        wanted = (max(LEAST_TILE_PX, tile[0] or p.width), max(LEAST_TILE_PX, tile[1] or p.height))
        fitted = Extent(*(min(round_up(side), round_up(whole)) for side, whole in zip(wanted, size, strict=True)))
        overlap = to_whole("script_args[7] (tile overlap)", overlap, 0)
        if overlap >= min(wanted) // 2:
            raise InvalidRequest("script_args[7] (tile overlap)", overlap, f"less than half a tile, which is {wanted[0]}x{wanted[1]}")
        return Wish(upscaler, size, fitted, overlap, bool(tones))

    def _paint_all(self, p: Any, large: Image.Image, wish: Wish) -> tuple[list[Image.Image], list[str]]:
        """All results, one for each of `n_iter`, and the infotext of each."""
        padded = pad(large)
        boxes = plan_tiles(Extent(*padded.size), wish.tile, wish.overlap, GRAIN_PX)
        rounds, p.n_iter, seed = p.n_iter, 1, p.seed
        mask = None if p.image_mask is None else pad(p.image_mask.convert("L").resize(wish.size))
        size = p.batch_size if mask is None else 1
        p.resize_mode, p.inpaint_full_res, p.inpainting_fill = STRETCH, False, ORIGINAL
        p.width, p.height = wish.tile.size
        saves = not p.do_not_save_samples
        p.do_not_save_samples = p.do_not_save_grid = True
        state.job_count = math.ceil(len(boxes) / size) * rounds
        results: list[Image.Image] = []
        infos: list[str] = []
        for number in range(rounds):
            if state.interrupted:
                break
            p.seed = seed + number
            painted, info = self._paint(p, padded, boxes, size, mask, wish)
            whole = blend_tiles(Extent(*padded.size), boxes, painted) if info else padded
            result = whole.crop((0, 0, *wish.size))
            results.append(result)
            infos.append(info or plain_infotext(p))
            if opts.samples_save and saves:
                images.save_image(result, p.outpath_samples, "", p.seed, p.prompt, opts.samples_format, info=infos[-1], p=p)
        return results, infos

    def _paint(
        self, p: Any, padded: Image.Image, boxes: list[Box], size: int, mask: Image.Image | None, wish: Wish
    ) -> tuple[list[Image.Image], str]:
        """Every tile, those that are not painted as they were, and the first infotext; "" where the model did nothing."""
        starts = [padded.crop(box.edges) for box in boxes]
        tiles, info, seed = list(starts), "", p.seed
        if not p.denoising_strength:
            return tiles, info
        for first in range(0, len(boxes), size):
            part = slice(first, min(first + size, len(boxes)))
            if state.interrupted:
                break
            if mask is not None:
                p.image_mask = mask.crop(boxes[first].edges)
                if p.image_mask.getbbox() is None and not p.inpainting_mask_invert:
                    state.nextjob()
                    continue
            p.batch_size, p.init_images, p.seed = len(starts[part]), starts[part], seed
            with share_noise(p, seed, boxes[part]):
                processed = process_images(p)
            info = info or processed.info
            for place, (start, tile) in enumerate(zip(starts[part], processed.pictures, strict=False)):
                tiles[first + place] = (
                    keep_tones(tile, start, min(wish.tile.size) * TONE_SHARE) if wish.keeps_tones else tile.convert("RGB")
                )
        p.seed = seed
        return tiles, info

    def _finish(self, p: Any, results: list[Image.Image], infos: list[str]) -> Processed:
        seed = p.seed - len(results) + 1 if results else p.seed
        for result, info in zip(results, infos, strict=True):
            if opts.enable_pnginfo:
                result.info["parameters"] = info
        seeds = [seed + number for number in range(len(results))]
        return Processed(p, results, seed, infos[0] if infos else "", all_seeds=seeds, infotexts=infos)


def plain_infotext(p: Any) -> str:
    """What is to be said where no model worked: the prompt, and how the picture was enlarged."""
    listed = ", ".join(
        f"{key}: {value}" for key, value in {**p.extra_generation_params, "Denoising strength": p.denoising_strength}.items()
    )
    return f"{p.prompt}\n{listed}".strip()
