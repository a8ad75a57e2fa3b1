"""A batch as one job, around a stand-in for the pipeline."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from modules.base.errors import InvalidRequest, MissingModel, SaveFailed
from modules.imaging.geometry import Extent
from modules.imaging.saving import write_new
from modules.pipeline.modes import Mode
from modules.runtime.batch.batches import Batches
from modules.runtime.batch.manifest import MAX_ATTEMPTS, STATES, load_manifest
from modules.runtime.batch.requests import fit_area
from modules.runtime.batch.settings import MaskSource
from modules.runtime.jobs import Job
from modules.runtime.picture_cache import PictureCache
from modules.runtime.recipe import Recipe
from tests.unit.runtime.batch.stand_in import RECIPE, Pipeline, run, settings_for, states

STATM = Path("/proc/self/statm")


class Killed(BaseException):
    """The process ends here."""


def test_every_file_is_made_saved_and_recorded(batches: Batches, folder: Path, pipeline: Pipeline, recorded: list[Job]) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result, job = run(batches, batches.task(RECIPE, settings_for(folder), "ann"))
    out = folder.parent / "out"
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "b.png", "c.png"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    seeds = {request.seed for request in pipeline.requests}
    assert len(seeds) == 1 and seeds != {-1}, "one seed is drawn for all"
    with Image.open(out / "b.png") as picture:
        assert picture.info["parameters"].startswith("a boat\n") and f"Seed: {seeds.pop()}" in picture.info["parameters"]
    assert [one.request.prompt for one in recorded] == ["a boat"] * 3
    assert [one.result.paths for one in recorded] == [[out / "a.png"], [out / "b.png"], [out / "c.png"]]
    assert result.notes == ["3 of 3 pictures made"] and [path.name for path in result.paths] == ["a.png", "b.png", "c.png"]
    assert [recipe.mode for recipe in result.recipes] == [Mode.IMG2IMG] * 3 and len({recipe.picture for recipe in result.recipes}) == 3
    assert [image.size for image in result.images] == [(40, 24)] * 3 and result.text_of(1).startswith("a boat")
    assert (job.images, job.image_no, job.step, job.steps) == (3, 2, 4, 4) and job.progress == 1.0


def test_pictures_take_no_room_twice(batches: Batches, folder: Path) -> None:
    result, _ = run(batches, batches.task(RECIPE, settings_for(folder), "ann"))
    kept = [batches.store.path(recipe.picture) for recipe in result.recipes]
    assert all(os.path.samefile(path, folder / name) for path, name in zip(kept, ("a.png", "b.png", "c.png"), strict=True))


def test_the_form_reaches_every_file_and_masks_make_it_inpainting(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    masks = folder.parent / "masks"
    masks.mkdir()
    Image.new("L", (40, 24), 255).save(masks / "A.webp", lossless=True)
    Image.new("L", (80, 48), 255).save(masks / "b.png")
    Image.new("L", (50, 50), 255).save(masks / "c.png")
    recipe = Recipe(Mode.BATCH, {**RECIPE.fields, "inpainting_fill": 2, "inpaint_full_res": True, "crop_region": [0, 0, 8, 8]})
    task = batches.task(recipe, settings_for(folder, masks=MaskSource.FOLDER, mask_folder=str(masks)), "ann")
    run(batches, task)
    one, two = pipeline.requests
    assert one.inpainting_fill == 2 and one.inpaint_full_res and one.image_mask.size == two.image_mask.size == (40, 24)
    assert one.crop_region is None and one.do_not_save_samples and one.do_not_save_grid
    assert states(task.manifest) == "a.png:done b.png:done c.png:failed"
    assert "50×50" in task.manifest.status(task.manifest.plan.items[2]).error
    assert task.manifest.status(task.manifest.plan.items[1]).notes == ("the mask was resized from 80x48 to 40x24",)
    assert task.manifest.status(task.manifest.plan.items[0]).changed_outside == 0


def test_transparency_is_the_mask_where_there_is_no_other(batches: Batches, tmp_path: Path, pipeline: Pipeline) -> None:
    folder = tmp_path / "cut"
    folder.mkdir()
    image = Image.new("RGBA", (20, 10), (9, 8, 7, 255))
    image.putpixel((3, 4), (1, 2, 3, 0))
    image.save(folder / "a.png")
    Image.new("RGBA", (20, 10), (9, 8, 7, 255)).save(folder / "b.png")
    run(batches, batches.task(RECIPE, settings_for(folder), "ann"))
    one, two = pipeline.requests
    assert one.image_mask.getpixel((3, 4)) == 255 and one.image_mask.getpixel((0, 0)) == 0 and two.image_mask is None
    keep = Recipe(Mode.BATCH, RECIPE.fields, alpha="keep")
    run(batches, batches.task(keep, settings_for(folder), "ann"))
    assert pipeline.requests[2].image_mask is None and pipeline.requests[2].kept_alpha.getpixel((3, 4)) == 0


def test_a_bad_file_is_named_and_the_rest_is_made(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    (folder / "aa.png").write_bytes(b"no picture")
    whole = (folder / "a.png").read_bytes()
    (folder / "ab.png").write_bytes(whole[: len(whole) // 2])

    def fail(request: Any, context: Any) -> None:
        if len(pipeline.requests) == 1:
            pipeline.before = lambda request, context: None
            raise RuntimeError("a bug")

    pipeline.before = fail
    task = batches.task(RECIPE, settings_for(folder), "ann")
    result, _ = run(batches, task)
    assert states(task.manifest) == "a.png:done aa.png:failed ab.png:failed b.png:failed c.png:done"
    assert result.notes == ["2 of 5 pictures made", "3 failed"]
    errors = [task.manifest.status(item).error for item in task.manifest.plan.items]
    assert "not usable as a picture" in errors[1] and errors[3] == "the program failed: RuntimeError: a bug"


def test_interrupting_leaves_the_rest_and_the_same_form_goes_on(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    def stop(request: Any, context: Any) -> None:
        if len(pipeline.requests) == 1:
            context.job.whole.interrupt()

    pipeline.before = stop
    task = batches.task(RECIPE, settings_for(folder), "ann")
    result, _ = run(batches, task)
    assert states(task.manifest) == "a.png:done b.png:pending c.png:pending" and result.notes == ["1 of 3 pictures made", "2 left"]
    pipeline.before = lambda request, context: None
    again = batches.task(RECIPE, settings_for(folder), "ann")
    assert again.manifest.id == task.manifest.id
    first_time = (folder.parent / "out" / "a.png").stat().st_mtime_ns
    run(batches, again)
    assert states(again.manifest) == "a.png:done b.png:done c.png:done" and len(pipeline.requests) == 4
    assert (folder.parent / "out" / "a.png").stat().st_mtime_ns == first_time
    assert len({request.seed for request in pipeline.requests}) == 1, "the seed stays the one drawn at first"
    another = batches.task(RECIPE, settings_for(folder), "ann")
    assert another.manifest.id != task.manifest.id and another.manifest.plan.items[0].outputs == ("a-2.png",)


def test_skipping_gives_up_one_file(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    def skip(request: Any, context: Any) -> None:
        if len(pipeline.requests) == 1:
            context.job.whole.skip()
            assert context.is_interrupted()

    pipeline.before = skip
    task = batches.task(RECIPE, settings_for(folder), "ann")
    run(batches, task)
    assert states(task.manifest) == "a.png:done b.png:skipped c.png:done"
    assert task.manifest.is_finished and not (folder.parent / "out" / "b.png").exists()


@pytest.mark.parametrize("error", [MissingModel("no checkpoint"), SaveFailed("disk full")])
def test_what_would_spoil_every_file_stops_the_batch(batches: Batches, folder: Path, pipeline: Pipeline, error: Exception) -> None:
    def fail(request: Any, context: Any) -> None:
        if len(pipeline.requests) == 1:
            raise error

    pipeline.before = fail
    task = batches.task(RECIPE, settings_for(folder), "ann")
    with pytest.raises(type(error)):
        run(batches, task)
    assert states(load_manifest(task.manifest.folder)) == "a.png:done b.png:pending c.png:pending"
    assert (task.manifest.folder / "report.csv").exists()


def test_a_full_disk_is_not_blamed_on_the_file(batches: Batches, folder: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_up(*values: Any) -> Any:
        raise OSError(28, "No space left on device")

    def fail(request: Any, context: Any) -> None:
        if len(pipeline.requests) == 1:
            monkeypatch.setattr("modules.runtime.batch.manifest._append", fill_up)
            raise SaveFailed("disk full")

    pipeline.before = fail
    for _ in range(MAX_ATTEMPTS + 1):
        task = batches.task(RECIPE, settings_for(folder), "ann")
        with pytest.raises(SaveFailed, match="disk full"):
            run(batches, task)
        assert states(task.manifest) == states(load_manifest(task.manifest.folder)) == "a.png:done b.png:pending c.png:pending"
        monkeypatch.undo()
    pipeline.before = lambda request, context: None
    task = batches.task(RECIPE, settings_for(folder), "ann")
    run(batches, task)
    assert states(task.manifest) == "a.png:done b.png:done c.png:done"


def test_a_killed_process_costs_the_file_in_hand_alone(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    def kill(request: Any, context: Any) -> None:
        if len(pipeline.requests) == 1:
            raise Killed

    pipeline.before = kill
    task = batches.task(RECIPE, settings_for(folder), "ann")
    with pytest.raises(Killed):
        run(batches, task)
    with (task.manifest.folder / STATES).open("ab") as journal:
        journal.write(b'{"key": "cut off in the mid')
    assert states(load_manifest(task.manifest.folder)) == "a.png:done b.png:running c.png:pending"
    pipeline.before = lambda request, context: None
    again = batches.task(RECIPE, settings_for(folder), "ann")
    run(batches, again)
    assert again.manifest.id == task.manifest.id and states(load_manifest(task.manifest.folder)) == "a.png:done b.png:done c.png:done"


def test_a_file_that_takes_the_process_with_it_every_time_is_given_up(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    def kill(request: Any, context: Any) -> None:
        if request.init_images[0].getpixel((0, 0)) == (40, 90, 200):
            raise Killed

    pipeline.before = kill
    for _ in range(5):
        with pytest.raises(Killed):
            run(batches, batches.task(RECIPE, settings_for(folder), "ann"))
        (begun,) = batches.of_owner("ann")
    assert states(begun) == "a.png:done b.png:running c.png:done", "the others are made before it is tried again"
    task = batches.task(RECIPE, settings_for(folder), "ann")
    run(batches, task)
    assert states(task.manifest) == "a.png:done b.png:failed c.png:done"
    assert "ended several times" in task.manifest.status(task.manifest.plan.items[1]).error


def test_killed_between_writing_and_noting_a_result_is_found_again(
    batches: Batches, folder: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = batches.task(RECIPE, settings_for(folder), "ann")
    monkeypatch.setattr("modules.runtime.batch.task.write_new", write_and_die(1))
    with pytest.raises(Killed):
        run(batches, task)
    monkeypatch.undo()
    assert states(load_manifest(task.manifest.folder)) == "a.png:done b.png:pending c.png:pending", "it was whole on disk"
    run(batches, batches.task(RECIPE, settings_for(folder), "ann"))
    assert len(pipeline.requests) == 3 and len(list((folder.parent / "out").iterdir())) == 3


def test_killed_between_two_results_of_a_file_leaves_no_double(
    batches: Batches, folder: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(Mode.BATCH, {**RECIPE.fields, "n_iter": 3})
    task = batches.task(recipe, settings_for(folder), "ann")
    monkeypatch.setattr("modules.runtime.batch.task.write_new", write_and_die(2))
    with pytest.raises(Killed):
        run(batches, task)
    monkeypatch.undo()
    assert sorted(path.name for path in (folder.parent / "out").iterdir()) == ["a-1.png", "a-2.png"]
    run(batches, batches.task(recipe, settings_for(folder), "ann"))
    names = sorted(path.name for path in (folder.parent / "out").iterdir())
    assert names == [f"{name}-{number}.png" for name in "abc" for number in (1, 2, 3)]


def test_a_name_that_was_taken_meanwhile_is_noted_before_the_file_counts_as_done(
    batches: Batches, folder: Path, pipeline: Pipeline
) -> None:
    task = batches.task(RECIPE, settings_for(folder), "ann")
    out = folder.parent / "out"
    out.mkdir()
    (out / "a.png").write_bytes(b"somebody else's")

    def die(item: Any, status: Any) -> None:
        raise Killed

    task.history = None
    task._end = die  # type: ignore[method-assign]
    with pytest.raises(Killed):
        run(batches, task)
    assert states(load_manifest(task.manifest.folder)).startswith("a.png:done b.png:pending")
    run(batches, batches.task(RECIPE, settings_for(folder), "ann"))
    assert sorted(path.name for path in out.iterdir()) == ["a-2.png", "a.png", "b.png", "c.png"]


def write_and_die(after: int) -> Callable[..., Path]:
    written: list[Path] = []

    def write(*arguments: Any) -> Path:
        written.append(write_new(*arguments))
        if len(written) == after:
            raise Killed
        return written[-1]

    return write


def test_going_on_takes_new_files_and_makes_lost_results_again(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    def stop(request: Any, context: Any) -> None:
        if len(pipeline.requests) == 2:
            context.job.whole.interrupt()

    pipeline.before = stop
    run(batches, batches.task(RECIPE, settings_for(folder), "ann"))
    (folder.parent / "out" / "a.png").unlink()
    shutil.copy(folder / "a.png", folder / "d.png")
    Image.new("RGB", (48, 24)).save(folder / "b.png")
    pipeline.before = lambda request, context: None
    pipeline.requests.clear()
    task = batches.task(RECIPE, settings_for(folder), "ann")
    run(batches, task)
    assert states(task.manifest) == "a.png:done b.png:done c.png:done d.png:done"
    assert [request.init_images[0].width for request in pipeline.requests] == [40, 48, 40, 40]
    assert sorted(path.name for path in (folder.parent / "out").iterdir()) == ["a.png", "b-2.png", "b.png", "c.png", "d.png"]


def test_failed_files_are_tried_again_when_asked(batches: Batches, folder: Path) -> None:
    good = (folder / "b.png").read_bytes()
    (folder / "b.png").write_bytes(b"x")
    task = batches.task(RECIPE, settings_for(folder), "ann")
    run(batches, task)
    assert states(task.manifest) == "a.png:done b.png:failed c.png:done" and task.manifest.is_finished
    (folder / "b.png").write_bytes(good)
    again = batches.resume(task.manifest.id, "ann")
    run(batches, again)
    assert states(again.manifest) == "a.png:done b.png:done c.png:done"
    for batch_id, owner in ((task.manifest.id, "bob"), ("../x", "ann"), ("2026-01-01-0123456789abcdef", "ann")):
        with pytest.raises(InvalidRequest, match="batch"):
            batches.resume(batch_id, owner)
    assert [manifest.id for manifest in batches.of_owner("ann")] == [task.manifest.id] and batches.of_owner("bob") == []


def test_each_picture_may_keep_its_proportions_at_the_forms_area(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    Image.new("RGB", (300, 1200)).save(folder / "a.png")
    recipe = Recipe(Mode.BATCH, {**RECIPE.fields, "width": 512, "height": 512})
    run(batches, batches.task(recipe, settings_for(folder, has_own_size=True), "ann"))
    assert [(request.width, request.height) for request in pipeline.requests] == [(256, 1024), (664, 400), (664, 400)]


def test_a_panorama_keeps_its_proportions_within_the_largest_size() -> None:
    for picture in (Extent(6000, 1000), Extent(1000, 9000)):
        fitted = fit_area(picture, Extent(1024, 1024))
        assert max(fitted.values()) == 2048
        assert fitted["width"] / fitted["height"] == pytest.approx(picture.aspect, rel=0.02)


def test_a_script_counts_within_its_file(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    seen: list[tuple[float, int, int]] = []

    def script(request: Any, context: Any) -> None:
        with context.job.changing() as job:
            job.images, job.is_counted = 4, True
        for loop in range(4):
            context.begin(1, 10)
            context.begin_iteration(0)
            context.on_step(5, 10, None, None)
            seen.append((context.job.whole.progress, context.job.whole.step, context.job.whole.steps))
            assert loop == context.job.image_no

    pipeline.before = script
    run(batches, batches.task(RECIPE, settings_for(folder), "ann"))
    shares = [share for share, _, _ in seen]
    assert shares == sorted(shares) and shares[3] < 1 / 3 + 0.01 and [step for _, step, _ in seen[:4]] == [5, 15, 25, 35]


@pytest.mark.skipif(not STATM.exists(), reason="the memory of this process is read from Linux's /proc")
def test_memory_stays_flat(batches: Batches, tmp_path: Path, pipeline: Pipeline) -> None:
    """150 pictures of 1 MiB each once decoded: held, they would be 300 MiB with their results."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(150):
        Image.new("RGB", (700, 500), (number, 0, 0)).save(folder / f"{number}.png", compress_level=1)
    sizes_mib: list[float] = []
    batches.store._opened = PictureCache(8 << 20)  # its own budget is larger than all of these together
    task = batches.task(RECIPE, settings_for(folder), "ann")
    task.history = None
    pipeline.before = lambda request, context: pipeline.requests.clear()
    task.on_file = lambda item, status: sizes_mib.append(int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20)
    result, _ = run(batches, task)
    grown_mib = sizes_mib[-1] - sizes_mib[50]
    print(f"\nthe process grew by {grown_mib:.1f} MiB over 100 pictures (limit 30)")
    assert len(sizes_mib) == 150 and grown_mib < 30 and len(result.images) == 16


def test_a_whole_batch_in_a_queue(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    """Two threads: the worker, and somebody who watches progress and stops it."""
    has_begun, may_go_on = threading.Event(), threading.Event()

    def wait(request: Any, context: Any) -> None:
        if len(pipeline.requests) == 1:
            has_begun.set()
            may_go_on.wait(60)

    pipeline.before = wait
    task = batches.task(RECIPE, settings_for(folder), "ann")
    held: list[Job] = []
    worker = threading.Thread(target=lambda: run(batches, task, held.append))
    worker.start()
    assert has_begun.wait(60)
    (job,) = held
    assert job.image_no == 0 or job.image_no == 1
    job.interrupt()
    may_go_on.set()
    worker.join(60)
    assert states(task.manifest) == "a.png:done b.png:pending c.png:pending"
