"""Textual inversion files: layouts, names, what is refused, and how a prompt finds them."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from modules.backends.embeddings.catalog import EmbeddingCatalog, problem_with
from modules.backends.embeddings.file import read_vectors
from modules.backends.fake import FakeTextEncoder
from modules.base.errors import UnusableNetwork
from modules.engine.prompts.attention import parse_attention
from modules.engine.prompts.chunks import chunk_fragments
from modules.engine.prompts.conditioning import build_conditioning

ENCODER = FakeTextEncoder()


def write(folder: Path, name: str, count: int = 3, width: int = 16, key: str = "emb_params", value: float = 0.5) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    save_file({key: np.full((count, width), value, "float32")}, path)
    return path


def write_claim(path: Path, dtype: str, shape: list[int], size: int) -> Path:
    """A header that claims `size` bytes, and none of them."""
    header = json.dumps({"emb_params": {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


@pytest.mark.parametrize("key", ["emb_params", "clip_l", "<my-cat>", "anything"])
def test_layouts_with_one_tensor(tmp_path: Path, key: str) -> None:
    path = write(tmp_path, "x", key=key)
    read = read_vectors(path)
    assert read.values.shape == (3, 16) and read.values.dtype == np.float32 and read.values[1, 2] == 0.5
    assert read.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_types_of_numbers_and_a_single_vector(tmp_path: Path, dtype: torch.dtype) -> None:
    values = torch.linspace(-3, 3, 16).to(dtype)
    save_torch({"<token>": values}, tmp_path / "x.safetensors")
    assert torch.equal(torch.from_numpy(read_vectors(tmp_path / "x.safetensors").values), values.float()[None])


def refusals(folder: Path) -> dict[str, Path]:
    save_file({"a": np.zeros((1, 16), "f4"), "b": np.zeros((1, 16), "f4")}, folder / "two.safetensors")
    save_file({"clip_l": np.zeros((1, 16), "f4"), "clip_g": np.zeros((1, 20), "f4")}, folder / "xl.safetensors")
    save_file({"a": np.full((2, 16), np.nan, "f4")}, folder / "nan.safetensors")
    save_file({"a": np.full((2, 16), 1e300, "f8")}, folder / "huge.safetensors")
    save_file({"a": np.zeros((2, 16), "i4")}, folder / "whole.safetensors")
    save_file({"a": np.zeros((2, 4, 4), "f4")}, folder / "cube.safetensors")
    save_file({"a": np.zeros((0, 16), "f4")}, folder / "none.safetensors")
    save_file({"a": np.zeros((76, 16), "f4")}, folder / "many.safetensors")
    save_file({"a": np.zeros((1, 9000), "f4")}, folder / "wide.safetensors")
    with (folder / "large.safetensors").open("wb") as file:
        file.truncate(20 << 20)
    write_claim(folder / "claim.safetensors", "F32", [1, 2_500_000_000], 10_000_000_000)
    write_claim(folder / "million.safetensors", "F32", [1_000_000, 768], 3_072_000_000)
    write_claim(folder / "liar.safetensors", "F32", [3, 16], 10)
    (folder / "short.safetensors").write_bytes(write(folder, "whole_file").read_bytes()[:-8])
    (folder / "text.safetensors").write_text("<html>not found</html>")
    (folder / "header.safetensors").write_bytes((2 << 40).to_bytes(8, "little") + b"{" * 100)
    (folder / "old.pt").write_bytes(b"PK\x03\x04 pickle")
    (folder / "concept.bin").write_bytes(b"\x80\x02 pickle")
    return {
        "two": "it holds 2 tensors ('a', 'b'), an embedding holds one",
        "xl": "made for SDXL",
        "nan": "not finite numbers",
        "huge": "not finite numbers",
        "whole": "type I32",
        "cube": "has 3 dimensions, wanted 2",
        "none": "has 0 vectors, wanted 1 to 75",
        "many": "has 76 vectors, wanted 1 to 75",
        "wide": "9000 numbers wide",
        "large": "20971520 bytes, an embedding has at most",
        "claim": "is truncated",
        "million": "is truncated",
        "liar": "does not fill 10 bytes",
        "short": "is truncated",
        "text": "web page",
        "header": "is no safetensors file",
        "old": "a pickle file can run code",
        "concept": "a pickle file can run code",
    }


def test_what_cannot_be_used_is_listed_with_its_reason_at_once(tmp_path: Path) -> None:
    reasons = refusals(tmp_path)
    started = time.process_time()
    listed = {info.name: info for info in EmbeddingCatalog([tmp_path]).scan()}
    assert time.process_time() - started < 5
    assert listed.pop("whole_file").problem == ""
    assert set(listed) == set(reasons)
    for name, reason in reasons.items():
        assert reason in listed[name].problem, name


def test_a_million_tensors_are_not_looked_at(tmp_path: Path) -> None:
    entries = {str(number): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(200_000)}
    header = json.dumps(entries).encode()
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    started = time.process_time()
    with pytest.raises(UnusableNetwork):
        read_vectors(tmp_path / "x.safetensors")
    assert time.process_time() - started < 1


def test_folders_below_links_and_hidden_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write(one / "style", "Inner")
    write(one, ".hidden")
    write(one / ".git", "commit")
    write(one, "both", value=1.0)
    write(two, "both", value=2.0)
    (one / "loop").symlink_to(one, target_is_directory=True)
    (one / "preview.png").write_bytes(b"")
    infos = EmbeddingCatalog([one, two, tmp_path / "missing", one]).scan()
    assert [info.name for info in infos] == ["both", "both", "Inner"]
    assert [bool(info.problem) for info in infos] == [False, True, False]
    assert str(one / "both.safetensors") in infos[1].problem


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "x", count=1)
    catalog = EmbeddingCatalog([tmp_path])
    table = catalog.table(ENCODER)
    assert catalog.table(ENCODER) is table and catalog.table(FakeTextEncoder()) is not table
    table = catalog.table(ENCODER)
    monkeypatch.setattr("modules.backends.embeddings.catalog.read_vectors", lambda path: pytest.fail("opened again"))
    assert catalog.scan()[0].vectors == 1
    monkeypatch.undo()
    write(tmp_path, "x", count=2)
    os.utime(path, ns=(1, 1))
    assert catalog.scan()[0].vectors == 2
    assert catalog.table(ENCODER).signature != table.signature
    path.unlink()
    assert catalog.scan() == [] and catalog.table(ENCODER).signature == ()


def test_a_file_that_changes_during_a_job_is_said(tmp_path: Path) -> None:
    write(tmp_path, "x", count=1)
    table = EmbeddingCatalog([tmp_path]).table(ENCODER)
    write(tmp_path, "x", count=2)
    with pytest.raises(UnusableNetwork, match="changed while the job ran"):
        table.find(ENCODER.tokenize("x"), 0)


def test_only_what_fits_the_encoder_is_found(tmp_path: Path) -> None:
    write(tmp_path, "fits")
    write(tmp_path, "other", width=24)
    catalog = EmbeddingCatalog([tmp_path])
    table = catalog.table(ENCODER)
    found, length = table.find(ENCODER.tokenize("a FITS"), 1)
    assert (found.name, length, tuple(found.vectors.shape), len(found.short_hash)) == ("fits", 1, (3, 16), 12)
    assert table.find(ENCODER.tokenize("other"), 0) is None
    assert table.mentions_of_skipped("an (Other:1.2), fits, another") == {
        "other": "its vectors are 24 numbers wide, the model's text encoder takes 16"
    }
    assert table.mentions_of_skipped("another") == {}
    assert [problem_with(info, None) for info in catalog.scan()] == ["", ""]


def insertions(prompt: str, folder: Path) -> list[tuple[int, int, str, float]]:
    """(chunk, offset, name, weight) of each embedding in a prompt."""
    chunks = chunk_fragments(parse_attention(prompt), ENCODER, embeddings=EmbeddingCatalog([folder]).table(ENCODER)).chunks
    return [
        (index, item.offset, item.embedding.name, round(chunk.weights[item.offset + 1], 3))
        for index, chunk in enumerate(chunks)
        for item in chunk.insertions
    ]


def test_names_in_prompts(tmp_path: Path) -> None:
    write(tmp_path, "tiny_ti")
    write(tmp_path, "tiny", count=1)
    write(tmp_path, "two words", count=2)
    assert insertions("tiny_ti", tmp_path) == [(0, 0, "tiny_ti", 1.0)]
    assert insertions("TINY_ti, tiny cat", tmp_path) == [(0, 0, "tiny_ti", 1.0), (0, 4, "tiny", 1.0)]
    assert insertions("a (tiny_ti:1.3) b (two words)", tmp_path) == [(0, 1, "tiny_ti", 1.3), (0, 5, "two words", 1.1)]
    assert insertions("tinyti tiny_ties tinytiny", tmp_path) == [(0, 1, "tiny", 1.0)]
    assert insertions("tiny (_ti)", tmp_path) == [(0, 0, "tiny", 1.0)]
    assert insertions("a BREAK tiny_ti", tmp_path) == [(1, 0, "tiny_ti", 1.0)]


def test_an_embedding_is_never_torn_apart(tmp_path: Path) -> None:
    write(tmp_path, "three")
    assert insertions("a " * 72 + "three", tmp_path) == [(0, 72, "three", 1.0)]
    assert insertions("a " * 73 + "three", tmp_path) == [(1, 0, "three", 1.0)]
    assert insertions("a " * 75 + "three", tmp_path) == [(1, 0, "three", 1.0)]
    write(tmp_path, "full", count=75)
    assert insertions("a full a", tmp_path) == [(1, 0, "full", 1.0)]


def test_vectors_stay_behind_when_a_comma_breaks_the_chunk(tmp_path: Path) -> None:
    """A1111 moves the tokens after the comma, and forgets the vectors that belong to them."""
    write(tmp_path, "three")
    table = EmbeddingCatalog([tmp_path]).table(ENCODER)
    chunks = chunk_fragments(parse_attention("a " * 60 + ", three " + "b " * 20), ENCODER, embeddings=table).chunks
    assert [item.offset for item in chunks[0].insertions] == [61] and not chunks[1].insertions
    assert chunks[0].tokens[61:64] == [ENCODER.comma_token, ENCODER.end_token, ENCODER.end_token]
    assert chunks[1].tokens[1:4] == [0, 0, 0]


def test_parts_alternatives_and_the_cache(tmp_path: Path) -> None:
    write(tmp_path, "one", value=1.0)
    write(tmp_path, "two", value=2.0)
    catalog, cache = EmbeddingCatalog([tmp_path]), {}

    def encode(prompt: str) -> torch.Tensor:
        table = catalog.table(ENCODER)
        made = build_conditioning([prompt], 6, ENCODER, embeddings=table, cache=cache, cache_key=("model",))
        names.append([[name for name, _ in use.embeddings] for use in made.uses])
        return torch.cat([made.at(0).vectors, made.at(5).vectors])

    names: list[list[list[str]]] = []
    parts = encode("one AND a two one BREAK two")
    assert names.pop() == [["one"], ["two", "one"]]
    assert torch.allclose(parts[0, 1:4], parts[0, 2:3], atol=0.3) and not torch.allclose(parts[0, 1:4], parts[1, 2:5], atol=0.5)
    timed = encode("a [one:two:0.5] b")
    assert names.pop() == [["one", "two"]]
    assert not torch.allclose(timed[0, 2:5], timed[1, 2:5], atol=0.5)
    write(tmp_path, "one", count=2, value=1.0)
    assert not torch.equal(encode("a [one:two:0.5] b")[0], timed[0])
