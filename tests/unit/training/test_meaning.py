"""Words and their meaning: phrases that are taught, and the table of which few rows train."""

from __future__ import annotations

import json

import numpy as np
import torch

from models.training import meaning
from models.training.meaning import Phrase

DICTIONARY = """# CC-CEDICT
小狗 小狗 [xiao3 gou3] /puppy/CL:隻|只[zhi1]/
海 海 [hai3] /sea/(literary) to be like the sea/
走 走 [zou3] /to walk/
北京 北京 [Bei3 jing1] /Beijing/
消防車 消防车 [xiao1 fang2 che1] /fire engine/
"""


def test_dictionary_gives_known_things_only(tmp_path):
    file = tmp_path / "cedict.txt"
    file.write_text(DICTIONARY, encoding="utf-8")
    known = {"puppy", "sea", "fire", "walk", "beijing"}
    assert meaning.read_dictionary(file, None, known) == [Phrase("小狗", "puppy"), Phrase("海", "sea")]
    common = tmp_path / "common.txt"
    common.write_text("海\n走\n", encoding="utf-8")
    assert meaning.read_dictionary(file, common, known) == [Phrase("海", "sea")]


def test_frames_change_words_and_meaning_alike():
    rng = np.random.default_rng(0)
    for _ in range(40):
        english = meaning.frame_phrase(Phrase("a dog", "a dog"), rng)
        assert english.text == english.meaning
        assert english.text.endswith("dog")
        chinese = meaning.frame_phrase(Phrase("狗", "a dog"), rng)
        assert "狗" in chinese.text
        assert chinese.meaning.endswith("dog")
        assert ("色" in chinese.text) == (chinese.meaning != "dog")


def test_captions_of_photos_and_cutouts_are_taught_in_both_languages(tmp_path):
    (tmp_path / "cutouts.json").write_text(json.dumps([{"caption": "red lantern", "caption_zh": "红灯笼"}]), encoding="utf-8")
    found = meaning.caption_phrases(tmp_path)
    assert Phrase("红灯笼", "red lantern") in found
    assert any(phrase.text == "大海" and phrase.meaning.endswith(("ocean", "sea")) for phrase in found)


def test_only_chosen_rows_train():
    table = torch.nn.Embedding(6, 3)
    table.weight.requires_grad_(False)
    before = table.weight.clone()
    torch.nn.utils.parametrize.register_parametrization(table, "weight", meaning.TrainedRows(table.weight, torch.tensor([1, 4])))
    assert [p.shape for p in table.parameters() if p.requires_grad] == [(2, 3)]
    optimizer = torch.optim.SGD([p for p in table.parameters() if p.requires_grad], lr=1.0)
    table(torch.tensor([0, 1, 4, 5])).sum().backward()
    optimizer.step()
    changed = (table.weight != before).any(1)
    assert changed.tolist() == [False, True, False, False, True, False]
