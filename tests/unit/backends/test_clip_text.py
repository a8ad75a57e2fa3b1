"""The text encoder's layers, on a network of random weights."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from modules.backends.clip_text import ClipTextEncoder, make_clip_text
from modules.engine.model import TokenVectors

LAYERS = 12
TOKENS = torch.arange(77)[None] % 50


@pytest.fixture(scope="module")
def encoder() -> ClipTextEncoder:
    torch.manual_seed(3)
    network = make_clip_text(vocabulary=50, width=8, layers=LAYERS, heads=2, inner_width=16, positions=77).eval()
    for parameter in network.parameters():
        parameter.data.normal_(std=0.3)
    tokenizer = SimpleNamespace(start=48, end=49, comma=7, tokenize=lambda text: [])
    return ClipTextEncoder(tokenizer, network, 8, torch.device("cpu"))


@pytest.mark.parametrize("skip", range(1, LAYERS + 1))
def test_clip_skip_counts_layers_from_the_last(encoder: ClipTextEncoder, skip: int) -> None:
    with torch.no_grad():
        network = encoder.network
        x = network.embeddings(input_ids=TOKENS, position_ids=torch.arange(77)[None])
        states = network(input_ids=TOKENS, output_hidden_states=True).hidden_states
        assert torch.equal(states[0], x) and len(states) == LAYERS + 1
        wanted = network.final_layer_norm(states[-skip])
    assert torch.equal(encoder.encode(TOKENS, skip), wanted)


def test_vectors_replace_tokens_for_one_call(encoder: ClipTextEncoder) -> None:
    plain = encoder.encode(TOKENS, 1)
    table = encoder.network.embeddings.token_embedding.weight.detach().clone()
    same = encoder.encode(TOKENS, 1, [TokenVectors(0, 5, table[5:8])])
    other = encoder.encode(TOKENS, 1, [TokenVectors(0, 5, table[5:8] * 2)])
    assert torch.equal(same, plain)
    assert torch.equal(other[:, :5], plain[:, :5]) and not torch.allclose(other[:, 5:], plain[:, 5:])
    assert torch.equal(encoder.encode(TOKENS, 1), plain)
    assert torch.equal(encoder.network.embeddings.token_embedding.weight, table)
