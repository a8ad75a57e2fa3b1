"""Texts made to keep the program busy: each ends soon, in a picture's conditioning or in a message."""

from __future__ import annotations

import contextlib
import time

import pytest

from modules.backends.fake import FakeTextEncoder
from modules.base.errors import InvalidRequest
from modules.engine.prompts.attention import parse_attention
from modules.engine.prompts.conditioning import build_conditioning
from modules.engine.prompts.limits import MAX_CHARACTERS, MAX_CHUNKS, check_length
from modules.engine.prompts.schedule import schedule_prompt, split_and

SECONDS = 20.0
HOSTILE = {
    "a megabyte": "a cat, " * 150_000,
    "a megabyte without spaces": "x" * 1_000_000,
    "a long word": "x" * 100_000,
    "round brackets": "(" * 10_000,
    "square brackets": "[" * 10_000,
    "closing brackets": ")" * 50_000 + "]" * 50_000,
    "brackets with text": "(a" * 50_000,
    "balanced brackets": "[" * 3_000 + "a" + "]" * 3_000,
    "many brackets": "(a:1.2) [b] " * 8_000,
    "edits inside edits": "[a:" * 10_000,
    "closed edits inside edits": "[a:" * 90 + "b" + ":5]" * 90 + "[a:" * 5_000 + "b" + ":5]" * 5_000,
    "edits": "[a:b:5]" * 14_000,
    "open alternations": "[a|" * 10_000,
    "a long alternation": "[" + "|".join(map(str, range(10_000))) + "]",
    "many alternations": "[a|b]" * 20_000,
    "alternations inside alternations": "[a|" * 90 + "b" + "]" * 90,
    "long texts alternating": "[" + "|".join(f"{number} " + "word " * 600 for number in range(30)) + "]",
    "AND": "a AND " * 10_000,
    "BREAK": "a BREAK " * 10_000,
    "commas": "," * 100_000,
    "spaces": " " * 50_000 + ":" + " " * 49_000,
    "colons and digits": "(a:" + "1" * 90_000,
    "backslashes": "\\" * 100_000,
    "a weight beyond numbers": "(a:" + "9" * 400 + ")",
    "a time beyond numbers": "[a:b:-" + "9" * 400 + "] [a:b:1e999] [a:b:-1.e999]",
    "control characters": "\x00\x1b\u202e\ufeff\n\r" * 10_000,
    "rare letters": "𒀀🏳️‍🌈é̂" * 10_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("steps", [20, 150])
def test_hostile_prompts_end_soon(text: str, steps: int) -> None:
    started = time.process_time()
    try:
        build_conditioning([text], steps, FakeTextEncoder()).at(0)
        build_conditioning([text], steps, FakeTextEncoder(), is_composable=False).at(0)
    except InvalidRequest as error:
        assert error.field == "prompt" and "at most" in str(error) and len(str(error)) < 200
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize("text", [text for text in HOSTILE.values() if len(text) <= MAX_CHARACTERS])
def test_every_parser_alone_ends_soon(text: str) -> None:
    for parse in (lambda: schedule_prompt(text, 150), lambda: parse_attention(text), lambda: split_and(text)):
        started = time.process_time()
        with contextlib.suppress(InvalidRequest):
            parse()
        assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 100_001, "neg: got 100,001 characters, wanted at most 100,000 characters"),
        ("(" * 201, 'neg: got 201 brackets "(" inside one another, wanted at most 200 brackets "(" inside one another'),
        ("a AND " * 100, "neg: got 101 parts joined by AND, wanted at most 100 parts joined by AND"),
        ("a " * 75 * MAX_CHUNKS + "b", "neg: got 101 chunks of 75 tokens, wanted at most 100 chunks of 75 tokens"),
        (f"(a:{'9' * 400})", "neg: got inf as a weight, wanted at most 1e+30 as a weight"),
        (f"[{'|'.join('BREAK ' * 20 + str(number) for number in range(60))}]", "neg: got 1,260 chunks of 75 tokens in all"),
    ],
)
def test_messages_name_field_and_amounts(text: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match="^" + message.replace("(", r"\(").replace("+", r"\+")):
        build_conditioning([text], 150, FakeTextEncoder(), field="neg")


def test_what_is_just_allowed() -> None:
    check_length(["x" * MAX_CHARACTERS])
    assert len(split_and(" AND ".join("ab" for _ in range(100)))) == 100
    assert build_conditioning(["a " * 75 * MAX_CHUNKS], 20, FakeTextEncoder()).at(0).vectors.shape == (1, 77 * MAX_CHUNKS, 16)
    assert len(parse_attention("(" * 200 + "a")) == 1
    assert len(schedule_prompt("a [b|c] d", 2000)) == 2000


def test_a_thousand_moments_with_the_same_texts_share_their_vectors() -> None:
    encoder = FakeTextEncoder()
    conditioning = build_conditioning(["[a|b|c]"], 1000, encoder)
    assert encoder.encoded_chunks == 3 and conditioning.size == 3 * 77 * 16 * 4
