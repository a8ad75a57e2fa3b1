"""Names of tensors and layers, in all the layouts that are found in the wild."""

from __future__ import annotations

import time

import pytest

from modules.backends.ldm_layout import _RESNET as LDM_RESNET
from modules.backends.loras.names import name_text_layers, name_unet_layers, parse_tensor_name
from tests.unit.backends.loras.small import small_text, small_unet

ATTENTION = "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"


@pytest.mark.parametrize(
    ("name", "layer", "part"),
    [
        (f"lora_unet_{ATTENTION}.lora_up.weight", ("unet", ATTENTION), "lora_up"),
        (f"lora_unet_{ATTENTION}.alpha", ("unet", ATTENTION), "alpha"),
        (f"lora_unet_{ATTENTION}.hada_w1_a", ("unet", ATTENTION), "hada_w1_a"),
        ("lora_te_text_model_encoder_layers_3_mlp_fc1.lora_down.weight", ("text", "encoder_layers_3_mlp_fc1"), "lora_down"),
        ("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight", ("unet", ATTENTION), "lora_down"),
        ("base_model.model.up_blocks.0.attentions.0.proj_in.lora_B.default.weight",
         ("unet", "up_blocks_0_attentions_0_proj_in"), "lora_up"),
        ("down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.up.weight", ("unet", ATTENTION), "lora_up"),
        ("unet.mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_out_lora.down.weight",
         ("unet", "mid_block_attentions_0_transformer_blocks_0_attn2_to_out_0"), "lora_down"),
        ("unet.mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight.alpha",
         ("unet", "mid_block_attentions_0_transformer_blocks_0_attn2_to_k"), "alpha"),
        ("unet.conv_in.lora.up.weight", ("unet", "conv_in"), "lora_up"),
        ("text_encoder.text_model.encoder.layers.1.mlp.fc1.lora_linear_layer.up.weight", ("text", "encoder_layers_1_mlp_fc1"), "lora_up"),
        ("text_encoder.text_model.encoder.layers.1.self_attn.q_proj.lora_magnitude_vector",
         ("text", "encoder_layers_1_self_attn_q_proj"), "dora_scale"),
        ("diffusion_model.input_blocks.1.0.in_layers.2.diff", ("unet", "input_blocks_1_0_in_layers_2"), "diff"),
    ],
)  # fmt: skip
def test_a_tensor_name_tells_layer_and_part(name: str, layer: tuple[str, str], part: str) -> None:
    assert parse_tensor_name(name) == (layer, part)


@pytest.mark.parametrize(
    "name",
    ["", ".", "alpha", "lora_te2_x.alpha", "lora_unet_x", "first_stage_model.encoder.conv_in.diff", "lora_unet_x.oft_blocks", "emb_params"],
)
def test_other_names_are_unknown(name: str) -> None:
    assert parse_tensor_name(name) is None


def test_long_names_are_read_quickly() -> None:
    names = [f"lora_unet_{'x.' * 200}{index}.lora_up.weight" for index in range(20_000)]
    started = time.process_time()
    for name in names:
        parse_tensor_name(name)
    assert time.process_time() - started < 2


def test_every_layer_of_the_unet_has_kohyas_and_ldms_name() -> None:
    unet = small_unet()
    table = name_unet_layers(name for name, module in unet.named_modules() if hasattr(module, "weight"))
    for ldm, ours in {
        "input_blocks_0_0": "conv_in", "time_embed_2": "time_embedding.linear_2",
        "input_blocks_2_0_op": "down_blocks.0.downsamplers.0.conv",
        "input_blocks_1_0_emb_layers_1": "down_blocks.0.resnets.0.time_emb_proj",
        "middle_block_1_proj_out": "mid_block.attentions.0.proj_out",
        "middle_block_2_out_layers_0": "mid_block.resnets.1.norm2", "output_blocks_1_1_conv": "up_blocks.0.upsamplers.0.conv",
        "output_blocks_3_0_skip_connection": "up_blocks.1.resnets.1.conv_shortcut", "out_2": "conv_out", "out_0": "conv_norm_out",
        "output_blocks_2_1_transformer_blocks_0_ff_net_2": "up_blocks.1.attentions.0.transformer_blocks.0.ff.net.2",
    }.items():  # fmt: skip
        assert table[ldm] == ours and table[ours.replace(".", "_")] == ours
        assert unet.get_submodule(ours) is not None
    assert LDM_RESNET["emb_layers.1"] == "time_emb_proj"


def test_layers_of_the_text_model_have_both_names() -> None:
    table = name_text_layers(name for name, _ in small_text().named_modules())
    assert table["encoder_layers_1_self_attn_to_q"] == table["encoder_layers_1_self_attn_q_proj"] == "encoder.layers.1.self_attn.q_proj"
    assert table["encoder_layers_0_self_attn_to_out_0"] == "encoder.layers.0.self_attn.out_proj"
