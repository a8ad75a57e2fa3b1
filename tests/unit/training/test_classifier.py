"""The classifier: what it is shown, and that it learns and comes back from its file."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from models.training import bar, classifier
from models.training.data import Pack, write_pack

CAPTIONS = ("the sea", "a dog", "granny smith apple", "royal gala apple")


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Pack:
    """Pictures that colour alone tells apart."""
    folder, rng = tmp_path_factory.mktemp("pack"), np.random.default_rng(0)
    colours = {"the sea": (40, 60, 200), "a dog": (180, 140, 60), "granny smith apple": (60, 200, 60), "royal gala apple": (60, 200, 60)}
    items = [
        (np.clip(rng.normal(colours[CAPTIONS[i % 4]], 12, (130, 140, 3)), 0, 255).astype(np.uint8), CAPTIONS[i % 4], "x")
        for i in range(220)
    ]
    write_pack(folder, "photos", items)
    return Pack(folder, "photos")


def test_rare_classes_are_left_out():
    captions = ["a dog"] * 5 + ["the sea"] * 3 + ["granny smith apple"] * 2 + ["royal gala apple"] * 2
    assert classifier.list_classes(captions, least=4) == ["apple", "dog"]


def test_splits_share_no_photo(pack):
    learnt, checked, held_out = map(set, classifier.split_photos(pack))
    assert not learnt & checked
    assert not (learnt | checked) & held_out
    assert len(learnt | checked | held_out) == len(pack)
    assert held_out == set(pack.split(held_out=True))


def test_batches_are_within_range_and_of_their_class(pack):
    classes = ["apple", "dog", "sea"]
    shown = classifier.Shown.of(pack, classifier.split_photos(pack)[0], classes)
    images, labels = classifier.draw_batch(shown, shown.weights(), 24, 64, np.random.default_rng(0))
    assert images.shape == (24, 3, 64, 64)
    assert images.abs().max() <= 1
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert labels.max() < 3
    # Apples are twice as many as the others, and drawn less than twice as often.
    share = shown.weights()[shown.labels == 0].sum()
    assert 1 / 3 < share < 1 / 2


def test_learns_resumes_and_comes_back(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(classifier, "BATCH", 8)
    torch.manual_seed(0)
    classes = ["apple", "dog", "sea"]
    learnt, checked, held_out = classifier.split_photos(pack)
    shown = classifier.Shown.of(pack, learnt, classes)
    model = classifier.build_classifier(3)
    classifier.train(model, shown, tmp_path / "state", 0.02, resume=False)
    progress = tmp_path / "state" / "progress.json"
    before = json.loads(progress.read_text())
    classifier.train(model, shown, tmp_path / "state", (before["spent_s"] + 1) / 60, resume=True)
    assert json.loads(progress.read_text())["step"] > before["step"] > 0
    classifier.settle_norms(model, shown, np.random.default_rng(1), batches=6)
    classifier.write_classifier(model, classes, tmp_path / "c.safetensors")
    again, names = classifier.load_classifier(tmp_path / "c.safetensors")
    assert names == classes
    part = classifier.Shown.of(pack, checked + held_out, classes)
    crops = [pack.image(int(i)) for i in part.indices]
    assert torch.allclose(classifier.classify(model, crops), classifier.classify(again, crops), atol=5e-3)
    found = classifier.count_right(again, part, classes)
    assert sum(row[0] for row in found.values()) == len(part.indices)
    assert all(first <= third <= total for total, first, third in found.values())


def test_the_judge_in_the_repository_knows_its_classes():
    judge, classes = classifier.load_classifier(bar.CLASSIFIER)
    assert len(classes) == 35
    assert {"apple", "cat", "dress", "forest", "milk", "sea"} <= set(classes)
    grass = np.zeros((64, 64, 3), np.uint8)
    likely = classifier.classify(judge, [grass + np.array([20, 60, 160], np.uint8), grass + np.array([200, 20, 20], np.uint8)])
    assert torch.allclose(likely.sum(1), torch.ones(2), atol=1e-4)
    assert not torch.allclose(likely[0], likely[1], atol=0.05)
