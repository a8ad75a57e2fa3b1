"""Work on layers as jobs: taken apart, split, repainted, whole folders; begun again after the program ended."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.base.errors import InvalidRequest, MissingModel, UnknownName, UnsafePath
from modules.base.paths import Paths
from modules.pipeline.processed import Processed
from modules.runtime.jobs import Job, JobState
from modules.runtime.layers.backends import LayerBackends
from modules.runtime.layers.rows import from_values
from modules.runtime.layers.task import KIND
from modules.runtime.layers.workshop import as_pixels
from modules.runtime.presets import BUILTIN_PRESET
from modules.runtime.recipe import Recipe
from modules.runtime.session import Session
from modules.settings.flags import Flags
from tests.unit.runtime.layers.pictures_apart import REFUSED, Discs, draw

TIMEOUT_S = 20.0


def invert(request: Any, context: Any) -> Processed:
    made = request.init_images[0].convert("RGB").point(lambda value: 255 - value)
    return Processed(request, [made], 7, infotexts=["x"], all_seeds=[7], all_prompts=["x"])


class Programs:
    """Starts programs on one folder, one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.discs, self.running = folder, Discs(), None

    def start(self, **flags: Any) -> Session:
        self.stop()
        self.running = Session(Paths.under(self.folder), Flags(**flags), process=invert)
        self.running.layer_work.workshop.backends = LayerBackends({"discs": lambda: self.discs})
        self.running.layer_work.workshop.preset = lambda: BUILTIN_PRESET
        return self.running

    def stop(self) -> None:
        if self.running is not None:
            self.running.close()


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    programs = Programs(tmp_path)
    yield programs
    programs.discs.may_go.set()
    programs.stop()


@pytest.fixture
def session(programs: Programs) -> Session:
    return programs.start()


def submit(session: Session, recipe: Recipe) -> Job:
    return session.submit(session.layer_work.task(recipe), "ann", kind=KIND, recipe=recipe)


def run(session: Session, recipe: Recipe) -> Job:
    job = submit(session, recipe)
    assert job.wait(TIMEOUT_S)
    job.outcome()
    return job


def take_apart(session: Session, **settings: Any) -> str:
    asset = session.store.add_picture(draw()).id
    job = run(session, session.layer_work.decompose(asset, "poster", "discs", settings))
    assert job.recipe is not None and job.recipe.layers is not None
    return str(job.recipe.layers["document"])


def picture(session: Session, document: str) -> Any:
    return session.layers.look(document, None, lambda opened: opened.render())


def layer_of(session: Session, document: str, name: str) -> str:
    return next(layer.id for layer in session.layers.get(document).document.layers if layer.name == name)


def test_a_picture_is_taken_apart_into_a_document(session: Session) -> None:
    document = take_apart(session, light="linear")
    state = session.layers.get(document)
    assert [layer.name for layer in state.document.layers] == ["background", "subject", "text: SALE"]
    assert state.document.made_by["backend"] == "discs" and state.document.light.value == "linear"
    assert state.record.notes == ({"key": "discs"},) and np.array_equal(picture(session, document), as_pixels(draw()))
    assert [entry.id for entry in session.layers.list()] == [document]


def test_an_order_is_refused_before_it_waits(programs: Programs, session: Session) -> None:
    work, asset = session.layer_work, session.store.add_picture(draw()).id
    with pytest.raises(UnknownName, match="discs"):
        work.decompose(asset, "x", "magic", {})
    with pytest.raises(InvalidRequest, match="texts"):
        work.decompose(asset, "x", "discs", {"texts": 3})
    with pytest.raises(InvalidRequest, match="work"):
        work.task(Recipe(layers={"work": "dance"}))
    programs.discs.reason = "its weights are not here"
    with pytest.raises(MissingModel, match="weights"):
        work.decompose(asset, "x", "discs", {})


def test_work_that_was_cut_off_is_begun_again_after_the_start(programs: Programs) -> None:
    session = programs.start()
    programs.discs.may_go.clear()
    asset = session.store.add_picture(draw()).id
    jobs = [submit(session, session.layer_work.decompose(asset, f"poster {number}", "discs", {})) for number in range(2)]
    assert programs.discs.has_begun.wait(TIMEOUT_S)
    session = programs.start()
    programs.discs.may_go.set()
    again = session.resume_jobs()
    assert [job.id for job in again] == [job.id for job in jobs]
    assert all(job.wait(TIMEOUT_S) and job.state is JobState.DONE for job in again)
    assert {record.name for record in session.layers.list()} == {"poster 0", "poster 1"}


def test_an_interrupted_job_leaves_no_document(programs: Programs, session: Session) -> None:
    programs.discs.may_go.clear()
    asset = session.store.add_picture(draw()).id
    job = submit(session, session.layer_work.decompose(asset, "x", "discs", {}))
    assert programs.discs.has_begun.wait(TIMEOUT_S) and job.progress > 0.4
    session.queue.interrupt(job)
    assert job.wait(TIMEOUT_S) and job.state is JobState.INTERRUPTED and not session.layers.list()


def test_one_layer_is_taken_apart_and_not_a_pixel_changes(session: Session) -> None:
    document = take_apart(session)
    background = layer_of(session, document, "background")
    turned = {"placement": {"rotation_deg": 20, "scale_x": 1.4, "scale_y": 1.1, "left": 3.5, "is_flipped_x": True}, "opacity": 0.7}
    session.layer_work.changing.edit(document, None, [{"op": "set", "layer": background, "values": turned}])
    before = picture(session, document)
    run(session, session.layer_work.split(document, background, "discs", {}))
    layers = session.layers.get(document).document.layers
    assert [layer.kind.value for layer in layers] == ["background", "subject", "text", "residual", "subject", "text"]
    assert layers[0].id == background and len({layer.name for layer in layers}) == len(layers)
    assert np.array_equal(picture(session, document), before)
    assert np.array_equal(picture(session, session.layers.undo(document).record.id), before)
    locked = [{"op": "set", "layer": background, "values": {"is_locked": True}}]
    session.layer_work.changing.edit(document, None, locked)
    with pytest.raises(InvalidRequest, match="locked"):
        session.layer_work.split(document, background, "discs", {})


def test_one_layer_is_repainted_inside_its_alpha(session: Session) -> None:
    document = take_apart(session, texts=False)
    subject = layer_of(session, document, "subject")
    before, changing = picture(session, document), session.layer_work.changing
    start = changing.start_repaint(document, subject)
    inside = np.asarray(session.store.mask(start["mask"])) > 0
    assert np.array_equal(np.asarray(session.store.open(start["picture"]).image), before[..., :3])
    run(session, session.layer_work.repaint(document, subject, {"prompt": "x"}, {}))
    after = picture(session, document)
    assert np.array_equal(after[~inside], before[~inside]) and np.array_equal(after[inside][:, :3], 255 - before[inside][:, :3])
    session.layers.undo(document)
    changing.take_repainted(document, None, subject, Image.fromarray(255 - before[..., :3]))
    assert np.array_equal(picture(session, document), after)
    with pytest.raises(InvalidRequest, match="init_images"):
        session.layer_work.repaint(document, subject, {"init_images": []}, {})


def test_a_file_takes_a_layers_place_or_lies_on_top(session: Session) -> None:
    document, changing = take_apart(session), session.layer_work.changing
    asset = session.store.add_picture(draw(3, (400, 100))).id
    state = changing.set_picture(document, 0, "new", asset)
    added = state.document.layers[-1]
    assert added.placement.scale_x == 48 / 400 and state.record.revision == 1
    state = changing.set_picture(document, 1, layer_of(session, document, "subject"), asset)
    assert state.document.layers[1].source.extent.size == (400, 100)
    with pytest.raises(InvalidRequest, match="layer"):
        changing.set_picture(document, None, "nobody", asset)


def test_a_layer_that_is_scaled_up_gets_more_pixels(session: Session) -> None:
    document = take_apart(session)
    subject = layer_of(session, document, "subject")
    session.layer_work.changing.edit(
        document, None, [{"op": "set", "layer": subject, "values": {"placement": {"scale_x": 2, "scale_y": 2}}}]
    )
    run(session, session.layer_work.enlarge(document, subject, "Lanczos"))
    layer = session.layers.get(document).document.layers[1]
    assert layer.enlarged.extent.width == 2 * layer.source.extent.width
    with pytest.raises(UnknownName, match="upscaler"):
        session.layer_work.enlarge(document, subject, "Magic")


@pytest.mark.parametrize("x", [float("nan"), float("inf"), True, "3"])
def test_a_new_text_has_a_place(session: Session, x: Any) -> None:
    document = take_apart(session)
    with pytest.raises(InvalidRequest, match="values.x"):
        session.layer_work.changing.set_text(document, 0, "new", {"string": "NEW", "x": x})


def test_the_light_draws_shadows_anew_in_the_same_step(session: Session) -> None:
    document, changing = take_apart(session, texts=False), session.layer_work.changing
    changing.set_shadow(document, None, layer_of(session, document, "subject"), {})
    old = session.layers.get(document).document.layers[1]
    state = changing.edit(document, None, [{"op": "document", "light_from_deg": 100, "name": "evening"}])
    new = state.document.layers[1]
    assert old.kind.value == new.kind.value == "shadow" and old.source != new.source and state.record.revision == 2
    assert session.layers.undo(document).document.layers[1] == old


@pytest.fixture
def folder(programs: Programs) -> Path:
    """Five pictures, of which one cannot be taken apart and one is no picture."""
    folder = programs.folder / "pictures"
    folder.mkdir()
    for number in range(3):
        draw(number).save(folder / f"{number}.png")
    Image.new("RGB", (20, 20), REFUSED).save(folder / "magenta.png")
    (folder / "broken.png").write_bytes(b"nothing")
    return folder


def test_a_folder_is_taken_apart_with_a_report(programs: Programs, session: Session, folder: Path) -> None:
    order = session.layer_work.batch("pictures", "outputs/apart", "discs", {"texts": False})
    job = run(session, order)
    out = programs.folder / "outputs" / "apart"
    assert job.result.counts == {"done": 3, "failed": 2, "total": 5}
    report = json.loads((out / "report.json").read_text())["pictures"]
    assert [entry["state"] for entry in report] == ["done"] * 3 + ["failed"] * 2
    assert [entry["error"].partition(":")[0] for entry in report[3:]] == ["picture", "picture"]
    rows = list(csv.DictReader((out / "report.csv").read_text("utf-8-sig").splitlines()))
    assert rows[0]["file"] == "0.png" and report[0]["layers"] == ["background", "subject"]
    assert (out / "0" / "subject.png").is_file() and (out / "0" / "layers.json").is_file()
    for kind in (out / "1.layers", out / "1"):
        document = session.layer_work.import_file(kind, kind.name).record.id
        assert np.array_equal(picture(session, document), as_pixels(draw(1)))
    assert not (out / "broken.layers").exists()
    programs.discs.seen.clear()
    (out / "2.layers").unlink()
    run(session, order)
    assert programs.discs.seen == [draw().size], "only what is missing is made; what failed is tried again"
    draw(7).save(folder / "1.bmp")  # comes before 1.png, whose results have that name
    run(session, order)
    for name, seed in (("1", 1), ("1-2", 7)):
        document = session.layer_work.import_file(out / f"{name}.layers", name).record.id
        assert np.array_equal(picture(session, document), as_pixels(draw(seed)))
    for texts in (True, False):
        run(session, session.layer_work.batch("pictures", "outputs/apart", "discs", {"texts": texts}))
        document = session.layer_work.import_file(out / "0.layers", "0").record.id
        assert len(session.layers.get(document).document.layers) == (3 if texts else 2), "other settings and back"


def test_folders_outside_the_data_folder_are_named_by_this_machine_alone(programs: Programs, folder: Path) -> None:
    session = programs.start(listen="0.0.0.0")
    for source, out in (("..", "outputs/x"), ("pictures", "../x"), ("pictures", "models"), ("/etc", "outputs/x")):
        with pytest.raises(UnsafePath):
            session.layer_work.batch(source, out, "discs", {})


def test_a_table_of_a_kept_document_is_rendered(programs: Programs, session: Session, folder: Path) -> None:
    document = take_apart(session)
    table = from_values([{"name": "one", "subject": "1.png"}, {"name": "two", "subject": "nothing.png"}])
    job = run(session, session.layer_work.table(document, table, "pictures", "outputs/made", ["50%"], "png"))
    assert job.result.counts == {"done": 1, "failed": 1, "total": 2}
    with Image.open(programs.folder / "outputs" / "made" / "one.png") as made:
        assert made.size == (24, 18)
    with pytest.raises(InvalidRequest, match="text:text: SALE"):
        session.layer_work.table(document, from_values([{"text:x": "y"}]), "", "outputs/made", [], "png")


def test_files_of_layers_are_brought_in(session: Session) -> None:
    document = take_apart(session)
    data = session.layers.look(document, None, lambda opened: opened.read_bytes(session.layers.folder))
    again = session.layer_work.import_file(data, "poster.layers")
    assert again.record.id != document and np.array_equal(picture(session, again.record.id), as_pixels(draw()))
    session.layers.delete(document)
    assert np.array_equal(picture(session, again.record.id), as_pixels(draw())), "it rests on its own file"
    for wrong in (b"", b"PK\x03\x04", b"nothing", b"8BPS"):
        with pytest.raises(InvalidRequest):
            session.layer_work.import_file(wrong, "x.zip")
