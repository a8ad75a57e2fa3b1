"""What counts as a subject, and what does not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from modules.backends.subject import SubjectNetwork
from modules.base.errors import MissingModel
from modules.pipeline.layers.builtin.subjects import find_subjects

FILE = Path(__file__).parents[4] / "models" / "subject" / "u2netp.onnx"


@pytest.mark.skipif(not FILE.is_file() and not os.environ.get("CI"), reason="u2netp.onnx, which set-up fetches, is not there")
def test_textures_have_no_subject_and_separate_things_are_several() -> None:
    network = SubjectNetwork(FILE)
    for texture in (data.grass(), data.brick(), data.gravel()):
        assert find_subjects(np.dstack([texture] * 3), network) == []
    picture = np.dstack([data.grass()] * 3)
    for left, colour in ((60, (230, 40, 30)), (310, (250, 200, 20))):
        picture[180:320, left : left + 140] = colour
    found = find_subjects(picture, network)
    assert len(found) == 2
    assert not (np.minimum(found[0].mask, found[1].mask) > 127).any()
    assert len(find_subjects(picture, network, max_subjects=1)) == 1


def test_a_missing_network_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingModel):
        find_subjects(np.zeros((8, 8, 3), np.uint8), SubjectNetwork(tmp_path / "u2netp.onnx"))
