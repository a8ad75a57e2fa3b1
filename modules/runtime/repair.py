"""One click against a visible seam: mend it in two ways, and keep what can be seen least."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from PIL import Image

from modules.base.registry import load_dotted
from modules.runtime.context import JobContext
from modules.runtime.recipe import Recipe, Store, build_request

KIND = "repair"
AGAIN_STRENGTH = 0.35
AGAIN_BLUR_PX = 4
ORIGINAL_CONTENT = 1
LEAST_GAIN = 0.08
"""Scores that differ by less are alike; the result is then left as it is."""
SUFFIX = "-repaired"
Process = Callable[[Any, Any], Any]


class Way(Enum):
    """How a candidate was made; the value names it in infotext and notes."""

    AS_IT_WAS = "as it was"
    BANDS = "multi-band blend"
    AGAIN = "band repainted"


@dataclass(frozen=True)
class Candidate:
    """A picture that might be the mended one: RGB, and its seam's score."""

    way: Way
    picture: Image.Image
    score: float

    @property
    def badness(self) -> float:
        """Below 1 nothing is seen either way."""
        return max(self.score, 1.0)


@dataclass
class SeamRepair:
    """What a repair's job runs (`jobs.Task`).

    Attributes:
        recipe: Of the job that made the result; says start picture, mask, prompt and model. Results stay true to it: where its blurred
            mask is 0, its canvas shows unchanged.
        result: Asset id of the picture whose seam is to be mended.
        seed: That it was made with.
        infotext: Its own; the repair is added to it.
        store: Has the pictures.
        process: Runs one request.
    """

    recipe: Recipe
    result: str
    seed: int
    infotext: str
    store: Store
    process: Process

    def run(self, context: JobContext) -> Any:
        """Make both candidates and keep the best.

        Returns:
            A `Processed` with the mended picture and a note that says how; without any picture where nothing was better. None when
            interrupted.

        Raises:
            UnknownAsset: A picture is gone.
            InvalidRequest: There is no seam to mend: no mask, or a script gave the result another size.
            Whatever `process` raises.
        """
        open_seam: Any = load_dotted("modules.pipeline.seam_work:SeamWork")
        shown, request = self.store.open(self.result).image, build_request(self.recipe, self.store, options=context.options)
        seam = open_seam(request, context.options, shown)
        request = self._for_band(request, seam)
        blended = seam.blend()
        again = self.process(request, context)
        if context.is_interrupted() or not again.pictures:
            return None
        pictures = {Way.AS_IT_WAS: seam.before, Way.BANDS: blended, Way.AGAIN: seam.fit(again.pictures[0])}
        candidates = [Candidate(way, picture, seam.rate(picture)) for way, picture in pictures.items()]
        with context.job.changing() as job:  # not before: a repair that was cut off is not begun again as if it were its recipe
            job.recipe = self.recipe
        return self._finish(request, candidates, seam, shown, context)

    def _for_band(self, request: Any, seam: Any) -> Any:
        """The recipe's request, for the seam's band alone and weaker."""
        if not request.inpaint_full_res:
            request = dataclasses.replace(request, width=seam.before.width, height=seam.before.height)
        return dataclasses.replace(
            request,
            init_images=[seam.before],
            image_mask=seam.band(),
            mask_blur_x=AGAIN_BLUR_PX,
            mask_blur_y=AGAIN_BLUR_PX,
            mask_blur=None,
            latent_mask=None,
            kept_alpha=None,
            crop_region=None,
            outpaint=None,
            resize_mode=0,
            inpainting_mask_invert=0,
            inpainting_fill=ORIGINAL_CONTENT,
            denoising_strength=min(float(request.denoising_strength), AGAIN_STRENGTH),
            seed=self.seed,
            batch_size=1,
            n_iter=1,
            do_not_save_samples=True,
            do_not_save_grid=True,
            override_settings={**request.override_settings, "img2img_color_correction": False},
        )

    def _finish(self, request: Any, candidates: list[Candidate], seam: Any, shown: Image.Image, context: JobContext) -> Any:
        best = choose(candidates)
        make_processed: Any = load_dotted("modules.pipeline.processed:Processed")
        notes = [describe(candidates, best)]
        if best.way is Way.AS_IT_WAS:
            return make_processed(request, [], self.seed, notes=notes)
        picture, text = best.picture.copy(), self._tell(candidates[0], best)
        if shown.mode == "RGBA":
            picture.putalpha(shown.getchannel("A"))
        picture.info.update({name: value for name, value in shown.info.items() if name == "icc_profile"})
        if text and context.options.enable_pnginfo:
            picture.info["parameters"] = text
        changed = [seam.count_outside(picture)]
        processed = make_processed(request, [picture], self.seed, text, infotexts=[text], changed_outside_mask=changed, notes=notes)
        processed.seam_scores, processed.paths = [best.score], [self._save(request, picture, text, context)]
        return processed

    def _tell(self, before: Candidate, best: Candidate) -> str:
        return f"{self.infotext}, Seam repair: {best.way.value} {before.score:.2f} to {best.score:.2f}" if self.infotext else ""

    def _save(self, request: Any, picture: Image.Image, text: str, context: JobContext) -> Path | None:
        """Where results of the same request are saved, if they are."""
        if request.plan is None or not context.options.samples_save:
            return None
        save: Any = load_dotted("modules.pipeline.stages.save:save_picture")
        return Path(save(request, request.plan, picture, 0, text, SUFFIX))


def choose(candidates: list[Candidate]) -> Candidate:
    """The one whose seam is seen least; the first, unless another is better by `LEAST_GAIN`."""
    best = min(candidates, key=lambda candidate: candidate.badness)
    return best if best.badness < candidates[0].badness - LEAST_GAIN else candidates[0]


def describe(candidates: list[Candidate], best: Candidate) -> str:
    """One line, in English: which was kept, and all scores."""
    scores = ", ".join(f"{candidate.way.value} {candidate.score:.2f}" for candidate in candidates)
    kept = "Neither repair of the seam was better" if best.way is Way.AS_IT_WAS else f"The seam was repaired: {best.way.value}"
    return f"{kept} ({scores})"
