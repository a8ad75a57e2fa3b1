from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from modules.backends.fake import FakeTextEncoder
from modules.engine.model import TokenVectors
from modules.engine.prompts.attention import Fragment, parse_attention
from modules.engine.prompts.chunks import CHUNK_TOKENS, Embedding, chunk_fragments
from modules.engine.prompts.conditioning import Emphasis, build_conditioning, encode_texts
from modules.engine.prompts.counting import TokenCount, count_tokens
from modules.engine.prompts.schedule import schedule_prompt, split_and

ENCODER = FakeTextEncoder()


def weights(prompt: str) -> list[tuple[str, float]]:
    return [(fragment.text, round(fragment.weight, 4)) for fragment in parse_attention(prompt)]


def times(prompt: str, steps: int = 10, old: bool = False) -> list[tuple[int, str]]:
    return [(entry.end_at_step, entry.text) for entry in schedule_prompt(prompt, steps, old)]


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("", [("", 1.0)]),
        ("a (b) [c]", [("a ", 1.0), ("b", 1.1), (" ", 1.0), ("c", 0.9091)]),
        ("(a (b:2):3)", [("a ", 3.0), ("b", 6.0)]),
        (r"\(a\) \\ \x", [(r"(a) \ x", 1.0)]),
        ("(a", [("a", 1.1)]),
        ("a) b", [("a) b", 1.0)]),
        ("(a: 1.5 )", [("a", 1.5)]),
        ("(a:1.2.3)", [("a:1.2.3)", 1.1)]),
        ("a BREAK  BREAK b", [("a", 1.0), ("BREAK", -1.0), ("", 1.0), ("BREAK", -1.0), ("b", 1.0)]),
        ("aBREAKb", [("aBREAKb", 1.0)]),
    ],
)
def test_attention(prompt: str, wanted: list[tuple[str, float]]) -> None:
    assert weights(prompt) == wanted


def test_break_counts_only_outside_brackets() -> None:
    assert [fragment.is_break for fragment in parse_attention("a BREAK b")] == [False, True, False]
    assert not any(fragment.is_break for fragment in parse_attention("(a BREAK b)"))


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("plain", [(10, "plain")]),
        ("[a:b:0.5]", [(5, "a"), (10, "b")]),
        ("[a:b:4]", [(4, "a"), (10, "b")]),
        ("[b:4]", [(4, ""), (10, "b")]),
        ("[a::4] x", [(4, "a x"), (10, " x")]),
        ("[a:[b:c:8]:4]", [(4, "a"), (8, "b"), (10, "c")]),
        ("[a:b:-1]", [(10, "b")]),
        ("[a:b:1e-1]", [(10, "b")]),
        ("[a]", [(10, "[a]")]),
        ("(a:b:c) [d:e:5]", [(5, "(a:b:c) d"), (10, "(a:b:c) e")]),
        ("[[a:b:5]", [(5, "[a"), (10, "[b")]),
        ("x [a:b:c:0.5] [d:e:5]", [(5, "x [a:b:c:0.5] d"), (10, "x [a:b:c:0.5] e")]),
        ("a|b [c:d:5]", [(10, "a|b [c:d:5]")]),
        ("(a|b) [c:d:5]", [(10, "(a|b) [c:d:5]")]),
        ("[a:b|c:5]", [(10, "[a:b|c:5]")]),
        ("[a:b:5]\\", [(10, "[a:b:5]\\")]),
        (r"\[a:b:5]", [(10, r"\[a:b:5]")]),
    ],
)
def test_schedule(prompt: str, wanted: list[tuple[int, str]]) -> None:
    assert times(prompt) == wanted


def test_alternation_and_old_scheduling() -> None:
    assert times("[a|b|]", 4) == [(1, "a"), (2, "b"), (3, ""), (4, "a")]
    assert times("[a:b:2]", old=True) == [(2, "a"), (10, "b")]
    assert times("[a:b:2.0]") == [(10, "a")] and times("[a:b:2.0]", old=True) == [(2, "a"), (10, "b")]


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a", [("a", 1.0)]),
        ("a:1.5 AND b :-2 AND c", [("a", 1.5), (" b", -2.0), (" c", 1.0)]),
        ("BAND AND and", [("BAND", 1.0), (" and", 1.0)]),
        ("a :1:2", [("a :1", 2.0)]),
        ("AND", [("", 1.0), ("", 1.0)]),
    ],
)
def test_and(prompt: str, wanted: list[tuple[str, float]]) -> None:
    assert split_and(prompt) == wanted


def chunk_lengths(prompt: str, backtrack: int = 20) -> list[int]:
    chunks = chunk_fragments(parse_attention(prompt), ENCODER, backtrack).chunks
    assert all(len(chunk.tokens) == len(chunk.weights) == 77 for chunk in chunks)
    return [chunk.tokens[1:].index(ENCODER.end_token) for chunk in chunks]


def test_chunks() -> None:
    assert chunk_lengths("") == [0]
    assert chunk_lengths("a " * 75) == [75]
    assert chunk_lengths("a " * 76) == [75, 1]
    assert chunk_lengths("a BREAK b") == [1, 1]
    assert chunk_lengths("BREAK") == [0] and chunk_lengths("BREAK BREAK") == [0, 0]


def test_commas_near_the_end_of_a_chunk_break_it() -> None:
    prompt = "a " * 60 + ", " + "b " * 20
    assert chunk_lengths(prompt) == [61, 20]
    assert chunk_lengths(prompt, backtrack=0) == chunk_lengths(prompt, backtrack=10) == [75, 6]
    assert chunk_lengths("a " * 75 + ", b") == [75, 2]


def test_padding_with_another_token() -> None:
    class Padded(FakeTextEncoder):
        pad_token = 0
        seen: Tensor

        def encode(self, tokens: Tensor, clip_skip: int = 1, replaced: Sequence[object] = ()) -> Tensor:
            self.seen = tokens
            return super().encode(tokens, clip_skip)

    encoder = Padded()
    encode_texts(["a"], encoder)
    assert encoder.seen[0, 2:4].tolist() == [encoder.end_token, 0]


class Table:
    """One embedding of three vectors, named by the two tokens of "tiny ti"."""

    signature = "table"
    embedding = Embedding("tiny_ti", torch.ones(3, ENCODER.width), "0123456789ab")

    def find(self, tokens: Sequence[int], position: int) -> tuple[Embedding, int] | None:
        name = ENCODER.tokenize("tiny ti")
        return (self.embedding, len(name)) if list(tokens[position : position + len(name)]) == name else None

    def named(self, name: str) -> Embedding | None:
        return self.embedding if name == "tiny_ti" else None


def test_embeddings_are_inserted_whole() -> None:
    chunks = chunk_fragments([Fragment("a " * 73 + "tiny ti b", 1.2)], ENCODER, embeddings=Table()).chunks
    assert [item.offset for item in chunks[1].insertions] == [0] and not chunks[0].insertions
    assert chunks[1].tokens[1:4] == [0, 0, 0] and chunks[1].weights[1:4] == [1.2] * 3
    encoded = encode_texts(["x tiny ti"], ENCODER, emphasis=Emphasis.IGNORE, embeddings=Table())[0]
    assert not torch.equal(encoded[2:5], encode_texts(["x"], ENCODER, emphasis=Emphasis.IGNORE)[0][2:5])


def test_emphasis() -> None:
    plain = encode_texts(["a b"], ENCODER)
    assert torch.allclose(plain, encode_texts(["a b"], ENCODER, emphasis=Emphasis.NO_NORM), atol=1e-6)
    original = encode_texts(["a (b:1.5)"], ENCODER)
    ignored = encode_texts(["a (b:1.5)"], ENCODER, emphasis=Emphasis.IGNORE)
    scaled = encode_texts(["a (b:1.5)"], ENCODER, emphasis=Emphasis.NO_NORM)
    assert original.mean().item() == pytest.approx(ignored.mean().item(), rel=1e-4)
    assert torch.allclose(scaled[0, 2], ignored[0, 2] * 1.5)
    literal = chunk_fragments([Fragment("a (b:1.5)")], ENCODER).token_count
    assert literal > chunk_fragments(parse_attention("a (b:1.5)"), ENCODER).token_count


def test_texts_of_unequal_length_are_filled_with_empty_chunks() -> None:
    both = encode_texts(["a", "b BREAK c"], ENCODER, emphasis=Emphasis.IGNORE)
    assert both.shape == (2, CHUNK_TOKENS * 2 + 4, ENCODER.width)
    assert torch.equal(both[0, 77:], encode_texts([""], ENCODER)[0])


def test_lookup_by_call() -> None:
    conditioning = build_conditioning(["[a:b:2] AND c:0.5", "d"], 6, ENCODER)
    assert conditioning.at(0).weights == (((0, 1.0), (1, 0.5)), ((2, 1.0),))
    first, last = conditioning.at(2).vectors, conditioning.at(3).vectors
    assert first.shape == (3, 77, ENCODER.width)
    assert not torch.equal(first[0], last[0]) and torch.equal(first[1:], last[1:])
    assert torch.equal(conditioning.at(99).vectors[0], first[0])
    negative = build_conditioning(["a AND b"], 6, ENCODER, is_composable=False)
    assert negative.at(0).weights == (((0, 1.0),),)


def test_shorter_parts_are_extended_by_their_last_vector() -> None:
    batch = build_conditioning(["a AND b BREAK c"], 6, ENCODER).at(0).vectors
    assert batch.shape == (2, 154, ENCODER.width)
    assert torch.equal(batch[0, 77:], batch[0, 76].expand(77, -1))


def test_equal_texts_are_encoded_once_and_the_cache_is_used() -> None:
    encoder, cache = FakeTextEncoder(), {}
    first = build_conditioning(["[a|b]", "[a|b]"], 20, encoder, cache=cache, cache_key=("model",))
    assert encoder.encoded_chunks == 2
    assert build_conditioning(["[a|b]", "[a|b]"], 20, encoder, cache=cache, cache_key=("model",)) is first
    build_conditioning(["[a|b]", "[a|b]"], 20, encoder, cache=cache, cache_key=("other",))
    assert encoder.encoded_chunks == 4


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("", (0, 75)),
        ("a b", (2, 75)),
        ("a " * 75, (75, 75)),
        ("a " * 76, (76, 150)),
        ("a BREAK b", (76, 150)),
        ("[a|b c d] AND a a", (3, 75)),
        ("(a:1.2)", (1, 75)),
    ],
)
def test_token_counter(prompt: str, wanted: tuple[int, int]) -> None:
    assert count_tokens(prompt, ENCODER) == TokenCount(*wanted)


def test_token_counter_under_other_rules() -> None:
    assert count_tokens("tiny ti tiny ti", ENCODER, embeddings=Table()).tokens == 6
    assert count_tokens("a AND b", ENCODER, is_composable=False).tokens == 3
    assert count_tokens("(a)", ENCODER, emphasis="None").tokens == 3
    assert count_tokens("a BREAK b", ENCODER, emphasis="None").tokens == 3


def test_the_mean_is_shared_by_the_alternatives_of_one_prompt_and_by_nothing_else() -> None:
    edited = build_conditioning(["[(a:2):b:4] AND (c:3)"], 6, ENCODER)
    plain = {text: encode_texts([text], ENCODER, emphasis=Emphasis.IGNORE)[0] for text in ("a", "b", " c")}
    scaled = {"a": plain["a"].clone(), "b": plain["b"], " c": plain[" c"].clone()}
    scaled["a"][1] *= 2
    scaled[" c"][1] *= 3
    ratio = (plain["a"].mean() + plain["b"].mean()) / (scaled["a"].mean() + scaled["b"].mean())
    assert torch.allclose(edited.at(0).vectors[0], scaled["a"] * ratio, atol=1e-5)
    assert torch.allclose(edited.at(5).vectors[0], scaled["b"] * ratio, atol=1e-5)
    assert torch.allclose(edited.at(0).vectors[1], scaled[" c"] * (plain[" c"].mean() / scaled[" c"].mean()), atol=1e-5)


def test_alternatives_count_in_the_mean_as_often_as_they_are_shown() -> None:
    conditioning = build_conditioning(["[(a:2)|b]"], 3, ENCODER)
    plain = {text: encode_texts([text], ENCODER, emphasis=Emphasis.IGNORE)[0] for text in ("a", "b")}
    scaled = plain["a"].clone()
    scaled[1] *= 2
    ratio = (2 * plain["a"].mean() + plain["b"].mean()) / (2 * scaled.mean() + plain["b"].mean())
    assert torch.allclose(conditioning.at(0).vectors[0], scaled * ratio, atol=1e-5)
    assert conditioning.at(1).vectors.equal(conditioning.at(0).vectors) and conditioning.at(3).vectors.equal(conditioning.at(0).vectors)


@pytest.mark.parametrize("emphasis", list(Emphasis))
def test_break_in_every_mode(emphasis: Emphasis) -> None:
    tokens = encode_texts(["a BREAK b"], ENCODER, emphasis=emphasis).shape[1]
    assert tokens == (77 if emphasis is Emphasis.NONE else 154)


def test_what_a_prompt_used_is_told_once_for_each_different_sub_prompt() -> None:
    made = build_conditioning(["tiny ti [a:(b):2] AND [c|d]", "tiny ti [a:(b):2]"], 6, ENCODER, embeddings=Table())
    assert [(use.embeddings, use.has_brackets) for use in made.uses] == [
        ((("tiny_ti", "0123456789ab"),), True),
        ((), False),
    ]


def test_large_conditioning_is_not_kept() -> None:
    cache: dict[object, object] = {}
    build_conditioning(["a " * 75 * 90], 6, FakeTextEncoder(width=768), cache=cache)
    assert not cache
    build_conditioning(["a"], 6, FakeTextEncoder(width=768), cache=cache)
    assert len(cache) == 1


def test_the_cache_knows_what_its_entries_depend_on() -> None:
    """Also the comma rule, which A1111's cache forgets."""
    cache: dict[object, object] = {}
    for changed in (
        {},
        {"clip_skip": 2},
        {"emphasis": "No norm"},
        {"comma_backtrack": 0},
        {"use_old_scheduling": True},
        {"embeddings": Table()},
    ):
        for key in (("one",), ("two",)):
            build_conditioning(["a"], 6, ENCODER, cache=cache, cache_key=key, **changed)
    assert len(cache) == 12


def test_a_mean_of_exactly_nothing_is_left_alone() -> None:
    class Balanced(FakeTextEncoder):
        def encode(self, tokens: Tensor, clip_skip: int, replaced: Sequence[TokenVectors] = ()) -> Tensor:
            return torch.tensor([1.0, -1.0]).repeat(len(tokens), 77, self.width // 2)

    conditioning = build_conditioning(["a (cat:1.5)"], 4, Balanced(16))
    vectors = conditioning.at(0).vectors
    assert vectors.isfinite().all() and vectors.abs().max() == 1.5
