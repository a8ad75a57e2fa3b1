"""Lists of what prompts may name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from safetensors.numpy import save_file
from starlette.testclient import TestClient


def test_embeddings_as_a1111_lists_them(make_client: Callable[..., TestClient], tmp_path: Path) -> None:
    further = tmp_path / "further"
    for folder, name, width in (
        (further, "tiny_ti", 64),
        (tmp_path / "embeddings", "wide", 768),
        (tmp_path / "models/embeddings", "nan", 64),
    ):
        folder.mkdir(parents=True)
        save_file({"emb_params": np.full((3, width), np.nan if name == "nan" else 1, "float32")}, folder / f"{name}.safetensors")
    client = make_client(embeddings_dir=further)
    nothing = {"step": None, "sd_checkpoint": None, "sd_checkpoint_name": None}
    listed = client.get("/sdapi/v1/embeddings").json()
    assert listed["loaded"]["tiny_ti"] == {**nothing, "shape": 64, "vectors": 3}
    assert list(listed["loaded"]) == ["tiny_ti", "wide"] and list(listed["skipped"]) == ["nan"]
    assert "not finite" in listed["skipped"]["nan"]["reason"]
    client.app.state.session.pool._model = SimpleNamespace(text=SimpleNamespace(width=64))
    listed = client.get("/sdapi/v1/embeddings").json()
    assert list(listed["loaded"]) == ["tiny_ti"] and list(listed["skipped"]) == ["nan", "wide"]
    assert listed["skipped"]["wide"]["shape"] == 768 and "768 numbers wide" in listed["skipped"]["wide"]["reason"]
    (further / "tiny_ti.safetensors").unlink()
    assert client.post("/sdapi/v1/refresh-embeddings").status_code == 200
    assert client.get("/sdapi/v1/embeddings").json()["loaded"] == {}


def test_styles_as_a1111_lists_them(make_client: Callable[..., TestClient], tmp_path: Path) -> None:
    client = make_client()
    assert client.get("/sdapi/v1/prompt-styles").json() == []
    (tmp_path / "styles.csv").write_text('name,prompt,negative_prompt\noil,"oil, {prompt}",\n', "utf-8-sig")
    assert client.get("/sdapi/v1/prompt-styles").json() == [{"name": "oil", "prompt": "oil, {prompt}", "negative_prompt": ""}]
