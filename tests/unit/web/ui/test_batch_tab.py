"""What the batch tab reads and shows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from modules.runtime.batch.batches import DryRun
from modules.runtime.batch.check import Check, Row
from modules.runtime.batch.listing import LeftOut, PictureFile
from modules.runtime.batch.manifest import FileState, Manifest, Status
from modules.runtime.batch.pairing import Pair, Problem
from modules.runtime.batch.plan import Item, Plan
from modules.runtime.batch.settings import PROPS, BatchSettings, MaskSource, Source
from modules.web.ui.batch import PROP_TEXTS, read_dropped, read_settings
from modules.web.ui.batch_table import LEFT_OUT, MAX_ROWS, PROBLEMS, STATES, dry_run_html, report_html
from modules.web.ui.texts import LANGUAGES, Texts

EVIL = '<img src=x onerror=alert(1)>".png'


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts.load()


def item(name: str, mask: str | None = None, problem: Problem | None = None, detail: str = "") -> Item:
    files = [PictureFile(Path("/x") / part, part, "1-1") for part in (name, mask) if part is not None]
    return Item(Pair(files[0], files[1] if mask else None, problem, detail), (name,))


def test_settings_are_read_as_they_are_chosen() -> None:
    values = ["folder", " /a ", None, "folder", "/m", None, None, True, False, ["Seed"], "/i", True]
    settings, is_anew = read_settings(values)
    assert settings == BatchSettings(folder=" /a ", masks=MaskSource.FOLDER, mask_folder="/m") and is_anew
    values[8] = True
    assert read_settings(values)[0].props == ("Seed",) and read_settings(values)[0].info_folder == "/i"
    file = PictureFile(Path("/t/0a1b/a.png"), "a.png", "3-0a1b")
    assert read_settings(["files", "", [file], "one", "", [file], "", False, False, [], "", False]) == (
        BatchSettings(Source.FILES, files=(file,), masks=MaskSource.ONE, mask_files=(file,), has_own_size=False), False,
    )  # fmt: skip


def test_dropped_files_keep_their_names_and_are_known_by_their_contents() -> None:
    dropped = [SimpleNamespace(path="/t/0a1b/a_.png", orig_name="../../a ü.png", size=3)]
    assert read_dropped(SimpleNamespace(root=dropped)) == [PictureFile(Path("/t/0a1b/a_.png"), "a ü.png", "3-0a1b")]
    assert read_dropped(None) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_shown_and_never_run(texts: Texts, language: str) -> None:
    items = [item(EVIL, EVIL), item("lone\udcff.png"), item("c.png", problem=Problem.NO_MASK, detail=EVIL)]
    rows = tuple(Row(one, (64, 48), (64, 48) if one.pair.mask else None) for one in items)
    plan = Plan(tuple(items), Path("/out <b>"))
    dry = DryRun(Check(rows, 3), plan.output_folder, {LeftOut.HIDDEN: 2})
    manifest = Manifest("2026-01-01-0123456789abcdef", Path("/m"), "ann", 0.0, "", 1, {}, BatchSettings(), plan, {})
    manifest.statuses[items[1].key] = Status(FileState.FAILED, error=EVIL, notes=(EVIL,))
    for shown in (dry_run_html(texts, language, dry, 90.0), report_html(texts, language, manifest, is_running=False)):
        assert "<img" not in shown and "<b>" not in shown and "&lt;img" in shown
        shown.encode()


def test_a_long_table_is_cut_and_says_so(texts: Texts) -> None:
    rows = tuple(Row(item(f"{number}.png")) for number in range(MAX_ROWS + 7))
    shown = dry_run_html(texts, "en", DryRun(Check(rows, 5), Path("/out"), {}), None)
    assert shown.count("<tr") == MAX_ROWS + 1 and "… and 7 more" in shown and "5 of 307 files were looked into" in shown


def test_everything_that_can_happen_has_words(texts: Texts) -> None:
    assert PROP_TEXTS.keys() == set(PROPS) and LEFT_OUT.keys() == set(LeftOut)
    assert PROBLEMS.keys() == set(Problem) and STATES.keys() == set(FileState)
    assert all(texts.has(text_id) for table in (PROP_TEXTS, LEFT_OUT, PROBLEMS, STATES) for text_id in table.values())
