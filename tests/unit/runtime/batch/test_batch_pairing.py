"""Listing folders, pairing masks, naming results: names alone."""

from __future__ import annotations

import os
import time
import unicodedata
from pathlib import Path

import pytest

from modules.base.errors import InvalidRequest, UnsafePath
from modules.base.paths import Paths
from modules.imaging.naming import fit_name
from modules.runtime.batch.folders import FolderRules
from modules.runtime.batch.listing import LeftOut, PictureFile, in_order, list_folder
from modules.runtime.batch.naming import Names, further_names
from modules.runtime.batch.pairing import Problem, pair_masks
from modules.runtime.batch.plan import Begun, draw_plan
from modules.runtime.batch.settings import BatchSettings, MaskSource, Source


def files(*names: str) -> list[PictureFile]:
    return [PictureFile(Path("/x") / name, name, "1-1") for name in names]


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")
    return folder


def paired(pictures: list[str], masks: list[str]) -> dict[str, str | Problem]:
    pairs = pair_masks(files(*pictures), files(*masks))
    return {pair.picture.name: pair.problem or (pair.mask.name if pair.mask else "") for pair in pairs}


def test_files_come_in_the_order_people_count() -> None:
    names = ["b10.png", "b9.png", "A1.png", "a02.png", "é.png", "_.png"]
    assert [file.name for file in in_order(files(*names))] == ["_.png", "A1.png", "a02.png", "b9.png", "b10.png", "é.png"]


def test_a_folder_is_read_by_suffix_and_says_what_it_left_out(tmp_path: Path) -> None:
    outside = touch(tmp_path / "outside", "secret.png")
    folder = touch(tmp_path / "in", "b.JPG", "a.png", "note.txt", ".hidden.png", "🦊 tail.webp", "two\nlines.png")
    (folder / "sub").mkdir()
    (folder / "leak.png").symlink_to(outside / "secret.png")
    (folder / "gone.png").symlink_to(folder / "nothing.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "again.png").symlink_to(folder / "a.png")
    (folder / "pictures.png").symlink_to(outside)
    listing = list_folder(folder)
    assert [file.name for file in listing.files] == ["a.png", "again.png", "b.JPG", "two\nlines.png", "🦊 tail.webp"]
    assert listing.files[1].path == folder / "a.png"
    assert listing.left_out == {LeftOut.NO_PICTURE: 1, LeftOut.HIDDEN: 1, LeftOut.FOLDER: 1, LeftOut.LINK: 4}


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="nowhere"):
        list_folder(tmp_path / "nowhere")


def test_masks_pair_by_name_then_stem_then_stem_in_any_case() -> None:
    assert paired(["a.png", "a.jpg", "B.png", "c.png"], ["a.webp", "b.png"]) == {
        "a.png": "a.webp", "a.jpg": "a.webp", "B.png": "b.png", "c.png": Problem.NO_MASK,
    }  # fmt: skip
    assert paired(["a.png", "a.jpg"], ["a.png", "a.jpg"]) == {"a.png": "a.png", "a.jpg": "a.jpg"}
    assert paired(["a.gif"], ["a.png", "a.jpg"]) == {"a.gif": Problem.MANY_MASKS}
    assert paired(["a.png", "A.png"], ["A.jpg", "a.jpg"]) == {"a.png": "a.jpg", "A.png": "A.jpg"}
    assert paired(["Ab.png"], ["aB.png", "AB.png"]) == {"Ab.png": Problem.MANY_MASKS}


def test_an_accent_is_the_same_however_it_is_written() -> None:
    composed, apart = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    assert composed != apart
    assert paired([f"{composed}.png", "x.png"], [f"{apart}.png", "x.png"])[f"{composed}.png"] == f"{apart}.png"
    assert paired([f"{apart.upper()}.png", "x.png"], [f"{composed}.jpg", "x.png"])[f"{apart.upper()}.png"] == f"{composed}.jpg"


def test_one_mask_serves_all_and_no_masks_mean_none_are_wanted() -> None:
    assert paired(["a.png", "b.png"], ["any.png"]) == {"a.png": "any.png", "b.png": "any.png"}
    assert [pair.mask for pair in pair_masks(files("a.png"), None)] == [None]
    assert paired(["a.png"], []) == {"a.png": Problem.NO_MASK}


def test_results_of_one_stem_keep_their_suffixes_and_nothing_is_overwritten() -> None:
    pictures = files("a.png", "A.jpg", "b.png", "c.png", "c-2.png", "..png", "two\nlines.png", "🦊.png")
    names = Names(pictures, ["B.PNG", "b-2.png"], "png")
    given = [name for picture in pictures for name in names.give(picture, 1)]
    assert given == ["a.png.png", "A.jpg.png", "b-3.png", "c.png", "c-2.png", "png.png", "two_lines.png", "🦊.png"]
    several = Names(files("a.png", "a-1.png"), [], "webp")
    assert several.give(files("a.png")[0], 2) == ("a-1.webp", "a-2.webp")
    assert several.give(files("a-1.png")[0], 1) == ("a-1-2.webp",)


def test_a_name_of_any_length_fits() -> None:
    (name,) = Names(files("x" * 251 + ".png"), [], "png").give(files("x" * 251 + ".png")[0], 1)
    assert len(name.encode()) <= 255
    assert [next(names) for names in [further_names("a.png")] for _ in range(3)] == ["a.png", "a-2.png", "a-3.png"]


def test_thousands_of_names_that_begin_alike_are_told_apart_without_trying_all(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def fit(stem: str, extension: str) -> str:
        tried.append(stem)
        return fit_name(stem, extension)

    monkeypatch.setattr("modules.runtime.batch.naming.fit_name", fit)
    pictures = files(*(f"{'x' * 130}{number}.png" for number in range(5000)))
    names = Names(pictures, ["x" * 120 + "-3.png"], "png")
    given = [name for picture in pictures for name in names.give(picture, 1)]
    assert given[:3] == ["x" * 120 + ".png", "x" * 120 + "-2.png", "x" * 120 + "-4.png"] and len(set(given)) == 5000
    assert len(tried) == 5001


def test_long_names_in_any_script_still_get_their_numbers() -> None:
    pictures = files(*(f"{'狐' * 82}{number}.png" for number in range(30)))
    names = Names(pictures, [], "png")
    given = [name for picture in pictures for name in names.give(picture, 1)]
    assert len(set(given)) == 30 and max(len(name.encode()) for name in given) <= 255


def rules(data: Path, *, is_local: bool = True) -> FolderRules:
    return FolderRules(Paths.under(data), is_local)


def test_at_this_machine_any_folder_may_be_named(tmp_path: Path) -> None:
    data, pictures = touch(tmp_path / "data"), touch(tmp_path / "pictures", "a.png")
    here = rules(data)
    assert here.readable(f' "{pictures}" ', "input") == pictures
    assert here.writable(str(tmp_path / "new"), "output") == tmp_path / "new"
    assert here.writable("outputs/mine", "output") == data / "outputs" / "mine"
    for text in ("", str(tmp_path / "nowhere"), str(pictures / "a.png"), "a\0b"):
        with pytest.raises(InvalidRequest, match="input"):
            here.readable(text, "input")


def test_over_the_network_only_the_data_folder_may_be_named(tmp_path: Path) -> None:
    data, pictures = touch(tmp_path / "data"), touch(tmp_path / "pictures", "a.png")
    inside = touch(data / "mine")
    (inside / "out").symlink_to(pictures)
    there = rules(data, is_local=False)
    assert there.readable("mine", "input") == inside == there.readable(str(inside), "input")
    for text in (str(pictures), "../pictures", "mine/out"):
        for look in (there.readable, there.writable):
            with pytest.raises(UnsafePath, match="--listen"):
                look(text, "input")
    touch(data / "outputs" / "store")
    with pytest.raises(UnsafePath, match="belongs to the program"):
        there.readable("outputs/store", "input")


@pytest.mark.parametrize("text", [".", "modules", "models/x", "outputs/store", "outputs/batches/x"])
def test_results_stay_out_of_the_program(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnsafePath, match="outputs/mine"):
        rules(tmp_path).writable(text, "output")


def test_results_go_to_a_new_folder_of_the_day(tmp_path: Path) -> None:
    first = rules(tmp_path).new_output()
    assert first.parent == tmp_path / "outputs" / "img2img-batch" and first.name.endswith("-1") and not first.exists()
    first.mkdir(parents=True)
    assert rules(tmp_path).new_output().name.endswith("-2")


def test_a_plan_in_the_input_folder_overwrites_nothing_and_leaves_its_own_results_out(tmp_path: Path) -> None:
    folder = touch(tmp_path / "in", "a.png", "b.jpg")
    settings = BatchSettings(folder=str(folder), output_folder=str(folder))
    plan = draw_plan(settings, rules(tmp_path), 1, "png")
    assert [item.outputs for item in plan.items] == [("a-2.png",), ("b.png",)]
    touch(folder, "a-2.png", "c.png")
    begun = Begun(folder, {item.key: item.outputs for item in plan.items}, frozenset({"a-2.png"}))
    again = draw_plan(settings, rules(tmp_path), 1, "png", begun)
    assert [(item.pair.picture.name, item.outputs) for item in again.items] == [
        ("a.png", ("a-2.png",)), ("b.jpg", ("b.png",)), ("c.png", ("c-2.png",)),
    ]  # fmt: skip


def test_a_plan_says_what_is_missing(tmp_path: Path) -> None:
    empty, full = touch(tmp_path / "empty", "note.txt"), touch(tmp_path / "full", "a.png")
    here = rules(tmp_path)
    for settings, field in (
        (BatchSettings(folder=str(empty)), "img2img_batch_input_dir"),
        (BatchSettings(folder=str(full), masks=MaskSource.FOLDER, mask_folder=str(empty)), "img2img_batch_inpaint_mask_dir"),
        (BatchSettings(folder=str(full), masks=MaskSource.FOLDER, mask_folder=f"{full}/."), "another folder"),
        (BatchSettings(source=Source.FILES), "img2img_batch_files"),
        (BatchSettings(folder=str(full), masks=MaskSource.FILES), "img2img_batch_mask_files"),
        (BatchSettings(folder=str(full), masks=MaskSource.ONE, mask_files=tuple(files("a.png", "b.png"))), "one mask"),
        (BatchSettings(folder=str(full), props=("Seed",), info_folder="nowhere"), "img2img_batch_png_info_dir"),
    ):
        with pytest.raises(InvalidRequest, match=field):
            draw_plan(settings, here, 1, "png")


def test_settings_of_other_pictures_are_found_by_name_or_stem(tmp_path: Path) -> None:
    pictures, infos = touch(tmp_path / "in", "a.jpg", "b.jpg"), touch(tmp_path / "info", "a.png")
    plan = draw_plan(BatchSettings(folder=str(pictures), props=("Seed",), info_folder=str(infos)), rules(tmp_path), 1, "png")
    assert [item.info and item.info.name for item in plan.items] == ["a.png", None]
    own = draw_plan(BatchSettings(folder=str(pictures), props=("Seed",)), rules(tmp_path), 1, "png")
    assert [item.info and item.info.name for item in own.items] == ["a.jpg", "b.jpg"]


def test_ten_thousand_files_are_listed_and_paired_quickly(tmp_path: Path) -> None:
    for name in ("in", "masks"):
        (tmp_path / name).mkdir()
        for number in range(10_000):
            os.close(os.open(tmp_path / name / f"picture {number}.png", os.O_CREAT | os.O_WRONLY))
    settings = BatchSettings(folder=str(tmp_path / "in"), masks=MaskSource.FOLDER, mask_folder=str(tmp_path / "masks"))
    begun_s = time.process_time()
    plan = draw_plan(settings, rules(tmp_path), 1, "png")
    took_s = time.process_time() - begun_s
    print(f"\n10,000 pictures and 10,000 masks planned in {took_s:.2f} s (limit 20 s)")
    assert len(plan.items) == 10_000 and all(item.pair.mask and item.pair.mask.name == item.pair.picture.name for item in plan.items)
    assert [item.pair.picture.name for item in plan.items[:3]] == ["picture 0.png", "picture 1.png", "picture 2.png"]
    assert took_s < 20
