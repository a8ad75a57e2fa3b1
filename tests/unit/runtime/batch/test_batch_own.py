"""Which batch is gone on with, by whom, and what it keeps."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from modules.base.errors import InvalidRequest, UnsafePath
from modules.pipeline.modes import Mode
from modules.runtime.batch.batches import Batches, ValuesNotKept
from modules.runtime.batch.listing import PictureFile, mark_of
from modules.runtime.batch.manifest import LABEL, fingerprint, load_manifest
from modules.runtime.batch.settings import BatchSettings, MaskSource, Source
from modules.runtime.recipe import Recipe
from modules.settings.options import Options
from tests.unit.runtime.batch.stand_in import RECIPE, Pipeline, run, settings_for, states


def test_only_the_same_form_of_the_same_owner_goes_on(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    pipeline.before = lambda request, context: context.job.whole.interrupt()
    task = batches.task(RECIPE, settings_for(folder), "ann")
    run(batches, task)
    other_form = Recipe(Mode.BATCH, {**RECIPE.fields, "prompt": "a tree"})
    for recipe, settings, owner, is_anew in (
        (other_form, settings_for(folder), "ann", False),
        (RECIPE, settings_for(folder, props=("Seed",)), "ann", False),
        (RECIPE, settings_for(folder), "bob", False),
        (RECIPE, settings_for(folder), "ann", True),
    ):
        assert batches.task(recipe, settings, owner, is_anew=is_anew).manifest.id != task.manifest.id
    looked_at = Recipe(Mode.BATCH, RECIPE.fields, picture="0" * 64)
    unused = settings_for(folder, mask_folder="typed and left", source=Source.FOLDER)
    assert fingerprint(looked_at.as_json(), unused) == task.manifest.fingerprint


def test_batches_that_wait_together_write_into_different_folders(batches: Batches, folder: Path) -> None:
    settings = BatchSettings(folder=str(folder))
    shown = batches.look_ahead(RECIPE, settings, "ann").output_folder
    assert not shown.exists(), "looking ahead writes nothing"
    tasks = [batches.task(RECIPE, settings, owner) for owner in ("ann", "bob")]
    assert [task.manifest.plan.output_folder for task in tasks] == [shown, shown.with_name(f"{shown.name[:-1]}2")]
    for task in tasks:
        run(batches, task)
        assert sorted(path.name for path in task.manifest.plan.output_folder.iterdir()) == ["a.png", "b.png", "c.png"]


def test_over_the_network_a_login_names_no_results_of_others(batches: Batches, folder: Path, tmp_path: Path) -> None:
    there = dataclasses.replace(batches, is_local=False, options=lambda: Options(outdir_samples="all"))
    own = there.task(RECIPE, BatchSettings(folder="in"), "1", user="ann").manifest.plan.output_folder
    for place in (own, tmp_path / "outputs/img2img-images/2026-01-01", tmp_path / "all/2026-01-01", tmp_path / "outputs/mine"):
        shutil.copytree(folder, place, dirs_exist_ok=True)
    named = BatchSettings(folder="in", output_folder="outputs/mine")
    there.task(RECIPE, named, "2", user="bob")
    for text in (str(own), "outputs/img2img-images/2026-01-01", "all/2026-01-01", "outputs/mine"):
        for settings in (BatchSettings(folder=text), BatchSettings(folder="in", masks=MaskSource.FOLDER, mask_folder=text)):
            with pytest.raises(UnsafePath, match="of other people"):
                there.look_ahead(RECIPE, settings, "2", user="bob")
        there.look_ahead(RECIPE, BatchSettings(folder=text), "2", user=None)
    assert there.look_ahead(RECIPE, BatchSettings(folder=str(own)), "1", user="ann").check.ready == 3


def test_a_batch_whose_scripts_values_are_lost_goes_on_only_with_the_form(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    def stop(request: Any, context: Any) -> None:
        context.job.whole.interrupt()

    pipeline.before = stop
    recipe = dataclasses.replace(RECIPE, is_whole=False)
    task = batches.task(recipe, settings_for(folder), "ann", script_args=[0, folder])
    run(batches, task)
    for ask in (lambda: batches.resume(task.manifest.id, "ann"), lambda: batches.revive(task.manifest.id)):
        with pytest.raises(ValuesNotKept, match="press Generate"):
            ask()
    pipeline.before = lambda request, context: None
    again = batches.task(recipe, settings_for(folder), "ann", script_args=[0, folder])
    run(batches, again)
    assert again.manifest.id == task.manifest.id and [request.script_args for request in pipeline.requests] == [[0, folder]] * 4


def test_batches_of_other_forms_and_people_are_not_read_to_find_ones_own(
    batches: Batches, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(folder)
    task = batches.task(RECIPE, settings, "ann")
    for owner, prompt in (("ann", "a tree"), ("bob", "a boat")):
        batches.task(dataclasses.replace(RECIPE, fields={**RECIPE.fields, "prompt": prompt}), settings, owner)
    read: list[str] = []

    def load(place: Path) -> Any:
        read.append(place.name)
        return load_manifest(place)

    monkeypatch.setattr("modules.runtime.batch.batches.load_manifest", load)
    begun = batches.look_ahead(RECIPE, settings, "ann").begun
    assert begun is not None and begun.id == task.manifest.id and read == [begun.id]
    (begun.folder / LABEL).unlink()
    assert batches.look_ahead(RECIPE, settings, "ann").begun is not None, "the manifest itself says it too"


def test_what_a_browser_calls_itself_does_not_open_the_batches_of_another_login(batches: Batches, folder: Path, pipeline: Pipeline) -> None:
    pipeline.before = lambda request, context: context.job.whole.interrupt()
    task = batches.task(RECIPE, settings_for(folder), "0123", user="ann")
    run(batches, task)
    for user in ("bob", None):
        assert batches.of_owner("0123", user=user) == []
        assert batches.look_ahead(RECIPE, settings_for(folder), "0123", user=user).begun is None
        for ask in (batches.find, batches.resume):
            with pytest.raises(InvalidRequest, match="one of your batches"):
                ask(task.manifest.id, "0123", user)
    assert [manifest.user for manifest in batches.of_owner("0123", user="ann")] == ["ann"]
    assert batches.resume(task.manifest.id, "0123", "ann").manifest.user == "ann"
    assert batches.task(RECIPE, settings_for(folder), "0123", user="ann").manifest.id == task.manifest.id


def test_dropped_files_are_kept_for_later(batches: Batches, folder: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    dropped = tmp_path / "temporary"
    shutil.copytree(folder, dropped)
    chosen = tuple(PictureFile(path, path.name, mark_of(path.stat())) for path in sorted(dropped.iterdir()))
    settings = BatchSettings(Source.FILES, files=(*chosen, chosen[0]), output_folder=str(tmp_path / "out"))
    pipeline.before = lambda request, context: context.job.whole.interrupt()
    task = batches.task(RECIPE, settings, "ann")
    run(batches, task)
    shutil.rmtree(dropped)
    pipeline.before = lambda request, context: None
    again = batches.task(RECIPE, settings, "ann")
    run(batches, again)
    assert again.manifest.id == task.manifest.id and states(again.manifest) == "a.png:done b.png:done c.png:done"


def test_dropped_files_are_let_go_once_nothing_is_left_to_do(batches: Batches, folder: Path, tmp_path: Path) -> None:
    good = (folder / "b.png").read_bytes()
    (folder / "b.png").write_bytes(b"x")
    chosen = tuple(PictureFile(path, path.name, path.name) for path in sorted(folder.iterdir()))
    settings = BatchSettings(Source.FILES, files=chosen)
    task = batches.task(RECIPE, settings, "ann")
    result, _ = run(batches, task)
    inputs = task.manifest.folder / "inputs"
    assert states(task.manifest) == "a.png:done b.png:failed c.png:done" and len(list(inputs.iterdir())) == 3, "one may be tried again"
    (inputs / "00001.png").unlink()
    (inputs / "00001.png").write_bytes(good)
    run(batches, batches.resume(task.manifest.id, "ann"))
    assert not inputs.exists() and len(list(folder.iterdir())) == 3
    assert all(batches.store.has(recipe.picture) for recipe in result.recipes)
    shutil.rmtree(task.manifest.plan.output_folder)
    with pytest.raises(InvalidRequest, match="drop them again"):
        batches.resume(task.manifest.id, "ann")
    assert batches.task(RECIPE, settings, "ann").manifest.id != task.manifest.id
