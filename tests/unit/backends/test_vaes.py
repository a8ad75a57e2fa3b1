"""Which VAE file goes with a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.backends.vaes import choose_vae, find_vaes


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    vaes, checkpoints = tmp_path / "VAE", tmp_path / "checkpoints"
    for path in ("VAE/b.safetensors", "VAE/sub/a.safetensors", "VAE/.hidden.safetensors", "VAE/old.pt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    checkpoints.mkdir()
    for name in ("cat.safetensors", "cat.vae.safetensors", "dog.safetensors"):
        (checkpoints / name).touch()
    return vaes, checkpoints


def test_vaes_are_found_beside_checkpoints_and_in_their_folder(folders: tuple[Path, Path]) -> None:
    assert list(find_vaes([folders[0], Path("nowhere")], [folders[1]])) == ["a.safetensors", "b.safetensors", "cat.vae.safetensors"]


@pytest.mark.parametrize(
    ("wanted", "checkpoint", "name"),
    [
        ("Automatic", "cat.safetensors", "cat.vae.safetensors"),
        ("Automatic", "dog.safetensors", None),
        ("Automatic", "b.safetensors", "b.safetensors"),
        ("None", "cat.safetensors", None),
        ("", "cat.safetensors", None),
        ("a.safetensors", "cat.safetensors", "a.safetensors"),
        ("b", "cat.safetensors", "b.safetensors"),
        ("gone.pt", "cat.safetensors", None),
    ],
)
def test_the_option_chooses(folders: tuple[Path, Path], wanted: str, checkpoint: str, name: str | None) -> None:
    vaes = find_vaes([folders[0]], [folders[1]])
    chosen = choose_vae(wanted, folders[1] / checkpoint, vaes)
    assert (chosen.name if chosen else None) == name
