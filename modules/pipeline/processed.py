"""What a job gives back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL.Image import Image

from modules.base.registry import load_dotted
from modules.engine.model import ModelKind
from modules.pipeline.infotext import model_name
from modules.pipeline.version import VERSION

if TYPE_CHECKING:
    from modules.pipeline.processing import StableDiffusionProcessing

INFO_KEYS = (
    "prompt all_prompts negative_prompt all_negative_prompts seed all_seeds subseed all_subseeds subseed_strength width height "
    "sampler_name cfg_scale steps batch_size restore_faces face_restoration_model sd_model_name sd_model_hash "
    "sd_vae_name sd_vae_hash seed_resize_from_w seed_resize_from_h denoising_strength "
    "extra_generation_params index_of_first_image infotexts styles clip_skip is_using_inpainting_conditioning version job_timestamp"
).split()


def _first(seed: object) -> int:
    """Scripts hand in a seed, a list of them, or None."""
    first = (seed[0] if seed else None) if isinstance(seed, list | tuple) else seed
    return int(first) if isinstance(first, int | float) else -1


class Processed:
    """Results, in A1111's words.

    The text that belongs to a picture travels in `image.info["parameters"]`; a picture without it is sent without text.

    Args:
        p: The job; what it says of prompts, size and sampling is copied. None = nothing is known.
        images_list: A grid first if there is one, then each picture with what was asked to go with it.
        seed: Of the first picture.
        info: Infotext of the first picture, and of all of them where `infotexts` is left out.
        all_prompts, all_negative_prompts, all_seeds, all_subseeds: One for each picture of the job; None = those of `p`.
        index_of_first_image: 1 after a grid, else 0.
        infotexts: One for the grid and for each picture; masks and the like have none.
        changed_outside_mask: For each picture, pixels that differ from the input where the mask is 0; None when no mask was used.
        notes: What the person should know, such as conversions of the input; None = those of `p`.

    Attributes:
        images: `images_list`, to be changed freely.
        paths: Where each entry of `images` was saved; None for those that were not.
        is_mask_replaced: Whether that mask is one a script made from the result (soft inpainting), not the request's own.
        is_interrupted: Whether the job was cut short.
        seam_scores: For each picture, how visible the edge of the repainted part is (`imaging.seams`): near 1 = not at all, from 1.5
            on clearly; None when no mask was used.
    """

    def __init__(
        self,
        p: StableDiffusionProcessing | None = None,
        images_list: Sequence[Image] = (),
        seed: int | None = -1,
        info: str | None = "",
        subseed: int | None = None,
        all_prompts: list[str] | None = None,
        all_negative_prompts: list[str] | None = None,
        all_seeds: list[int] | None = None,
        all_subseeds: list[int] | None = None,
        index_of_first_image: int = 0,
        infotexts: list[str] | None = None,
        comments: str = "",
        *,
        changed_outside_mask: list[int | None] | None = None,
        notes: list[str] | None = None,
    ) -> None:
        self.images = list(images_list)
        self.seed, self.subseed = _first(seed), _first(subseed)
        self.info = info or ""
        self.infotexts = [self.info] * len(self.images) if infotexts is None else infotexts
        self.index_of_first_image = index_of_first_image
        self.comments = comments
        self.prompt = _first_text(getattr(p, "prompt", ""))
        self.negative_prompt = _first_text(getattr(p, "negative_prompt", ""))
        self.all_prompts: list[str] = all_prompts or getattr(p, "all_prompts", None) or [self.prompt]
        self.all_negative_prompts: list[str] = all_negative_prompts or getattr(p, "all_negative_prompts", None) or [self.negative_prompt]
        self.all_seeds: list[int] = all_seeds or getattr(p, "all_seeds", None) or [self.seed]
        self.all_subseeds: list[int] = all_subseeds or getattr(p, "all_subseeds", None) or [self.subseed]
        self.notes: list[str] = getattr(p, "notes", []) if notes is None else notes
        self.changed_outside_mask = changed_outside_mask or []
        self.is_mask_replaced = False
        self.seam_scores: list[float | None] = []
        self.paths: list[Path | None] = [getattr(image, "already_saved_as", None) for image in self.images]
        self.version = VERSION
        self.job_timestamp = datetime.now().strftime("%Y%m%d%H%M%S")
        self._copy_numbers(p)
        self._copy_model(p)

    def _copy_numbers(self, p: StableDiffusionProcessing | None) -> None:
        plan = getattr(p, "plan", None)
        self.width: int = getattr(p, "width", 0)
        self.height: int = getattr(p, "height", 0)
        self.steps: int = getattr(p, "steps", 0)
        self.cfg_scale: float = getattr(p, "cfg_scale", 7.0)
        self.image_cfg_scale: float | None = getattr(p, "image_cfg_scale", None)
        self.denoising_strength: float | None = getattr(p, "denoising_strength", None)
        self.batch_size: int = getattr(p, "batch_size", 1)
        self.subseed_strength: float = getattr(p, "subseed_strength", 0)
        self.seed_resize_from_w: int = getattr(p, "seed_resize_from_w", -1)
        self.seed_resize_from_h: int = getattr(p, "seed_resize_from_h", -1)
        self.sampler_name: str = (plan.sampling.sampler if plan else getattr(p, "sampler_name", None)) or ""
        self.restore_faces = bool(getattr(p, "restore_faces", False))
        self.face_restoration_model: str | None = None
        self.styles: list[str] = list(getattr(p, "styles", None) or [])
        self.extra_generation_params: dict[str, Any] = getattr(p, "extra_generation_params", {})
        self.clip_skip: int = p.options.CLIP_stop_at_last_layers if p is not None else 1

    def _copy_model(self, p: StableDiffusionProcessing | None) -> None:
        model, context = getattr(p, "sd_model", None), getattr(p, "context", None)
        self.sd_model_name = model_name(model.name) if model else None
        self.sd_model_hash = model.sha256[:10] if model else None
        self.sd_vae_name: str | None = model.vae_name if model else None
        self.sd_vae_hash: str | None = model.vae_sha256[:10] or None if model else None
        self.is_using_inpainting_conditioning = bool(model and model.kind is ModelKind.INPAINT)
        self.is_interrupted = bool(context and context.is_interrupted())

    @classmethod
    def joined(cls, p: StableDiffusionProcessing, parts: Sequence[Processed]) -> Processed:
        """The pictures of several runs one after another, with all that is known of each; the runs' own grids are left out.

        Args:
            p: The job that a script answers with these runs.
            parts: In order; each may have made any number of pictures.
        """
        first = parts[0] if parts else cls(p)
        whole = cls(p, seed=first.seed, info=first.info, subseed=first.subseed)
        for name in ("images", "infotexts", "paths"):
            setattr(whole, name, [entry for part in parts for entry in getattr(part, name)[part.index_of_first_image :]])
        for name in ("all_prompts", "all_negative_prompts", "all_seeds", "all_subseeds", "changed_outside_mask", "seam_scores"):
            made = [(part, len(part.infotexts) - part.index_of_first_image) for part in parts]
            setattr(whole, name, [entry for part, count in made for entry in getattr(part, name)[:count]])
        whole.notes = list(dict.fromkeys(note for part in [whole, *parts] for note in part.notes))
        whole.is_mask_replaced = any(part.is_mask_replaced for part in parts)
        return whole

    def add_grid(self, grid: Image, infotext: str) -> None:
        """Show `grid` in front of the pictures, after the grids that are there."""
        place = self.index_of_first_image
        self.images.insert(place, grid)
        self.infotexts.insert(place, infotext)
        self.paths.insert(place, getattr(grid, "already_saved_as", None))
        self.index_of_first_image = place + 1

    def show_grids_alone(self) -> None:
        """Leave the pictures out; the grids are the results then."""
        kept = slice(self.index_of_first_image)
        self.images, self.infotexts, self.paths = self.images[kept], self.infotexts[kept], self.paths[kept]
        self.index_of_first_image, self.changed_outside_mask, self.seam_scores = 0, [], []

    @property
    def pictures(self) -> list[Image]:
        """The results alone, without grid, masks and the like."""
        return [image for number, image in enumerate(self.images) if self.picture_number(number) is not None]

    def picture_number(self, index: int) -> int | None:
        """Which result entry `index` of `images` is, from 0, as in `changed_outside_mask`; None for a grid, mask or the like."""
        shown, count = len(self.images) - self.index_of_first_image, len(self.infotexts) - self.index_of_first_image
        each = shown // count if count > 0 and shown and shown % count == 0 else 1
        place = index - self.index_of_first_image
        is_picture = place >= 0 and place % each == 0 and (count <= 0 or place // each < count)  # scripts append maps and the like
        return place // each if is_picture else None

    def text_of(self, index: int) -> str:
        """What is known of entry `index` of `images`: its own text, else that of the job where every entry has one."""
        own = self.images[index].info.get("parameters")
        is_aligned = len(self.infotexts) == len(self.images)
        return str(own) if own is not None else self.infotexts[index] if is_aligned else ""

    def as_info(self) -> dict[str, Any]:
        """The `info` object of the API: A1111's keys, then ours under "pentimento"."""
        info = {name: getattr(self, name) for name in INFO_KEYS}
        ours = ("changed_outside_mask", "is_mask_replaced", "seam_scores", "notes", "is_interrupted")
        info["pentimento"] = {name: getattr(self, name) for name in ours}
        return info

    def infotext(self, p: Any, index: int) -> str:
        """The text of picture `index` of the job, from 0, as `p` is now: scripts change it after the run; "" where there is none."""
        if getattr(p, "plan", None) is not None and 0 <= index < len(self.all_seeds):
            create: Any = load_dotted("modules.pipeline.script_calls:create_infotext")
            told = (self.all_prompts, self.all_seeds, self.all_subseeds)
            return str(create(p, *told, index=index, all_negative_prompts=self.all_negative_prompts))
        place = index + self.index_of_first_image
        return self.infotexts[place] if 0 <= place < len(self.infotexts) else ""

    def get_token_merging_ratio(self, for_hr: bool = False) -> float:
        """Tokens are never merged: 0."""
        return 0.0

    def js(self) -> str:
        """`as_info` as JSON text."""
        return json.dumps(self.as_info(), ensure_ascii=False, default=str)


def _first_text(prompt: str | Sequence[str]) -> str:
    """The prompt, or the first of a list that a script left on the job."""
    return prompt if isinstance(prompt, str) else next(iter(prompt), "")
