"""Write tiny checkpoints of Stable Diffusion 1.5's architecture, in the original LDM single-file layout.

    python -m tests.golden.make_tiny_sd15 OUT

Files:
    tiny_sd15.safetensors, .yaml            4 channels; float16, with the LDM configuration of the small sizes
    tiny_sd15_inpaint.safetensors, .yaml    9 channels; every tensor that exists in both is the same, apart from conv_in
    tiny_sd15_ip2p.safetensors, .yaml       8 channels ("edit"), likewise
    lora/tiny_lora.safetensors              kohya layout, rank 4, alpha 2, a few modules of UNet and text encoder
    embeddings/tiny_ti.safetensors          textual inversion, 3 vectors (key "emb_params")

The weights are random but not without structure: "carrier" channels run through the residual networks, so that the toy behaves like a
(bad) diffusion model:
  * the VAE's encoder is about 8x8 average pooling of RGB, its decoder about blurry RGB, normalised;
  * the UNet's eps is about a normalised copy of its input, and a random part that depends on prompt, t and x;
  * the logarithm of the VAE posterior's variance is -30 everywhere (std 3e-7), hence a sample is the mean.
Everything comes from numpy's PCG64(seed) and plain arithmetic: deterministic to the bit, no torch. The same program wrote the checkpoints
that A1111 made the golden pictures with; tests/golden/tiny_models.py holds their sha256.
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from tests.golden.tiny_configs import (
    CLIP_LAYERS,
    CLIP_W,
    CTX,
    SCALE_FACTOR,
    UNET_ATTN_DS,
    UNET_CH,
    UNET_MULT,
    UNET_NRB,
    VAE_CH,
    VAE_MULT,
    VAE_NRB,
    VOCAB,
    yaml_config,
)

SEED = 1234
UNET_RANDOM_GAIN, UNET_CARRIER_GAIN, VAE_RANDOM_GAIN, VAE_OUT_GAIN = 0.12, 0.9, 0.12, 0.45
CHANNELS = {"tiny_sd15": 4, "tiny_sd15_inpaint": 9, "tiny_sd15_ip2p": 8}


class Maker:
    def __init__(self, seed):
        self.seed = seed
        self.sd = {}

    def rng(self, key):
        # one independent stream per tensor: adding/removing tensors never shifts the others
        return np.random.Generator(np.random.PCG64([self.seed, zlib.crc32(key.encode())]))

    def randn(self, key, shape, std):
        return self.rng(key).standard_normal(shape) * std

    def put(self, key, arr):
        assert key not in self.sd, key
        self.sd[key] = np.ascontiguousarray(arr.astype(np.float32).astype(np.float16))

    # ---- primitive layers; `carry` = {out_row: (in_col, value)} makes exact pass-through rows,
    # ---- `zero_rows` are rows (outputs) with no weights and no bias
    def conv(self, key, cout, cin, k=3, gain=1.0, bias=0.05, zero_rows=(), carry=None, carry_taps=None):
        w = self.randn(key + ".weight", (cout, cin, k, k), gain / np.sqrt(cin * k * k))
        b = self.randn(key + ".bias", (cout,), bias)
        for r in zero_rows:
            w[r] = 0
            b[r] = 0
        if carry:
            taps = carry_taps or [(k // 2, k // 2, 1.0)]
            for r, (c, v) in carry.items():
                w[r] = 0
                b[r] = 0
                for y, x, t in taps:
                    w[r, c, y, x] = v * t
        self.put(key + ".weight", w)
        self.put(key + ".bias", b)

    def linear(self, key, cout, cin, gain=1.0, bias=0.05):
        self.put(key + ".weight", self.randn(key + ".weight", (cout, cin), gain / np.sqrt(cin)))
        if bias is not None:
            self.put(key + ".bias", self.randn(key + ".bias", (cout,), bias))

    def norm(self, key, c, plain=()):
        w = 1 + self.randn(key + ".weight", (c,), 0.1)
        b = self.randn(key + ".bias", (c,), 0.1)
        for i in plain:
            w[i] = 1
            b[i] = 0
        self.put(key + ".weight", w)
        self.put(key + ".bias", b)


# ------------------------------------------------------------------ UNet
def make_unet(m, in_ch, random_gain, carrier_gain):
    P = "model.diffusion_model."
    c0 = UNET_CH
    emb = 4 * c0
    NC = 8  # carrier channels: +z0 -z0 +z1 -z1 ...
    carriers = tuple(range(NC))

    def res(key, cin, cout, out_carry=None):
        m.norm(key + ".in_layers.0", cin)
        m.conv(key + ".in_layers.2", cout, cin, gain=1.4)
        m.linear(key + ".emb_layers.1", cout, emb, gain=6.0)
        m.norm(key + ".out_layers.0", cout)
        m.conv(key + ".out_layers.3", cout, cout, gain=1.0, zero_rows=carriers if out_carry else ())
        if cin != cout:
            m.conv(key + ".skip_connection", cout, cin, k=1, gain=1.0, carry=out_carry)

    def attn(key, c, keep=False):
        m.norm(key + ".norm", c)
        m.conv(key + ".proj_in", c, c, k=1)
        b = key + ".transformer_blocks.0"
        for i, ctx in ((1, c), (2, CTX)):
            g = 1.5 if i == 1 else 3.0
            m.linear(f"{b}.attn{i}.to_q", c, c, gain=g, bias=None)
            m.linear(f"{b}.attn{i}.to_k", c, ctx, gain=g if i == 2 else 1.0, bias=None)
            m.linear(f"{b}.attn{i}.to_v", c, ctx, gain=1.5, bias=None)
            m.linear(f"{b}.attn{i}.to_out.0", c, c, gain=1.2)
        m.linear(b + ".ff.net.0.proj", 8 * c, c)
        m.linear(b + ".ff.net.2", c, 4 * c, gain=1.2)
        for i in (1, 2, 3):
            m.norm(f"{b}.norm{i}", c)
        m.conv(key + ".proj_out", c, c, k=1, gain=1.0, zero_rows=carriers if keep else ())

    m.linear(P + "time_embed.0", emb, c0, gain=4.0)
    m.linear(P + "time_embed.2", emb, emb, gain=1.5)

    key = P + "input_blocks.0.0"
    # the base 4 input channels use the same random numbers in both models
    w4 = m.randn(key + ".weight", (c0, 4, 3, 3), 1 / np.sqrt(36))
    wx = m.randn(key + ".weight.extra", (c0, 5, 3, 3), 0.6 / np.sqrt(45))
    w = np.concatenate([w4, wx[:, : in_ch - 4]], 1)
    b = m.randn(key + ".bias", (c0,), 0.05)
    for k in range(4):
        for j, s in ((2 * k, 1.0), (2 * k + 1, -1.0)):
            w[j] = 0
            b[j] = 0
            w[j, k, 1, 1] = s
    m.put(key + ".weight", w)
    m.put(key + ".bias", b)

    chans = [c0]
    ch, ds, n = c0, 1, 0
    for lvl, mult in enumerate(UNET_MULT):
        for _ in range(UNET_NRB):
            n += 1
            res(f"{P}input_blocks.{n}.0", ch, mult * c0)
            ch = mult * c0
            if ds in UNET_ATTN_DS:
                attn(f"{P}input_blocks.{n}.1", ch)
            chans.append(ch)
        if lvl != len(UNET_MULT) - 1:
            n += 1
            m.conv(f"{P}input_blocks.{n}.0.op", ch, ch)
            chans.append(ch)
            ds *= 2
    res(P + "middle_block.0", ch, ch)
    attn(P + "middle_block.1", ch)
    res(P + "middle_block.2", ch, ch)
    n = -1
    total = len(UNET_MULT) * (UNET_NRB + 1)
    for lvl in reversed(range(len(UNET_MULT))):
        for i in range(UNET_NRB + 1):
            n += 1
            ich = chans.pop()
            out = UNET_MULT[lvl] * c0
            last = n == total - 1
            # the last block concatenates (h, conv_in(x)): take the carriers from conv_in(x)
            oc = {r: (ch + r, 1.0) for r in carriers} if last else None
            res(f"{P}output_blocks.{n}.0", ch + ich, out, out_carry=oc)
            ch = out
            k = 1
            if ds in UNET_ATTN_DS:
                attn(f"{P}output_blocks.{n}.1", ch, keep=last)
                k = 2
            if lvl and i == UNET_NRB:
                m.conv(f"{P}output_blocks.{n}.{k}.conv", ch, ch)
                ds //= 2
    m.norm(P + "out.0", c0, plain=carriers)
    w = m.randn(P + "out.2.weight", (4, c0, 3, 3), random_gain / np.sqrt((c0 - NC) * 9 * 0.35))
    w[:, :NC] = 0
    for k in range(4):
        w[k, 2 * k, 1, 1] = carrier_gain  # silu(v) - silu(-v) == v
        w[k, 2 * k + 1, 1, 1] = -carrier_gain
    m.put(P + "out.2.weight", w)
    m.put(P + "out.2.bias", np.zeros(4))


# ------------------------------------------------------------------ VAE
AVG = [(0, 0, 0.25), (0, 1, 0.25), (1, 0, 0.25), (1, 1, 0.25)]


def make_vae(m, random_gain, out_gain):
    P = "first_stage_model."
    c0 = VAE_CH

    def res(key, cin, cout, car, rg):
        m.norm(key + ".norm1", cin)
        m.conv(key + ".conv1", cout, cin, gain=1.4)
        m.norm(key + ".norm2", cout)
        m.conv(key + ".conv2", cout, cout, gain=rg, zero_rows=car)
        if cin != cout:
            m.conv(key + ".nin_shortcut", cout, cin, k=1, carry={r: (r, 1.0) for r in car})

    def attn(key, c, car):
        m.norm(key + ".norm", c)
        for n in ("q", "k", "v"):
            m.conv(f"{key}.{n}", c, c, k=1)
        m.conv(key + ".proj_out", c, c, k=1, gain=0.7, zero_rows=car)

    # ---- encoder. carriers, in GroupNorm groups of 4 (128 ch / 32 groups): +R -R +1 -1 | +G -G ...
    E = P + "encoder."
    car = tuple(range(12))
    w = m.randn(E + "conv_in.weight", (c0, 3, 3, 3), 1 / np.sqrt(27))
    b = m.randn(E + "conv_in.bias", (c0,), 0.05)
    for k in range(3):
        for j, s in ((0, 1.0), (1, -1.0)):
            w[4 * k + j] = 0
            w[4 * k + j, k, 1, 1] = s
            b[4 * k + j] = 0
            w[4 * k + 2 + j] = 0
            b[4 * k + 2 + j] = s  # constant channels stabilise the normaliser
    m.put(E + "conv_in.weight", w)
    m.put(E + "conv_in.bias", b)
    cin = c0
    for lvl, mult in enumerate(VAE_MULT):
        for i in range(VAE_NRB):
            res(f"{E}down.{lvl}.block.{i}", cin, mult * c0, car, 0.7)
            cin = mult * c0
        if lvl != len(VAE_MULT) - 1:
            # stride 2, zero pad right/bottom: 2x2 mean.
            m.conv(f"{E}down.{lvl}.downsample.conv", cin, cin, carry={r: (r, 1.0) for r in car}, carry_taps=AVG)
    res(E + "mid.block_1", cin, cin, car, 0.7)
    attn(E + "mid.attn_1", cin, car)
    res(E + "mid.block_2", cin, cin, car, 0.7)
    m.norm(E + "norm_out", cin, plain=car)
    # mean channels: z0,z1,z2 ~ RGB, z3 ~ random features; order-1 after SCALE_FACTOR
    w = m.randn(E + "conv_out.weight", (8, cin, 3, 3), 1 / np.sqrt(cin * 9 * 0.35)) * random_gain
    w[:, :12] = 0
    for k in range(3):
        w[k, 4 * k, 1, 1] = 1.0
        w[k, 4 * k + 1, 1, 1] = -1.0
    w[3] *= 4
    for k in range(3):
        w[3, 4 * k, 1, 1] = 0.5
        w[3, 4 * k + 1, 1, 1] = -0.5
    m.put(E + "conv_out.weight", w)
    m.put(E + "conv_out.bias", np.zeros(8))
    q = np.zeros((8, 8, 1, 1))
    for k in range(4):
        q[k, k] = 2.6 / SCALE_FACTOR
    qb = np.zeros(8)
    qb[4:] = -30.0  # logvar
    m.put(P + "quant_conv.weight", q)
    m.put(P + "quant_conv.bias", qb)

    # ---- decoder. carriers in pairs +R -R +G -G +B -B
    D = P + "decoder."
    car = tuple(range(6))
    pq = np.zeros((4, 4, 1, 1))
    for k in range(4):
        pq[k, k] = SCALE_FACTOR
    m.put(P + "post_quant_conv.weight", pq)
    m.put(P + "post_quant_conv.bias", np.zeros(4))
    cin = VAE_MULT[-1] * c0
    w = m.randn(D + "conv_in.weight", (cin, 4, 3, 3), 1 / np.sqrt(36))
    b = m.randn(D + "conv_in.bias", (cin,), 0.05)
    for k in range(3):
        for j, s in ((2 * k, 1.0), (2 * k + 1, -1.0)):
            w[j] = 0
            b[j] = 0
            w[j, k, 1, 1] = s
            w[j, 3, 1, 1] = 0.15 * s
    m.put(D + "conv_in.weight", w)
    m.put(D + "conv_in.bias", b)
    res(D + "mid.block_1", cin, cin, car, 0.7)
    attn(D + "mid.attn_1", cin, car)
    res(D + "mid.block_2", cin, cin, car, 0.7)
    smooth = [(y, x, a * bb) for y, a in enumerate((0.25, 0.5, 0.25)) for x, bb in enumerate((0.25, 0.5, 0.25))]
    for lvl in reversed(range(len(VAE_MULT))):
        cout = VAE_MULT[lvl] * c0
        for i in range(VAE_NRB + 1):
            res(f"{D}up.{lvl}.block.{i}", cin, cout, car, 0.7)
            cin = cout
        if lvl:
            m.conv(f"{D}up.{lvl}.upsample.conv", cin, cin, carry={r: (r, 1.0) for r in car}, carry_taps=smooth)
    m.norm(D + "norm_out", cin, plain=car)
    w = m.randn(D + "conv_out.weight", (3, cin, 3, 3), 1 / np.sqrt(cin * 9 * 0.35)) * random_gain
    w[:, :6] = 0
    for k in range(3):
        w[k, 2 * k, 1, 1] = out_gain
        w[k, 2 * k + 1, 1, 1] = -out_gain
    m.put(D + "conv_out.weight", w)
    m.put(D + "conv_out.bias", np.zeros(3))


# ------------------------------------------------------------------ CLIP text
def make_clip(m):
    P = "cond_stage_model.transformer.text_model."
    m.put(P + "embeddings.token_embedding.weight", m.randn(P + "tok", (VOCAB, CLIP_W), 1.0))
    m.put(P + "embeddings.position_embedding.weight", m.randn(P + "pos", (77, CLIP_W), 0.3))
    m.sd[P + "embeddings.position_ids"] = np.arange(77, dtype=np.int64)[None]
    for i in range(CLIP_LAYERS):
        L = f"{P}encoder.layers.{i}."
        m.norm(L + "layer_norm1", CLIP_W)
        m.linear(L + "self_attn.q_proj", CLIP_W, CLIP_W, gain=1.5)
        m.linear(L + "self_attn.k_proj", CLIP_W, CLIP_W, gain=1.5)
        m.linear(L + "self_attn.v_proj", CLIP_W, CLIP_W)
        m.linear(L + "self_attn.out_proj", CLIP_W, CLIP_W, gain=0.8)
        m.norm(L + "layer_norm2", CLIP_W)
        m.linear(L + "mlp.fc1", 4 * CLIP_W, CLIP_W)
        m.linear(L + "mlp.fc2", CLIP_W, 4 * CLIP_W, gain=0.8)
    m.norm(P + "final_layer_norm", CLIP_W)


# ------------------------------------------------------------------ LoRA, textual inversion
def make_extras(seed, out):
    m = Maker(seed + 1)
    r, c0 = 4, UNET_CH
    mods = {}  # kohya name -> (out, in, conv?)
    for blk, c in (
        ("down_blocks_0_attentions_0", c0),
        ("down_blocks_2_attentions_1", 4 * c0),
        ("mid_block_attentions_0", 4 * c0),
        ("up_blocks_3_attentions_2", c0),
    ):
        t = f"lora_unet_{blk}_transformer_blocks_0_"
        mods[t + "attn1_to_q"] = (c, c, False)
        mods[t + "attn2_to_k"] = (c, CTX, False)
        mods[t + "attn2_to_v"] = (c, CTX, False)
        mods[t + "attn2_to_out_0"] = (c, c, False)
        mods[t + "ff_net_0_proj"] = (8 * c, c, False)
        mods[f"lora_unet_{blk}_proj_in"] = (c, c, True)
    for i in (0, 5, 11):
        t = f"lora_te_text_model_encoder_layers_{i}_"
        mods[t + "self_attn_q_proj"] = (CLIP_W, CLIP_W, False)
        mods[t + "self_attn_v_proj"] = (CLIP_W, CLIP_W, False)
        mods[t + "mlp_fc1"] = (4 * CLIP_W, CLIP_W, False)
    for k, (o, i, conv) in mods.items():
        up, down = m.randn(k + ".up", (o, r), 1.0), m.randn(k + ".down", (r, i), 1.0 / np.sqrt(i))
        m.put(k + ".lora_up.weight", up[:, :, None, None] if conv else up)
        m.put(k + ".lora_down.weight", down[:, :, None, None] if conv else down)
        m.put(k + ".alpha", np.array(2.0))
    for folder in ("lora", "embeddings"):
        (out / folder).mkdir(exist_ok=True)
    save_file(dict(sorted(m.sd.items())), out / "lora" / "tiny_lora.safetensors", metadata={"format": "pt"})
    emb = Maker(seed + 2).randn("emb", (3, CLIP_W), 1.0).astype(np.float32)
    save_file({"emb_params": emb}, out / "embeddings" / "tiny_ti.safetensors", metadata={"format": "pt"})


def make_models(out: Path) -> None:
    """Write everything into the folder `out`; about 10 seconds."""
    out.mkdir(parents=True, exist_ok=True)
    make_extras(SEED, out)
    for name, channels in CHANNELS.items():
        maker = Maker(SEED)
        make_unet(maker, channels, UNET_RANDOM_GAIN, UNET_CARRIER_GAIN)
        make_vae(maker, VAE_RANDOM_GAIN, VAE_OUT_GAIN)
        make_clip(maker)
        save_file(dict(sorted(maker.sd.items())), out / f"{name}.safetensors", metadata={"format": "pt"})
        (out / f"{name}.yaml").write_text(yaml_config(channels), encoding="utf-8")


if __name__ == "__main__":
    make_models(Path(sys.argv[1]))
