"""Changes of weights: each kind against dense mathematics, merging, and the way back to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modules.base.errors import UnusableNetwork
from modules.engine.lora.delta import bias_delta, check_shapes, weight_delta
from modules.engine.lora.kinds import find_kind
from modules.engine.lora.merge import Change, WeightMerger


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + sum(shape) * 31))


def dense(parts: dict[str, Tensor], weight: Tensor, multiplier: float = 1.0, rank_limit: int | None = None) -> np.ndarray:
    check_shapes({name: tuple(part.shape) for name, part in parts.items()}, tuple(weight.shape), None)
    return weight_delta(parts, weight, multiplier, rank_limit).double().numpy()


def np64(tensor: Tensor) -> np.ndarray:
    return tensor.double().numpy()


def close(got: np.ndarray, wanted: np.ndarray) -> None:
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_lora_of_a_linear_layer_is_scaled_by_alpha_over_rank() -> None:
    up, down = rand(6, 3), rand(3, 5)
    parts = {"lora_up": up, "lora_down": down, "alpha": torch.tensor([1.5])}
    close(dense(parts, rand(6, 5), 0.8), 0.8 * 0.5 * np64(up) @ np64(down))
    without_alpha = {"lora_up": up, "lora_down": down}
    close(dense(without_alpha, rand(6, 5), -2), -2 * np64(up) @ np64(down))


def test_the_roundings_come_in_a1111s_order() -> None:
    up, down = rand(64, 4), rand(4, 48)
    got = weight_delta({"lora_up": up, "lora_down": down, "alpha": torch.tensor(3.0)}, rand(64, 48), 0.7)
    assert torch.equal(got, up @ down * (3.0 / 4) * 0.7)


def test_a_rank_limit_keeps_the_first_ranks_and_the_scale() -> None:
    up, down = rand(6, 4), rand(4, 5)
    parts = {"lora_up": up, "lora_down": down, "alpha": torch.tensor(2.0)}
    close(dense(parts, rand(6, 5), 1.0, 2), 0.5 * np64(up[:, :2]) @ np64(down[:2]))


def test_lora_of_convolutions() -> None:
    up, down = rand(6, 3, 1, 1), rand(3, 5, 3, 3)
    close(dense({"lora_up": up, "lora_down": down}, rand(6, 5, 3, 3)), np.einsum("or,rikl->oikl", np64(up)[:, :, 0, 0], np64(down)))
    flat_up, flat_down = rand(6, 3), rand(3, 5)
    close(dense({"lora_up": flat_up, "lora_down": flat_down}, rand(6, 5, 1, 1)), (np64(flat_up) @ np64(flat_down))[:, :, None, None])


def test_locon_in_tucker_form() -> None:
    up, mid, down = rand(6, 3, 1, 1), rand(3, 2, 3, 3), rand(2, 5, 1, 1)
    wanted = np.einsum("or,rskl,si->oikl", np64(up)[:, :, 0, 0], np64(mid), np64(down)[:, :, 0, 0])
    close(dense({"lora_up": up, "lora_mid": mid, "lora_down": down}, rand(6, 5, 3, 3)), wanted)


def test_loha() -> None:
    parts = {"hada_w1_a": rand(6, 2), "hada_w1_b": rand(2, 45), "hada_w2_a": rand(6, 2, seed=1), "hada_w2_b": rand(2, 45, seed=1)}
    wanted = (np64(parts["hada_w1_a"]) @ np64(parts["hada_w1_b"])) * (np64(parts["hada_w2_a"]) @ np64(parts["hada_w2_b"]))
    close(dense({**parts, "alpha": torch.tensor(1.0)}, rand(6, 5, 3, 3)), 0.5 * wanted.reshape(6, 5, 3, 3))


def test_loha_in_tucker_form() -> None:
    parts = {f"hada_w{n}_a": rand(2, 6, seed=n) for n in (1, 2)} | {f"hada_w{n}_b": rand(2, 5, seed=n) for n in (1, 2)}
    parts |= {f"hada_t{n}": rand(2, 2, 3, 3, seed=n) for n in (1, 2)}
    one, two = (
        np.einsum("rskl,ro,si->oikl", *(np64(parts[name]) for name in (f"hada_t{n}", f"hada_w{n}_a", f"hada_w{n}_b"))) for n in (1, 2)
    )
    close(dense(parts, rand(6, 5, 3, 3)), one * two)


def test_lokr_whole_and_factored() -> None:
    w1, w2, a, b = rand(2, 3), rand(4, 5), rand(4, 2), rand(2, 5)
    close(dense({"lokr_w1": w1, "lokr_w2": w2, "alpha": torch.tensor(9.0)}, rand(8, 15)), np.kron(np64(w1), np64(w2)))
    factored = {"lokr_w1": w1, "lokr_w2_a": a, "lokr_w2_b": b, "alpha": torch.tensor(1.0)}
    close(dense(factored, rand(8, 15)), 0.5 * np.kron(np64(w1), np64(a) @ np64(b)))
    both = {"lokr_w1_a": rand(2, 1), "lokr_w1_b": rand(1, 3), "lokr_w2_a": a, "lokr_w2_b": b}
    close(dense(both, rand(8, 15)), np.kron(np64(both["lokr_w1_a"] @ both["lokr_w1_b"]), np64(a) @ np64(b)))


def test_lokr_of_a_convolution() -> None:
    w1, w2 = rand(2, 3), rand(4, 5, 3, 3)
    wanted = np.einsum("ab,cdkl->acbdkl", np64(w1), np64(w2)).reshape(8, 15, 3, 3)
    close(dense({"lokr_w1": w1, "lokr_w2": w2}, rand(8, 15, 3, 3)), wanted)
    a, b = rand(4, 2), rand(2, 45)
    flat = (np64(a) @ np64(b)).reshape(4, 5, 3, 3)
    wanted = np.einsum("ab,cdkl->acbdkl", np64(w1), flat).reshape(8, 15, 3, 3)
    close(dense({"lokr_w1": w1, "lokr_w2_a": a, "lokr_w2_b": b}, rand(8, 15, 3, 3)), wanted)
    core, first, second = rand(2, 2, 3, 3), rand(2, 4), rand(2, 5)
    wanted = np.einsum("ab,cdkl->acbdkl", np64(w1), np.einsum("rskl,rc,sd->cdkl", np64(core), np64(first), np64(second)))
    close(dense({"lokr_w1": w1, "lokr_t2": core, "lokr_w2_a": first, "lokr_w2_b": second}, rand(8, 15, 3, 3)), wanted.reshape(8, 15, 3, 3))


def test_full_differences_norms_and_biases() -> None:
    weight, diff = rand(6, 5), rand(6, 5, seed=1)
    close(dense({"diff": diff, "diff_b": rand(6)}, weight, 0.5), 0.5 * np64(diff))
    close(dense({"w_norm": rand(6), "b_norm": rand(6)}, rand(6, seed=2), 0.5), 0.5 * np64(rand(6)))
    change = bias_delta({"b_norm": rand(6)}, 0.5)
    assert change is not None and torch.equal(change, rand(6) * 0.5)
    assert bias_delta({"diff": diff}, 1.0) is None


def test_ia3_scales_outputs_or_inputs() -> None:
    weight = rand(6, 5)
    on_output = {"weight": rand(6), "on_input": torch.tensor(0.0)}
    close(dense(on_output, weight), np64(weight) * np64(rand(6))[:, None])
    on_input = {"weight": rand(5), "on_input": torch.tensor(1.0)}
    close(dense(on_input, weight, 2), 2 * np64(weight) * np64(rand(5)))


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 3, 3)])
@pytest.mark.parametrize("kept", ["input", "output", "vector"])
def test_dora_sets_the_lengths_of_columns_or_rows(shape: tuple[int, ...], kept: str) -> None:
    weight = rand(*shape)
    up, down = rand(6, 2), rand(2, *shape[1:])
    parts = {"lora_up": up, "lora_down": down, "alpha": torch.tensor(1.0)}
    sizes = {"input": (1, 5, *[1] * (len(shape) - 2)), "output": (6, *[1] * (len(shape) - 1)), "vector": (6,)}
    parts["dora_scale"] = rand(*sizes[kept]).abs()
    direction = np64(weight) + 0.5 * (np64(up) @ np64(down.flatten(1))).reshape(shape)
    axes = tuple(axis for axis in range(len(shape)) if axis != (1 if kept == "input" else 0))
    lengths = np.sqrt((direction**2).sum(axis=axes, keepdims=True))
    wanted = direction * np64(parts["dora_scale"]).reshape(lengths.shape) / lengths - np64(weight)
    close(dense(parts, weight, 0.7), 0.7 * wanted)


def test_a_file_for_base_models_leaves_the_mask_channels_of_inpainting_models_alone() -> None:
    parts = {"lora_up": rand(6, 2, 1, 1), "lora_down": rand(2, 4, 3, 3)}
    got = dense(parts, rand(6, 9, 3, 3))
    close(got[:, :4], dense(parts, rand(6, 4, 3, 3)))
    assert not got[:, 4:].any()


WRONG = {
    "another width": {"lora_up": (6, 3), "lora_down": (3, 4)},
    "ranks that differ": {"lora_up": (6, 2), "lora_down": (3, 5)},
    "rank zero": {"lora_up": (6, 0), "lora_down": (0, 5)},
    "an absurd rank": {"lora_up": (6, 100_000), "lora_down": (100_000, 5)},
    "no sides": {"lora_up": (), "lora_down": ()},
    "one side": {"lora_up": (6,), "lora_down": (5,)},
    "two alphas": {"lora_up": (6, 3), "lora_down": (3, 5), "alpha": (2,)},
    "a huge Kronecker product": {"lokr_w1": (100_000, 100_000), "lokr_w2": (100_000, 100_000)},
    "a difference that would broadcast": {"diff": (1, 5)},
    "a bias of another length": {"diff": (6, 5), "diff_b": (5,)},
    "lengths that fit no side": {"lora_up": (6, 3), "lora_down": (3, 5), "dora_scale": (7,)},
    "scales that fit no side": {"weight": (7,), "on_input": ()},
}


@pytest.mark.parametrize("shapes", WRONG.values(), ids=WRONG)
def test_wrong_shapes_are_told_before_anything_is_computed(shapes: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match=r"got .*wanted .*\[6, 5\]"):
        check_shapes(shapes, (6, 5), (6,))


def test_parts_that_make_nothing_are_of_no_kind() -> None:
    assert find_kind(["lora_up"]) is None and find_kind(["alpha"]) is None and find_kind(["weight"]) is None
    assert find_kind(["lora_up", "lora_down", "alpha"]) is not None


def test_merging_adds_in_order_and_restoring_leaves_no_trace() -> None:
    layer = nn.Linear(5, 6)
    before, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    storage = layer.weight.data_ptr()
    changes = [
        Change("one", {"lora_up": rand(6, 2), "lora_down": rand(2, 5)}, 0.5),
        Change("two", {"diff": rand(6, 5), "diff_b": rand(6)}, 2.0),
    ]
    merger = WeightMerger()
    merger.merge(layer, changes)
    assert torch.equal(layer.weight, before + (rand(6, 2) @ rand(2, 5)) * 0.5 + rand(6, 5) * 2.0)
    assert torch.equal(layer.bias, bias + rand(6) * 2.0)
    merger.restore()
    assert torch.equal(layer.weight, before) and torch.equal(layer.bias, bias) and layer.weight.data_ptr() == storage
    assert not merger.is_merged


def test_a_bias_that_was_not_there_comes_and_goes() -> None:
    layer, merger = nn.Linear(5, 6, bias=False), WeightMerger()
    merger.merge(layer, [Change("x", {"diff_b": rand(6)}, 1.0)])
    assert torch.equal(layer.bias, rand(6)) and layer(torch.zeros(1, 5)).shape == (1, 6)
    merger.restore()
    assert layer.bias is None and [name for name, _ in layer.named_parameters()] == ["weight"]


def test_half_precision_is_rounded_once_and_keeps_its_layout() -> None:
    layer = nn.Conv2d(8, 6, 3).to(torch.bfloat16).to(memory_format=torch.channels_last)
    weight = layer.weight.detach().clone()
    parts = {"lora_up": rand(6, 2, 1, 1), "lora_down": rand(2, 8, 3, 3)}
    changes = [Change("one", parts, 0.3), Change("two", parts, 0.4)]
    merger = WeightMerger()
    merger.merge(layer, changes)
    delta = (parts["lora_up"].flatten(1) @ parts["lora_down"].flatten(1)).reshape(6, 8, 3, 3)
    assert torch.equal(layer.weight, (weight.float() + delta * 0.3 + delta * 0.4).bfloat16())
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    merger.restore()
    assert torch.equal(layer.weight, weight) and layer.weight.dtype == torch.bfloat16
    wide = WeightMerger(torch.float32)
    wide.merge(layer, changes)
    assert torch.equal(layer.weight, weight.float() + delta * 0.3 + delta * 0.4)
    wide.restore()
    assert torch.equal(layer.weight, weight) and layer.weight.dtype == torch.bfloat16


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e38])
def test_numbers_that_are_not_finite_are_refused_by_name(bad: float) -> None:
    layer, merger = nn.Linear(5, 6), WeightMerger()
    up = rand(6, 2)
    up[3, 1] = bad
    with pytest.raises(UnusableNetwork, match="'bad', layer x holds numbers that are not finite"):
        merger.merge(layer, [Change("LoRA 'bad', layer x", {"lora_up": up, "lora_down": rand(2, 5) * 1e3}, 1.0)])


def test_weights_too_large_for_float16_are_refused() -> None:
    layer, merger = nn.Linear(5, 6).half(), WeightMerger()
    with pytest.raises(UnusableNetwork, match="half precision"):
        merger.merge(layer, [Change("x", {"diff": torch.full((6, 5), 1e6)}, 1.0)])
