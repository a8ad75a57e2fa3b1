"""LoRA files merged into a small UNet and text model: every layout gives the same weights, and none leaves a trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from modules.backends.loras.memory import ByteCache
from modules.backends.loras.merger import LoraMerger
from modules.base.errors import UnusableNetwork
from modules.engine.lora.network import WeightedNetwork
from tests.unit.backends.loras.small import (
    CONTEXT,
    CONV,
    FF,
    KEYS,
    MLP,
    OUT,
    WIDTH,
    changes,
    kohya,
    opened,
    peft,
    peft_metadata,
    small_text,
    small_unet,
    weights,
    write,
)

Made = dict[tuple[str, str], dict[str, Tensor]]


@pytest.fixture
def unet() -> nn.Module:
    return small_unet()


@pytest.fixture
def text() -> nn.Module:
    return small_text()


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) and one[name].dtype == other[name].dtype for name in one)


def merged(tmp_path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None, **strength: float) -> dict[str, Tensor]:
    unet, text = small_unet(), small_text()
    notes = LoraMerger(unet, text).apply([WeightedNetwork(opened(write(tmp_path / "x.safetensors", tensors, metadata)), **strength)])
    assert notes == []
    return weights(unet, text)


def test_layers_are_changed_by_their_multiplier_and_no_others(tmp_path: Path, unet: nn.Module, text: nn.Module) -> None:
    before, made = weights(unet, text), changes()
    after = merged(tmp_path, kohya(made), te=0.5, unet=0.8)
    touched = {f"{network}.{path}.weight" for network, path in made}
    for name, tensor in after.items():
        if name not in touched:
            assert torch.equal(tensor, before[name])
            continue
        network, path = name.removesuffix(".weight").split(".", 1)
        parts = made[network, path]
        delta = (parts["up"].flatten(1) @ parts["down"].flatten(1)).reshape(tensor.shape)
        assert torch.equal(tensor, before[name] + delta * 0.5 * (0.8 if network == "unet" else 0.5))


def old_diffusers(made: Made) -> dict[str, Tensor]:
    """diffusers before 0.20: attention processors, alphas as tensors; other layers as kohya has them."""
    attention = {layer: made[layer] for layer in made if ".attn" in layer[1]}
    file = kohya({layer: parts for layer, parts in made.items() if layer not in attention})
    for (_, path), parts in attention.items():
        start, _, last = path.removesuffix(".0").rpartition(".")
        name = f"{start}.processor.{last}_lora"
        file |= {f"{name}.up.weight": parts["up"], f"{name}.down.weight": parts["down"], f"{name}.alpha": parts["alpha"]}
    return file


def middle_diffusers(made: Made) -> dict[str, Tensor]:
    """diffusers 0.20 to 0.24: "lora.up", "lora_linear_layer.up" for the text encoder."""
    file = {}
    for (network, path), parts in made.items():
        name = f"unet.{path}.lora" if network == "unet" else f"text_encoder.text_model.{path}.lora_linear_layer"
        alpha = name.removesuffix(".lora").removesuffix(".lora_linear_layer") + ".alpha"
        file |= {f"{name}.up.weight": parts["up"], f"{name}.down.weight": parts["down"], alpha: parts["alpha"]}
    return file


def ldm(made: Made) -> dict[str, Tensor]:
    """kohya's tensors under LDM's names of the layers."""
    theirs = {
        FF: "input_blocks_1_1_transformer_blocks_0_ff_net_0_proj", KEYS: "middle_block_1_transformer_blocks_0_attn2_to_k",
        OUT: "input_blocks_1_1_transformer_blocks_0_attn1_to_out_0", CONV: "input_blocks_1_0_in_layers_2",
    }  # fmt: skip
    return {
        name.replace(path.replace(".", "_"), other): tensor
        for name, tensor in kohya(made).items()
        for path, other in [next(((path, theirs[path]) for path in theirs if path.replace(".", "_") in name), ("-", "-"))]
    }


def bare_peft(made: Made) -> dict[str, Tensor]:
    """PEFT's own files: "base_model.model", adapter names, no alphas."""
    return {
        (name.replace("unet.", "base_model.model.") if name.startswith("unet") else name).replace(".weight", ".default.weight"): tensor
        for name, tensor in peft(made).items()
    }


@pytest.mark.parametrize("layout", [old_diffusers, middle_diffusers, ldm])
def test_every_layout_gives_the_weights_of_kohyas(layout: Callable[[Made], dict[str, Tensor]], tmp_path: Path) -> None:
    made = changes()
    assert same(merged(tmp_path, layout(made), te=0.5), merged(tmp_path, kohya(made), te=0.5))


def test_pefts_layout_takes_alpha_from_the_metadata(tmp_path: Path) -> None:
    made = changes()
    assert same(merged(tmp_path, peft(made), peft_metadata(1.0)), merged(tmp_path, kohya(made)))
    whole = {layer: {**parts, "alpha": torch.tensor(2.0)} for layer, parts in made.items()}
    assert same(merged(tmp_path, peft(made)), merged(tmp_path, kohya(whole)))
    assert same(merged(tmp_path, bare_peft(made)), merged(tmp_path, kohya(whole)))


def test_diffusers_itself_merges_the_same_weights(tmp_path: Path) -> None:
    from diffusers.loaders.lora_conversion_utils import _convert_non_diffusers_lora_to_diffusers

    made = {layer: parts for layer, parts in changes().items() if layer[1] != CONV}
    converted, alphas = _convert_non_diffusers_lora_to_diffusers(dict(kohya(made)))
    converted = {name: tensor.contiguous() for name, tensor in converted.items()} | {
        name: torch.tensor(float(value)) for name, value in alphas.items()
    }
    assert any("lora.down" in name or "lora_A" in name for name in converted)
    assert same(merged(tmp_path, converted), merged(tmp_path, kohya(made)))


def test_a_job_without_lora_finds_the_bits_of_before(tmp_path: Path, unet: nn.Module, text: nn.Module) -> None:
    before, merger = weights(unet, text), LoraMerger(unet, text)
    one = WeightedNetwork(opened(write(tmp_path / "one.safetensors", kohya(changes()))), 0.7, 0.9)
    two = WeightedNetwork(opened(write(tmp_path / "two.safetensors", kohya(changes(seed=5)))), -1.3, 3.1)
    for networks in ([one], [two], [one, two], [two, one], [one, one]):
        merger.apply(networks)
        assert not same(weights(unet, text), before) and merger.text_key != ()
    merger.apply([])
    assert same(weights(unet, text), before) and merger.text_key == ()


def test_several_add_in_prompt_order(tmp_path: Path, unet: nn.Module, text: nn.Module) -> None:
    before = unet.get_submodule(FF).weight.clone()
    files = [opened(write(tmp_path / f"{seed}.safetensors", kohya(changes(seed=seed)))) for seed in (1, 2)]
    LoraMerger(unet, text).apply([WeightedNetwork(files[0], 1, 0.3), WeightedNetwork(files[1], 1, 0.6)])
    wanted = before
    for seed, multiplier in ((1, 0.3), (2, 0.6)):
        parts = changes(seed=seed)["unet", FF]
        wanted = wanted + parts["up"] @ parts["down"] * 0.5 * multiplier
    assert torch.equal(unet.get_submodule(FF).weight, wanted)


def test_the_same_set_again_does_no_work(tmp_path: Path, unet: nn.Module, text: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    merger = LoraMerger(unet, text)
    file = opened(write(tmp_path / "x.safetensors", {**kohya(changes()), "foreign.tensor": torch.zeros(1)}))
    notes = merger.apply([WeightedNetwork(file, 0.5, 0.8)])
    pointer, key = unet.get_submodule(FF).weight.data_ptr(), merger.text_key

    def fail(*_: object) -> None:
        raise AssertionError("work was done")

    monkeypatch.setattr("modules.backends.loras.merger.check_shapes", fail)
    monkeypatch.setattr("modules.backends.loras.merger.WeightMerger.merge", fail)
    assert merger.apply([WeightedNetwork(file, 0.5, 0.8)]) == notes != []
    assert unet.get_submodule(FF).weight.data_ptr() == pointer and merger.text_key == key


def test_another_unet_multiplier_leaves_the_text_encoder_as_it_is(tmp_path: Path, unet: nn.Module, text: nn.Module) -> None:
    merger, file = LoraMerger(unet, text), opened(write(tmp_path / "x.safetensors", kohya(changes())))
    merger.apply([WeightedNetwork(file, 0.5, 0.8)])
    pointer, key = text.get_submodule(MLP).weight.data_ptr(), merger.text_key
    merger.apply([WeightedNetwork(file, 0.5, 0.2)])
    assert text.get_submodule(MLP).weight.data_ptr() == pointer and merger.text_key == key
    merger.apply([WeightedNetwork(file, 0.0, 0.2)])
    assert merger.text_key == ()


def test_a_replaced_file_is_merged_anew(tmp_path: Path, unet: nn.Module, text: nn.Module) -> None:
    merger = LoraMerger(unet, text)
    merger.apply([WeightedNetwork(opened(write(tmp_path / "x.safetensors", kohya(changes(seed=1)))))])
    first, key = unet.get_submodule(FF).weight.clone(), merger.text_key
    merger.apply([WeightedNetwork(opened(write(tmp_path / "x.safetensors", kohya(changes(rank=3, seed=2)))))])
    assert not torch.equal(unet.get_submodule(FF).weight, first) and merger.text_key != key


def test_a_half_precision_model_keeps_its_unet_and_computes_text_in_float32(tmp_path: Path, unet: nn.Module, text: nn.Module) -> None:
    unet, text = unet.bfloat16(), text.half()
    before, merger = weights(unet, text), LoraMerger(unet, text)
    merger.apply([WeightedNetwork(opened(write(tmp_path / "x.safetensors", kohya(changes()))))])
    assert unet.get_submodule(FF).weight.dtype == torch.bfloat16 and text.get_submodule(MLP).weight.dtype == torch.float32
    merger.apply([])
    assert same(weights(unet, text), before)


def test_a_base_models_file_fits_an_inpainting_model(tmp_path: Path, text: nn.Module) -> None:
    unet = small_unet(inputs=9)
    before = unet.conv_in.weight.clone()
    tensors = {"lora_unet_conv_in.lora_up.weight": torch.ones(WIDTH, 1, 1, 1), "lora_unet_conv_in.lora_down.weight": torch.ones(1, 4, 3, 3)}
    LoraMerger(unet, text).apply([WeightedNetwork(opened(write(tmp_path / "x.safetensors", tensors)))])
    assert torch.equal(unet.conv_in.weight[:, :4], before[:, :4] + 1) and torch.equal(unet.conv_in.weight[:, 4:], before[:, 4:])


def test_what_is_not_understood_is_counted_and_named(tmp_path: Path, unet: nn.Module, text: nn.Module) -> None:
    foreign = {"lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha": torch.ones(1), "bundle_emb.x.string_to_param.*": torch.ones(2)}
    lonely = {"lora_unet_conv_out.lora_up.weight": torch.ones(4, 1)}
    file = opened(write(tmp_path / "odd.safetensors", {**kohya(changes()), **foreign, **lonely}))
    (note,) = LoraMerger(unet, text).apply([WeightedNetwork(file)])
    assert "LoRA 'odd': 3 of 18 tensors have no use here" in note and "lora_te2_" in note


def test_a_file_for_another_model_changes_nothing_and_says_so(tmp_path: Path, unet: nn.Module, text: nn.Module) -> None:
    tensors = {"lora_unet_down_blocks_7_attentions_0_proj_in.lora_up.weight": torch.ones(4, 1)}
    file = opened(write(tmp_path / "xl.safetensors", tensors, {"ss_base_model_version": "sdxl_base_v1-0"}))
    (note,) = LoraMerger(unet, text).apply([WeightedNetwork(file)])
    assert "changes nothing" in note and "'sdxl_base_v1-0'" in note


@pytest.mark.parametrize(
    ("name", "tensor", "said"),
    [
        ("lora_up.weight", torch.ones(8 * WIDTH, 3), "lora_up [256, 3], wanted"),
        ("lora_down.weight", torch.ones(2, CONTEXT), "weight [256, 32]"),
        ("lora_up.weight", torch.full((8 * WIDTH, 2), float("nan")), "not finite"),
        ("lora_down.weight", torch.full((2, WIDTH), float("inf")), "not finite"),
        ("alpha", torch.tensor(float("nan")), "not finite"),
        ("lora_up.weight", torch.tensor(1.0), "lora_up []"),
        ("lora_down.weight", torch.ones(0, WIDTH), "rank 0"),
    ],
)
def test_a_failure_in_the_middle_restores_and_names_everything(
    name: str, tensor: Tensor, said: str, tmp_path: Path, unet: nn.Module, text: nn.Module
) -> None:
    before, merger = weights(unet, text), LoraMerger(unet, text)
    good = WeightedNetwork(opened(write(tmp_path / "good.safetensors", kohya(changes()))))
    key = "lora_unet_" + FF.replace(".", "_")
    bad = WeightedNetwork(opened(write(tmp_path / "bad.safetensors", {**kohya(changes()), f"{key}.{name}": tensor})))
    merger.apply([good])
    with pytest.raises(UnusableNetwork) as error:
        merger.apply([good, bad])
    assert "LoRA 'bad'" in str(error.value) and FF.replace(".", "_") in str(error.value) and said in str(error.value)
    assert same(weights(unet, text), before) and merger.text_key == ()
    merger.apply([good])
    assert not same(weights(unet, text), before)


def test_tensors_stay_in_memory_up_to_a_bound(tmp_path: Path, unet: nn.Module, text: nn.Module) -> None:
    path = write(tmp_path / "x.safetensors", kohya(changes()))
    memory = ByteCache(path.stat().st_size // 2)
    merger = LoraMerger(unet, text)
    for strength in (0.2, 0.4):
        merger.apply([WeightedNetwork(opened(path, memory), strength, strength)])
        assert 0 < memory.size <= path.stat().st_size // 2
    whole = ByteCache(1 << 20)
    for strength in (0.2, 0.4):
        merger.apply([WeightedNetwork(opened(path, whole), strength, strength)])
    assert len(whole) == 6  # five layers and the table of contents


def test_a_file_that_changes_between_reading_and_merging_is_refused(tmp_path: Path, unet: nn.Module, text: nn.Module) -> None:
    file = opened(write(tmp_path / "x.safetensors", kohya(changes())))
    (tmp_path / "x.safetensors").write_bytes(b"x")
    before = weights(unet, text)
    with pytest.raises(UnusableNetwork, match="changed"):
        LoraMerger(unet, text).apply([WeightedNetwork(file)])
    assert same(weights(unet, text), before)
