"""What a batch reads before it runs, and writes when it has: dry run, own settings, report."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from modules.pipeline.modes import Mode
from modules.runtime.batch.batches import Batches
from modules.runtime.batch.check import check_items, estimate_s
from modules.runtime.batch.pairing import Problem
from modules.runtime.batch.report import as_csv, as_json
from modules.runtime.batch.settings import PROPS, MaskSource
from modules.runtime.jobs import Job, JobState
from modules.runtime.recipe import Recipe
from tests.unit.runtime.batch.stand_in import RECIPE, Pipeline, run, settings_for


def with_infotext(path: Path, text: str) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", text)
    Image.new("RGB", (40, 24)).save(path, pnginfo=chunks)


def test_a_pictures_own_settings_decide_what_was_ticked(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    stated = "a cat\nNegative prompt: dogs\nSteps: 7, Sampler: DPM++ 2M Karras, CFG scale: 3.5, Seed: 99, Size: 128x72, Model hash: abc123"
    with_infotext(folder / "a.png", stated)
    with_infotext(
        folder / "b.png", "a dog\nSteps: many, Sampler: Sketchy, CFG scale: 3, Seed: 5, Size: 64x64, Model hash: 0123, Model: lost"
    )
    task = batches.task(RECIPE, settings_for(folder, props=PROPS), "ann")
    run(batches, task)
    one, two, _ = pipeline.requests
    assert (one.prompt, one.negative_prompt, one.steps, one.cfg_scale, one.seed) == ("a boat a cat", "dogs", 7, 3.5, 99)
    assert (one.sampler_name, one.scheduler, one.width, one.height) == ("DPM++ 2M", "Karras", 128, 72)
    assert one.override_settings == {"sd_model_checkpoint": "other [abc123]"}
    assert (two.prompt, two.steps, two.seed, two.override_settings) == ("a boat a dog", 4, 5, {})
    notes = [task.manifest.status(item).notes for item in task.manifest.plan.items]
    assert notes[0] == () and len(notes[1]) == 3 and "lost [0123]" in notes[1][2] and "no settings" in notes[2][0]
    pipeline.requests.clear()
    run(batches, batches.task(RECIPE, settings_for(folder, props=("Seed",)), "ann"))
    assert (pipeline.requests[0].prompt, pipeline.requests[0].seed, pipeline.requests[0].steps) == ("a boat", 99, 4)


def test_the_report_tells_all_and_is_no_formula(batches: Batches, folder: Path) -> None:
    (folder / "=1+1.png").write_bytes(b"x")
    (folder / 'two\nlines, "quoted".png').write_bytes((folder / "a.png").read_bytes())
    task = batches.task(RECIPE, settings_for(folder), "ann")
    run(batches, task)
    data = as_csv(task.manifest)
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert data.startswith(b"\xef\xbb\xbf") and [row["file"] for row in rows[:2]] == ["'=1+1.png", "a.png"]
    assert rows[0]["state"] == "failed" and "not usable as a picture" in rows[0]["error"] and rows[4]["file"] == 'two\nlines, "quoted".png'
    assert rows[1]["outputs"].endswith("out/a.png") and rows[1]["seeds"].isdigit() and float(rows[1]["seconds"]) > 0
    told = json.loads(as_json(task.manifest))
    assert told["counts"]["done"] == 4 and told["files"][0]["file"] == "=1+1.png" and told["recipe"]["mode"] == "batch"
    assert (task.manifest.folder / "report.csv").read_bytes() == data


def test_a_dry_run_shows_problems_and_writes_nothing(batches: Batches, folder: Path) -> None:
    masks = folder.parent / "masks"
    masks.mkdir()
    Image.new("L", (40, 24)).save(masks / "a.png")
    Image.new("L", (24, 40)).save(masks / "b.png")
    (folder / "d.png").write_bytes(b"x")
    (masks / "d.png").write_bytes(b"x")
    upright = Image.new("RGB", (24, 40))
    exif = upright.getexif()
    exif[0x0112] = 6
    upright.save(folder / "e.jpg", exif=exif)
    Image.new("L", (80, 48)).save(masks / "e.png")
    settings = settings_for(folder, masks=MaskSource.FOLDER, mask_folder=str(masks))
    dry = batches.look_ahead(RECIPE, settings, "ann")
    rows = {row.item.pair.picture.name: row for row in dry.check.rows}
    assert [row.item.pair.problem for row in rows.values()] == [None, Problem.MASK_SHAPE, Problem.NO_MASK, Problem.UNREADABLE, None]
    assert rows["a.png"].has_same_size and rows["a.png"].size == (40, 24) and rows["a.png"].item.outputs == ("a.png",)
    assert rows["e.jpg"].size == (40, 24) and rows["e.jpg"].has_same_size is False and dry.check.ready == 2 and dry.check.seen == 5
    assert not batches.folder.exists() and not dry.output_folder.exists() and dry.begun is None
    assert check_items([row.item for row in dry.check.rows], 0).seen == 0


def test_the_time_is_estimated_by_the_last_job() -> None:
    recipe = Recipe(Mode.IMG2IMG, {"width": 100, "height": 100, "steps": 20})
    job = Job("ann", None, recipe=recipe, state=JobState.DONE, began_s=10.0, finished_s=20.0, images=1, steps=10)
    assert estimate_s([], 100, 100, 20, 3) is None
    assert estimate_s([job, Job("ann", None, state=JobState.DONE)], 100, 100, 20, 3) == pytest.approx(30)
    assert estimate_s([job], 200, 100, 40, 1) == pytest.approx(40)
