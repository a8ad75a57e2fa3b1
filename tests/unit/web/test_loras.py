"""The list of LoRA files over HTTP, in A1111's shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from starlette.testclient import TestClient


def test_loras_of_both_folders_are_listed_as_a1111_lists_them(tmp_path: Path, make_client: Callable[..., TestClient]) -> None:
    own, further = tmp_path / "models" / "Lora" / "sub", tmp_path / "further"
    own.mkdir(parents=True)
    further.mkdir()
    client = make_client(lora_dir=further)
    assert client.get("/sdapi/v1/loras").json() == []
    save_file({"lora_unet_conv_in.diff": torch.ones(4)}, own / "b.safetensors", metadata={"format": "pt"})
    save_file(
        {"lora_unet_conv_in.diff": torch.ones(4)}, further / "A.safetensors", metadata={"ss_output_name": "The A", "ss_tags": '{"x": 1}'}
    )
    (further / "broken.safetensors").write_bytes(b"x" * 20)
    (further / "pickle.pt").write_bytes(b"\x80")
    assert client.post("/sdapi/v1/refresh-loras").status_code == 200
    assert client.get("/sdapi/v1/loras").json() == [
        {
            "name": "A",
            "alias": "The A",
            "path": str(further / "A.safetensors"),
            "metadata": {"ss_output_name": "The A", "ss_tags": {"x": 1}},
        },
        {"name": "b", "alias": "b", "path": str(own / "b.safetensors"), "metadata": {"format": "pt"}},
    ]
