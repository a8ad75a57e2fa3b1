"""The bar: holes, fills and verdicts, without a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.training import bar, fills, prompted, sheet
from models.training.data import Pack, write_pack


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Pack:
    folder: Path = tmp_path_factory.mktemp("pack")
    rng = np.random.default_rng(0)
    captions = ("the sea", "a dog", "granny smith apple", "kiwi")
    items = [(rng.integers(0, 256, (140, 180, 3), dtype=np.uint8), captions[i % 4], "scene") for i in range(420)]
    write_pack(folder, "photos", items)
    return Pack(folder, "photos")


@pytest.fixture(scope="module")
def hole() -> fills.Hole:
    rng = np.random.default_rng(1)
    return fills.Hole(0, rng.integers(40, 200, (256, 256, 3), dtype=np.uint8), fills.draw_blob(rng))


def test_blobs_have_the_wanted_size_and_keep_off_the_border():
    for seed in range(12):
        blob = fills.draw_blob(np.random.default_rng(seed))
        assert set(np.unique(blob)) == {0, 255}
        assert 0.05 <= (blob > 0).mean() <= 0.25
        assert not blob[:16].any()
        assert not blob[:, -16:].any()


def test_holes_are_the_same_each_time(pack):
    first, second = fills.make_holes(pack, 2), fills.make_holes(pack, 5)
    assert [hole.index for hole in first] == [100, 300] == [hole.index for hole in second]
    assert (first[0].mask == second[0].mask).all()
    assert first[0].truth.shape == (256, 256, 3)


def test_truth_is_perfect(hole):
    found = fills.measure(hole, hole.truth)
    assert found.psnr == found.core_psnr == 99
    assert found.texture == pytest.approx(1, abs=0.1)


def test_fills_change_nothing_outside(hole):
    filled = fills.fill_telea(hole)
    assert (filled[hole.soft == 0] == hole.truth[hole.soft == 0]).all()
    found = fills.measure(hole, filled)
    assert found.psnr < 20
    assert found.core_psnr < found.psnr  # some truth shines through at the rim
    assert found.texture < 0.2


def test_summary_takes_the_median_of_textures():
    rows = [fills.Measures(p, p, t, 1.0, 0.5, 0.5) for p, t in ((10.0, 0.1), (20.0, 1.0), (30.0, 70.0))]
    found = fills.summarise(rows)
    assert found["psnr"] == 20
    assert found["texture"] == 1


def verdicts(ours: fills.Measures, mean: fills.Measures) -> dict[str, bool]:
    other = fills.Measures(15.0, 14.0, 0.05, 1.0, 0.5, 0.5)
    measured = {bar.OURS: [ours], bar.OURS_MEAN: [mean], bar.TELEA: [other], bar.PATCHES: [other], bar.TRUTH: [other]}
    report = bar.Report()
    bar.judge_fill(measured, [mean.psnr - other.psnr], "", report)
    return {verdict["what"]: verdict["passes"] for verdict in report.verdicts}


def test_limits_of_the_fill():
    good = verdicts(fills.Measures(12.0, 12.0, 0.8, 0.7, 0.3, 0.4), fills.Measures(16.0, 15.0, 0.2, 0.9, 0.4, 0.5))
    bad = verdicts(fills.Measures(12.0, 12.0, 1.8, 1.2, 0.3, 0.9), fills.Measures(14.0, 13.0, 0.2, 0.9, 0.4, 0.5))
    assert list(good.values()) == [True] * 3
    assert list(bad.values()) == [False] * 3


def test_prompts_are_words_that_a_person_types(pack):
    captions = {entry.caption for entry in pack.entries}
    assert prompted.words_for("dog", captions) == ["a dog"]
    assert prompted.words_for("apple", captions) == ["an apple"]
    assert prompted.words_for("sea", captions) == ["the sea"]
    assert prompted.words_for("tropical fruit", captions) == ["a kiwi"]


def test_judged_part_surrounds_the_hole():
    for seed in range(6):
        mask = prompted.draw_middle(np.random.default_rng(seed))
        assert 0.2 < (mask > 0).mean() < 0.5
        part = prompted.cut_around(np.repeat(mask[..., None], 3, 2), mask)
        assert part.shape[0] == part.shape[1] <= 256
        assert (part > 0).sum() == 3 * (mask > 0).sum()


def test_fill_knows_what_was_recognised():
    blank = np.zeros((4, 4, 3), np.uint8)
    mask = np.full((4, 4), 255, np.uint8)
    fill = prompted.Fill("dog", "a dog", blank, mask, [blank, blank + 10], [["dog", "cat", "sea"], ["cat", "sea", "dog"]])
    assert (fill.right(1), fill.right(2), fill.right(3)) == (1, 1, 2)
    assert fill.difference == 10


def test_quick_is_small_and_parts_are_checked(capsys):
    args = bar.parse(["--pack", "x", "--classifier", "y", "--quick"])
    assert (args.photos, args.seeds, args.classes, args.parts) == (12, 2, 6, ["fill", "prompt"])
    assert args.classifier == Path("y")
    assert bar.parse(["--pack", "x"]).classifier.is_file()
    with pytest.raises(SystemExit):
        bar.parse(["--pack", "x", "--only", "fill,beauty"])
    assert "beauty" in capsys.readouterr().err


def test_sheet_is_drawn_and_saved(tmp_path, hole):
    row = [("truth", hole.truth), ("hole", sheet.show_hole(hole.truth, hole.mask))]
    sheet.save_picture(sheet.lay_out([row, row[:1]]), tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.size == (2 * 196, 2 * 212)
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
    assert sheet.spread(10, 3) == [0, 4, 9]


def test_report_can_be_written_as_json(capsys):
    report = bar.Report()
    report.table("fill", "Title", ["a", "b"], {"row": [1.5, "x"]})
    report.verdict("a", "1", "2", np.True_)
    assert json.loads(json.dumps(report.verdicts))[0]["passes"] is True
    assert "PASS" in capsys.readouterr().out


class QuickStudio:
    """Hands back what it was given."""

    def __init__(self, *arguments: object) -> None:
        pass

    def repaint(self, image: np.ndarray, mask: np.ndarray, count: int = 1, **changed: object) -> list[np.ndarray]:
        return [image] * count

    def __enter__(self) -> QuickStudio:
        return self

    def __exit__(self, *details: object) -> None:
        pass


def test_speed_is_told_beside_a_loop(pack, monkeypatch):
    monkeypatch.setattr(bar, "Studio", QuickStudio)
    report = bar.Report()
    bar.run_speed(pack, bar.parse(["--pack", "x"]), report)
    for spent, loop, ratio in report.tables["speed"]["rows"].values():
        assert ratio == pytest.approx(1000 * spent / loop)
    assert report.verdicts[0]["passes"]
    assert "MiB" in report.verdicts[0]["found"]


def test_fill_measures_every_method(pack):
    report = bar.Report()
    bar.run_fill(QuickStudio(), pack, bar.parse(["--pack", "x", "--photos", "1", "--seeds", "2"]), report)
    rows = report.tables["fill"]["rows"]
    assert set(rows) == {bar.OURS_MEAN, bar.OURS, bar.TELEA, bar.PATCHES, bar.TRUTH, bar.ENCODED}
    assert rows[bar.OURS] == rows[bar.TRUTH]
    assert len(report.rows) == 1
