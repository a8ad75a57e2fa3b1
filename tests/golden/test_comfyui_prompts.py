"""ComfyUI's prompts: tokens and conditioning that ComfyUI 0.8.0 recorded (data/comfyui/units), and what its syntax says beyond them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.backends.catalog import Catalog
from modules.backends.embeddings.catalog import EmbeddingCatalog
from modules.backends.fake import FakeTextEncoder
from modules.backends.loader import load_checkpoint
from modules.backends.tokenizer import ClipTokenizer
from modules.base.errors import InvalidRequest
from modules.engine.comfyui.prompts import build_conditioning, count_tokens, encode_text
from modules.engine.comfyui.tokens import chunk_text, parse_weights
from modules.engine.model import TextEncoder, TokenVectors
from modules.engine.prompts.chunks import Chunk, Embedding

UNITS = Path(__file__).parent / "data" / "comfyui" / "units"
TOKENS: dict[str, dict[str, Any]] = json.loads((UNITS / "tokens.json").read_text(encoding="utf-8"))
CONDITIONING = np.load(UNITS / "conditioning.npz")


class Table:
    """Embeddings of given lengths; vector i of one is filled with i + 1."""

    signature = "table"

    def __init__(self, width: int = 16, **lengths: int) -> None:
        self.vectors = {name: torch.arange(1.0, count + 1)[:, None].expand(count, width) for name, count in lengths.items()}

    def find(self, tokens: Sequence[int], position: int) -> tuple[Embedding, int] | None:
        raise AssertionError("ComfyUI finds no bare names")

    def named(self, name: str) -> Embedding | None:
        stem = name.removesuffix(".safetensors")
        return Embedding(stem, self.vectors[stem]) if stem in self.vectors else None


def shown(chunk: Chunk) -> list[list[Any]]:
    inside = {item.offset + 1 + index for item in chunk.insertions for index in range(len(item.embedding.vectors))}
    pairs = zip(chunk.tokens, chunk.weights, strict=True)
    return [["vector" if place in inside else token, weight] for place, (token, weight) in enumerate(pairs)]


@pytest.fixture(scope="module")
def clip(vocabulary: Path) -> FakeTextEncoder:
    tokenizer = ClipTokenizer(vocabulary)

    class Encoder(FakeTextEncoder):
        def tokenize(self, text: str) -> list[int]:
            return tokenizer.tokenize(text)

    return Encoder()


@pytest.fixture(scope="module")
def encoder(tiny_models: Path, vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    catalog = Catalog([tiny_models], tmp_path_factory.mktemp("cache") / "checkpoints.json")
    model = load_checkpoint(catalog.find("tiny_sd15"), torch.device("cpu"), torch.float32, vocabulary=vocabulary)
    return model.text


@pytest.mark.parametrize("case", TOKENS)
def test_tokens_are_exact(case: str, clip: FakeTextEncoder) -> None:
    got = chunk_text(TOKENS[case]["prompt"], clip, Table(tiny_ti=3))
    assert [[[token, round(weight, 6)] for token, weight in shown(chunk)] for chunk in got.chunks] == TOKENS[case]["chunks"]


def test_conditioning(encoder: TextEncoder, tiny_models: Path) -> None:
    table = EmbeddingCatalog([tiny_models / "embeddings"]).table(encoder)
    for name in CONDITIONING:
        case, _, skip = name.partition("_skip")
        got = encode_text(encoder, TOKENS[case]["prompt"], clip_skip=int(skip or 1), embeddings=table)
        difference = np.abs(got.vectors.numpy() - CONDITIONING[name]).max()
        print(f"{name}: largest difference {difference:.1e}, limit 1e-05")
        assert got.vectors.shape == CONDITIONING[name].shape and difference <= 1e-5, name
    assert torch.equal(*(encode_text(encoder, "a cat", clip_skip=skip).vectors for skip in (encoder.layers + 1, 1)))
    assert not torch.equal(*(encode_text(encoder, "a cat", clip_skip=skip).vectors for skip in (encoder.layers, 1)))


@pytest.mark.parametrize(
    ("text", "pieces"),
    {
        "": [],
        "()": [],
        "a (b c": [("a ", 1), ("(b c", 1)],
        "(a (b c:1.3)": [("a ", 1.3), ("(b c", 1.3)],
        "((a:1.2) b": [("((a:1.2) b", 1)],
        "a) (b:1.3) c": [("a) (b:1.3) c", 1)],
        "a) (b (c) d": [("a) (b ", 1), ("c", 1.1), (" d", 1)],
        "(a (b:0.5) c:1.2)": [("a ", 1.2), ("b", 0.5), (" c", 1.2)],
        "((a) b:2)": [("a", 2.2), (" b", 2)],
        "(:1.3)": [(":1.3", 1.1)],
        "(a:b: -2 )": [("a:b", -2)],
        "(x:y)": [("x:y", 1.1)],
        r"\(a\) (b\):1.5) \[c": [("(a) ", 1), ("b)", 1.5), (r" \[c", 1)],
        r"(a\)": [("(a)", 1)],
        "(a:1e-1)(b)": [("a", 0.1), ("b", 1.1)],
    }.items(),
)
def test_weights(text: str, pieces: list[tuple[str, float]]) -> None:
    got = parse_weights(text)
    assert [piece.text for piece in got] == [text for text, _ in pieces]
    assert [piece.weight for piece in got] == pytest.approx([weight for _, weight in pieces])


@pytest.mark.parametrize("text", ["(" * 300 + "a" + ")" * 300, "()" * 20_000, "(a:1e40)", "(a:nan)", "a " * 60_000, "a " * 9_000])
def test_what_is_too_much_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="negative_prompt"):
        chunk_text(text, FakeTextEncoder(), field="negative_prompt")


def offsets(text: str, **lengths: int) -> list[list[tuple[int, int]]]:
    chunks = chunk_text(text, FakeTextEncoder(), Table(**lengths)).chunks
    return [[(item.offset, len(item.embedding.vectors)) for item in chunk.insertions] for chunk in chunks]


def test_groups_of_8_tokens_may_be_cut() -> None:
    assert offsets("a " * 70 + "embedding:seven", seven=7) == [[], [(0, 7)]]
    assert offsets("a " * 68 + "embedding:seven", seven=7) == [[(68, 7)]]
    assert offsets("a " * 70 + "embedding:eight", eight=8) == [[(70, 5)], [(0, 3)]]
    encoder = FakeTextEncoder()
    chunks = chunk_text("a " * 74 + "(b c:1.2)", encoder).chunks
    assert chunks[0].tokens[-2:] == [encoder.end_token] * 2 and chunks[1].weights[1:4] == [1.2, 1.2, 1.0]
    assert len(chunk_text("a " * 75, encoder).chunks) == 1
    assert (count_tokens("a " * 75, encoder).room, count_tokens("a " * 76, encoder).room, count_tokens("", encoder).room) == (75, 150, 75)


def test_names_of_embeddings() -> None:
    encoder = FakeTextEncoder()

    def words(text: str) -> tuple[list[int], tuple[str, ...]]:
        got = chunk_text(text, encoder, Table(ti=1))
        return [token for token in got.chunks[0].tokens if token not in (encoder.start_token, encoder.end_token)], got.unknown

    def plain(text: str) -> list[int]:
        return encoder.tokenize(text)

    assert words("a\nembedding:ti.safetensors b") == ([*plain("a"), 0, *plain("b")], ())
    assert words("(embedding:ti,:1.2)") == ([0, *plain(",")], ())
    assert words("embedding:no,, blurry") == (plain(",, blurry"), ("no",))
    assert words("aembedding:ti ti") == (plain("aembedding:ti ti"), ())
    assert words("embedding:ti embedding:x embedding:ti") == ([0, 0], ("x",))
    assert words("embedding:") == ([], ("",))
    assert chunk_text("embedding:ti", encoder).unknown == ("ti",)


def test_named_files(tiny_models: Path, encoder: TextEncoder) -> None:
    table = EmbeddingCatalog([tiny_models / "embeddings"]).table(encoder)
    for name in ("tiny_ti", "tiny_ti.safetensors", "Tiny_TI.pt", "embeddings/tiny_ti", r"embeddings\tiny_ti.safetensors"):
        found = table.named(name)
        assert found is not None and found.name == "tiny_ti", name
    for name in ("", "tiny", "other/tiny_ti", "../tiny_ti", "/tiny_ti", "tiny_ti.png"):
        assert table.named(name) is None, name


def test_models_that_pad_with_another_token() -> None:
    class Padded(FakeTextEncoder):
        pad_token = 0
        own_clip_skip = 2

        def encode(self, tokens: Tensor, clip_skip: int = 1, replaced: Sequence[TokenVectors] = ()) -> Tensor:
            seen.append((tokens.tolist(), clip_skip))
            return super().encode(tokens, clip_skip, replaced)

    seen: list[tuple[list[list[int]], int]] = []
    encoder = Padded()
    encode_text(encoder, "(a:1.2)")
    rows, clip_skip = seen[0]
    assert [row[1:4] for row in rows] == [[*encoder.tokenize("a"), encoder.end_token, 0], [encoder.end_token, 0, 0]] and clip_skip == 2
    build_conditioning(["a"], 20, encoder)
    build_conditioning(["a"], 20, encoder, clip_skip=3)
    assert [skip for _, skip in seen[1:]] == [2, 3]


def test_conditioning_of_a_form() -> None:
    encoder, cache = FakeTextEncoder(), {}
    got = build_conditioning(["a AND b", "c " * 80], 20, encoder, emphasis="No norm", is_composable=True, cache=cache)
    first, second = (image[0] for image in got.images)
    text = encode_text(encoder, "a AND b").vectors[0]
    assert torch.equal(first.at(0), text.repeat(2, 1)) and torch.equal(first.at(999), first.at(0))
    assert torch.equal(second.at(0), encode_text(encoder, "c " * 80).vectors[0])
    assert build_conditioning(["a AND b", "c " * 80], 20, encoder, cache=cache) is got
    named = build_conditioning(["embedding:ti ti"], 20, encoder, embeddings=Table(ti=9))
    assert named.uses[0].embeddings == (("ti", ""),)
