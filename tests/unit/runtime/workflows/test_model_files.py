"""Models by the names that workflows have for them, and what is taken where one is not here."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modules.base.errors import UnknownName
from modules.runtime.workflows.model_files import CHECKPOINTS, LORAS, ModelFiles


def models(*names: str, loras: tuple[str, ...] = ()) -> ModelFiles:
    def checkpoint(name: str) -> Any:
        return SimpleNamespace(name=name, path=Path("models") / name, is_supported=True)

    def lora(place: str) -> Any:
        return SimpleNamespace(place=place, path=Path(f"{place}.safetensors"), is_pickle=False)

    return ModelFiles(lambda: map(checkpoint, names), dict, lambda: map(lora, loras), list, list)


@pytest.mark.parametrize(
    ("here", "asked", "found", "is_stand_in"),
    [
        (("a.safetensors", "sub/a.safetensors"), "sub\\a.safetensors", "sub/a.safetensors", False),
        (("sub/a.safetensors",), "a.safetensors", "sub/a.safetensors", False),
        (("v1-5-pruned-emaonly.safetensors",), "v1-5-pruned-emaonly.ckpt", "v1-5-pruned-emaonly.safetensors", True),
        (("Mine.safetensors", "other.safetensors"), "SD1.5/mine.ckpt", "Mine.safetensors", True),
        (("stable-diffusion-v1-5.safetensors",), "v1-5-pruned-emaonly.safetensors", "stable-diffusion-v1-5.safetensors", True),
        (("sd-v1-5-inpainting.safetensors",), "sd15-inpainting.ckpt", "sd-v1-5-inpainting.safetensors", True),
    ],
)
def test_a_checkpoint_is_found_by_its_name_or_another_of_its_names(
    here: tuple[str, ...], asked: str, found: str, is_stand_in: bool
) -> None:
    files = models(*here)
    assert files.find(CHECKPOINTS, asked).name == found
    other = files.stand_in(CHECKPOINTS, asked)
    assert (other is not None) is is_stand_in and (other is None or other.name == found)


@pytest.mark.parametrize(
    ("here", "asked"),
    [
        (("v1-5-pruned-emaonly-fp16.safetensors",), "v1-5-pruned-emaonly.safetensors"),  # rounded: not the same weights
        (("x/a.safetensors", "y/a.safetensors"), "a.safetensors"),
        (("x/a.safetensors", "y/a.safetensors"), "a.ckpt"),
        ((), "a.ckpt"),
        (("a.safetensors",), ""),
    ],
)
def test_what_is_not_here_or_not_alone_is_not_guessed(here: tuple[str, ...], asked: str) -> None:
    files = models(*here)
    with pytest.raises(UnknownName):
        files.find(CHECKPOINTS, asked)
    assert files.stand_in(CHECKPOINTS, asked) is None and not files.has(CHECKPOINTS, asked)


def test_a_lora_is_found_without_folder_and_ending() -> None:
    files = models(loras=("styles/ink", "b"))
    for asked in ("styles/ink.safetensors", "ink.safetensors", "elsewhere\\ink.safetensors", "ink.pt", "ink"):
        assert files.find(LORAS, asked).name == "styles/ink.safetensors"


def test_for_many_questions_each_kind_is_listed_once() -> None:
    listed = []
    files = ModelFiles(lambda: listed.append(1) or [], dict, list, list, list).at_once()
    assert not any(files.has(CHECKPOINTS, f"{number}.safetensors") for number in range(20)) and len(listed) == 1
