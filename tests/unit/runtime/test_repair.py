"""Mending a seam: what is tried, what is kept, and that nothing outside the mask changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

from modules.base.errors import InvalidRequest
from modules.base.paths import Paths
from modules.imaging.masks import blur_mask
from modules.imaging.seams import draw_band, score_seam
from modules.pipeline.modes import Mode
from modules.pipeline.processed import Processed
from modules.pipeline.processing import Img2ImgProcessing
from modules.runtime.jobs import Job, JobState
from modules.runtime.recipe import Recipe
from modules.runtime.repair import KIND, Candidate, SeamRepair, Way, choose
from modules.runtime.session import Session
from modules.settings.flags import Flags
from tests.unit.imaging.test_blending import paste_elsewhere
from tests.unit.imaging.test_seams import draw_blob

TIMEOUT_S = 20.0
Pixels = np.ndarray


class Painter:
    """Stands in for the pipeline: remembers the request, and answers with `paint(its picture)`."""

    def __init__(self) -> None:
        self.paint: Callable[[Image.Image], Image.Image] = lambda image: image
        self.asked: Any = None
        self.stops = False

    def __call__(self, request: Img2ImgProcessing, context: Any) -> Processed:
        self.asked = request
        context.begin(1, request.steps)
        context.begin_iteration(0)
        if self.stops:
            context.job.interrupt()
            return Processed(request, [])
        return Processed(request, [self.paint(request.init_images[0])], infotexts=["again"])


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def session(tmp_path: Path, painter: Painter) -> Iterator[Session]:
    session = Session(Paths.under(tmp_path), Flags(), process=painter)
    yield session
    session.close()


@pytest.fixture
def photo() -> Image.Image:
    photo = Image.fromarray(skimage.data.chelsea())
    photo.thumbnail((320, 240))
    return photo


@pytest.fixture
def mask(photo: Image.Image) -> Image.Image:
    mask = Image.new("L", photo.size)
    mask.paste(255, (100, 60, 200, 150))
    return mask


def recipe_for(session: Session, photo: Image.Image, mask: Image.Image | None, **fields: Any) -> Recipe:
    asked = {"prompt": "a cat", "denoising_strength": 0.8, "width": photo.width, "height": photo.height, "seed": -1, **fields}
    ids = session.store.add_picture(photo).id, None if mask is None else session.store.add_picture(mask).id
    return Recipe(Mode.IMG2IMG if mask is None else Mode.INPAINT, asked, *ids)


def lighten(photo: Image.Image, mask: Image.Image, by: int) -> Image.Image:
    """A result with a seam: another brightness within the mask."""
    pixels = np.asarray(photo).astype(float) + by * (np.asarray(mask)[..., None] / 255)
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def repair(session: Session, recipe: Recipe, result: Image.Image) -> Job:
    task = SeamRepair(recipe, session.store.add_picture(result).id, 77, "a cat\nSteps: 9, Seed: 77", session.store, session.process)
    job = session.submit(task, "ann", kind=KIND)
    assert job.wait(TIMEOUT_S)
    return job


def outside(one: Image.Image, other: Image.Image, blurred: Image.Image) -> bool:
    is_kept = np.asarray(blurred) == 0
    return np.array_equal(np.asarray(one.convert("RGB"))[is_kept], np.asarray(other.convert("RGB"))[is_kept])


@pytest.mark.parametrize("is_only_masked", [True, False])
def test_the_blend_wins_where_repainting_does_not_help(
    session: Session, painter: Painter, photo: Image.Image, mask: Image.Image, is_only_masked: bool
) -> None:
    recipe, blurred = recipe_for(session, photo, mask, inpaint_full_res=is_only_masked), blur_mask(mask, 4, 4)
    result = lighten(photo, blurred, 60)
    job = repair(session, recipe, result)
    made = job.outcome()
    assert job.state is JobState.DONE and job.recipe == recipe
    before, after = score_seam(result, blurred), score_seam(made.images[0], blurred)
    assert before is not None and after is not None and after < before - 0.25
    assert made.changed_outside_mask == [0] and outside(made.images[0], photo, blurred)
    assert "The seam was repaired: multi-band blend" in made.notes[0] and f"as it was {made.seam_scores[0]:.2f}" not in made.notes[0]
    assert made.text_of(0).startswith("a cat\nSteps: 9, Seed: 77, Seam repair: multi-band blend ")
    assert made.images[0].info["parameters"] == made.text_of(0)


def test_the_repainted_band_wins_where_it_is_better(session: Session, painter: Painter) -> None:
    coffee = Image.fromarray(skimage.data.coffee())
    mask = draw_blob(coffee.size, 3)
    painter.paint = lambda image: coffee
    made = repair(session, recipe_for(session, coffee, mask, mask_blur=0), paste_elsewhere(coffee, mask, 40)).outcome()
    assert "The seam was repaired: band repainted" in made.notes[0]
    assert made.changed_outside_mask == [0] and np.array_equal(np.asarray(made.images[0]), np.asarray(coffee))


def test_only_the_band_is_repainted_weakly_with_the_same_recipe(
    session: Session, painter: Painter, photo: Image.Image, mask: Image.Image
) -> None:
    recipe = recipe_for(session, photo, mask, n_iter=3, batch_size=2, inpainting_fill=2, inpainting_mask_invert=0)
    result = lighten(photo, blur_mask(mask, 4, 4), 60)
    repair(session, recipe, result)
    asked = painter.asked
    assert (asked.prompt, asked.seed, asked.n_iter, asked.batch_size) == ("a cat", 77, 1, 1)
    assert asked.denoising_strength <= 0.35 and asked.inpainting_fill == 1 and asked.do_not_save_samples
    assert np.array_equal(np.asarray(asked.init_images[0]), np.asarray(result))
    band = np.asarray(asked.image_mask) > 0
    assert band[60 - 5, 150] and band[75, 150] and not band[105, 150] and not band[20, 20]
    assert not band[np.asarray(blur_mask(mask, 4, 4)) == 0].any()


def test_a_seam_that_cannot_be_bettered_is_left_and_said(session: Session, photo: Image.Image, mask: Image.Image) -> None:
    made = repair(session, recipe_for(session, photo, mask), photo).outcome()
    assert made.images == [] and made.notes[0].startswith("Neither repair of the seam was better (as it was ")


def test_what_had_changed_outside_comes_back(session: Session, photo: Image.Image, mask: Image.Image) -> None:
    blurred = blur_mask(mask, 4, 4)
    result = lighten(photo, blurred, 60)
    result.paste((1, 2, 3), (0, 0, 20, 20))
    made = repair(session, recipe_for(session, photo, mask), result).outcome()
    assert made.changed_outside_mask == [0] and outside(made.images[0], photo, blurred)


def test_transparency_is_kept(session: Session, photo: Image.Image, mask: Image.Image) -> None:
    result = lighten(photo, blur_mask(mask, 4, 4), 60)
    alpha = Image.linear_gradient("L").resize(photo.size)
    result.putalpha(alpha)
    made = repair(session, recipe_for(session, photo, mask), result).outcome()
    assert np.array_equal(np.asarray(made.images[0].getchannel("A")), np.asarray(alpha))


def test_an_interrupted_repair_gives_nothing(session: Session, painter: Painter, photo: Image.Image, mask: Image.Image) -> None:
    painter.stops = True
    job = repair(session, recipe_for(session, photo, mask), lighten(photo, mask, 60))
    assert job.state is JobState.INTERRUPTED and job.result is None and job.recipe is None


def test_without_a_mask_or_with_another_size_it_is_refused(session: Session, photo: Image.Image, mask: Image.Image) -> None:
    with pytest.raises(InvalidRequest, match="mask"):
        repair(session, recipe_for(session, photo, None), photo).outcome()
    with pytest.raises(InvalidRequest, match="the start picture's size"):
        repair(session, recipe_for(session, photo, mask), photo.resize((64, 64))).outcome()
    with pytest.raises(InvalidRequest, match="contour"):
        repair(session, recipe_for(session, photo, Image.new("L", photo.size, 255)), photo).outcome()


def test_a_gain_too_small_to_see_is_none() -> None:
    picture = Image.new("RGB", (1, 1))
    was = Candidate(Way.AS_IT_WAS, picture, 1.04)
    assert choose([was, Candidate(Way.BANDS, picture, 0.6), Candidate(Way.AGAIN, picture, 1.3)]) is was
    was = Candidate(Way.AS_IT_WAS, picture, 1.9)
    assert choose([was, Candidate(Way.BANDS, picture, 1.4), Candidate(Way.AGAIN, picture, 1.2)]).way is Way.AGAIN


def test_a_band_follows_the_contour_and_ends_with_the_mask() -> None:
    mask = Image.new("L", (100, 80))
    mask.paste(255, (20, 20, 80, 60))
    band = np.asarray(draw_band(mask, 6)) > 0
    assert band[22, 50] and band[20, 20] and not band[18, 50] and not band[40, 50]
    assert not np.asarray(draw_band(Image.new("L", (30, 30)), 6)).any() and not np.asarray(draw_band(Image.new("L", (9, 9), 255), 6)).any()
