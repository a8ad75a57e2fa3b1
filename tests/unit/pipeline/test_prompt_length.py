"""Tokens beside a prompt, by the rules of the program whose pictures are asked for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from modules.backends.fake import FakeTextEncoder
from modules.base.errors import InvalidRequest
from modules.pipeline.processing import Img2ImgProcessing
from modules.pipeline.prompt_length import measure_prompts
from modules.settings.options import Options


def test_prompts_are_counted_as_they_will_be_read(tmp_path: Path) -> None:
    request = Img2ImgProcessing(prompt="a [b:c:0.5] AND <lora:x:1> d", negative_prompt="e BREAK f", steps=20)
    a1111, comfyui = Options(), dataclasses.replace(Options(), compat="comfyui")
    counts = [measure_prompts(request, tmp_path / "styles.csv", options, FakeTextEncoder()) for options in (a1111, comfyui)]
    assert [[count.tokens for count in pair] for pair in counts] == [[2, 76], [12, 3]]
    assert [[count.room for count in pair] for pair in counts] == [[75, 150], [75, 75]]
    request.negative_prompt = "a " * 9_000
    with pytest.raises(InvalidRequest, match="negative_prompt"):
        measure_prompts(request, tmp_path / "styles.csv", comfyui, FakeTextEncoder())
