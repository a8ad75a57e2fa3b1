"""The fake model keeps the promises that every other test leans on."""

from __future__ import annotations

import pytest
import torch

from modules.backends.fake import FakeModel
from modules.engine.model import ModelKind


def predict(model: FakeModel, x: torch.Tensor, prompt: str, concat: torch.Tensor | None = None) -> torch.Tensor:
    tokens = [model.text.start_token, *model.text.tokenize(prompt)]
    tokens += [model.text.pad_token] * (77 - len(tokens))
    context = model.text.encode(torch.tensor([tokens]), 1).expand(x.shape[0], -1, -1)
    return model.predict(x, torch.full((x.shape[0],), 300.0), context, concat)


def test_tokens_of_punctuation_and_specials() -> None:
    text = FakeModel().text
    assert text.tokenize("a cat, a dog")[2] == text.comma_token
    assert text.tokenize("") == []
    assert len(text.tokenize("Cat cat")) == 2 and len(set(text.tokenize("Cat cat"))) == 1


def test_prediction_depends_on_prompt_and_not_on_neighbours() -> None:
    model = FakeModel()
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    both = predict(model, x, "a cat")
    assert torch.equal(both[:1], predict(model, x[:1], "a cat"))
    assert not torch.allclose(both, predict(model, x, "a dog"))
    assert both.shape == x.shape and both.dtype == torch.float32


@pytest.mark.parametrize(("kind", "extra"), [(ModelKind.BASE, 0), (ModelKind.EDIT, 8), (ModelKind.INPAINT, 9)])
def test_kinds_want_their_conditioning(kind: ModelKind, extra: int) -> None:
    model = FakeModel(kind, latent_channels=8)
    x = torch.zeros(1, 8, 4, 4)
    concat = torch.ones(1, extra, 4, 4) if extra else None
    assert predict(model, x, "x", concat).shape == x.shape
    with pytest.raises(AssertionError):
        predict(model, x, "x", torch.ones(1, extra + 1, 4, 4))


def test_decode_undoes_encode_up_to_the_mosaic() -> None:
    model = FakeModel()
    flat = torch.full((1, 3, 20, 16), 0.25)
    assert model.encode(flat).shape == (1, 4, 2, 2)
    assert torch.allclose(model.decode(model.encode(flat)), torch.full((1, 3, 16, 16), 0.25), atol=1e-6)
