"""The text encoder: a small CLIP text transformer over CLIP's own token ids.

Token vectors come from a sentence encoder, projected to our width, and stay fixed: a word that no caption uses then lies
near words of like meaning that some caption does use.

    python -m models.training.text --vocabulary bpe_simple_vocab_16e6.txt.gz --sentences MINILM --out text-start.safetensors
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, CLIPTextConfig, CLIPTextModel, CLIPTokenizer, PreTrainedTokenizerFast

WIDTH = 128
HEADS = 2
LAYERS = 3
TOKENS = 77
VOCABULARY = 49408
START, END = 49406, 49407


def build_text_encoder() -> CLIPTextModel:
    """Make the untrained encoder: CLIP's architecture, 77 positions, quick_gelu."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=VOCABULARY,
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            max_position_embeddings=TOKENS,
            hidden_act="quick_gelu",
            projection_dim=WIDTH,
            bos_token_id=START,
            eos_token_id=END,
            pad_token_id=END,
        )
    )


def byte_symbols() -> list[str]:
    """Return the printable stand-ins for the 256 bytes, in the order of CLIP's vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + n) for n in range(len(rest))]


def read_vocabulary(path: Path) -> tuple[dict[str, int], list[str]]:
    """Read CLIP's merges.

    Args:
        path: `bpe_simple_vocab_16e6.txt.gz`, as OpenAI published it.

    Returns:
        Token to id (49,408 of them), and the merge lines.
    """
    merges = gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")[1 : 49152 - 256 - 2 + 1]
    symbols = byte_symbols()
    tokens = symbols + [s + "</w>" for s in symbols] + ["".join(m.split()) for m in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return {token: number for number, token in enumerate(tokens)}, merges


def load_tokenizer(path: Path) -> CLIPTokenizer:
    """Build transformers' CLIPTokenizer from the published merges."""
    vocabulary, merges = read_vocabulary(path)
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "vocab.json", Path(folder) / "merges.txt"
        files[0].write_text(json.dumps(vocabulary), encoding="utf-8")
        files[1].write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
        return CLIPTokenizer.from_pretrained(folder)


class TokenIds:
    """Turns captions into padded ids, remembering what it has seen.

    Args:
        vocabulary: `bpe_simple_vocab_16e6.txt.gz`.
    """

    def __init__(self, vocabulary: Path):
        self.tokenizer = load_tokenizer(vocabulary)
        self.seen: dict[str, list[int]] = {}

    def __call__(self, captions: list[str]) -> torch.Tensor:
        """Return (count, 77) ids: start, words, end, then end again as padding."""
        for caption in captions:
            if caption not in self.seen:
                ids = self.tokenizer(caption, truncation=True, max_length=TOKENS)["input_ids"]
                self.seen[caption] = ids + [END] * (TOKENS - len(ids))
        return torch.tensor([self.seen[caption] for caption in captions])


class CaptionVectors:
    """What the frozen text encoder says of captions; what it has said is remembered.

    Args:
        vocabulary: `bpe_simple_vocab_16e6.txt.gz`.
        words: The encoder's weights, from `models.training.meaning`.
        limit: Captions kept.
    """

    def __init__(self, vocabulary: Path, words: Path, limit: int = 20_000):
        self.tokens, self.encoder, self.limit = TokenIds(vocabulary), load_text_encoder(words), limit
        self.known: dict[str, torch.Tensor] = {}

    @torch.no_grad()
    def __call__(self, captions: list[str]) -> torch.Tensor:
        """Return (count, 77, WIDTH) float32."""
        new = sorted(set(captions) - self.known.keys())
        if len(self.known) + len(new) > self.limit:
            self.known, new = {}, sorted(set(captions))
        if new:
            self.known |= dict(zip(new, self.encoder(self.tokens(new)).last_hidden_state.bfloat16(), strict=True))
        return torch.stack([self.known[caption] for caption in captions]).float()


def load_text_encoder(path: Path) -> CLIPTextModel:
    """Load what `models.training.meaning` wrote, for use."""
    encoder = build_text_encoder()
    encoder.load_state_dict(load_file(path), strict=True)
    return encoder.eval().requires_grad_(False)


@torch.no_grad()
def embed_words(words: list[str], folder: Path) -> torch.Tensor:
    """Embed words one by one with MiniLM, mean-pooled.

    Args:
        words: Any short texts.
        folder: Holds `model.safetensors` and `tokenizer.json`.

    Returns:
        (count, 384) float32.
    """
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), pad_token="[PAD]")
    model = BertModel(BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536))
    weights = {name.removeprefix("bert."): tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    missing = model.load_state_dict(weights, strict=False).missing_keys
    if any("layer" in name for name in missing):
        raise ValueError(f"{folder} is not a six-layer MiniLM: {missing[:3]} are missing; point --sentences at its folder")
    found, order = [None] * len(words), sorted(range(len(words)), key=lambda i: len(words[i]))
    tokenizer.model_max_length = 32
    for first in range(0, len(order), 512):
        chosen = order[first : first + 512]
        batch = tokenizer([words[i] for i in chosen], padding=True, truncation=True, max_length=32, return_tensors="pt")
        mask = batch["attention_mask"]
        hidden = model.eval()(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
        pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        for i, vector in zip(chosen, pooled, strict=True):
            found[i] = vector
    return torch.stack(found)


def start_tokens(vocabulary: dict[str, int], folder: Path) -> torch.Tensor:
    """Give each token a vector: words by meaning, everything else by chance.

    Returns:
        (49408, WIDTH) float32, unit spread.
    """
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(VOCABULARY, WIDTH, generator=generator) * 0.7
    words = {
        token: number
        for token, number in vocabulary.items()
        if token.removesuffix("</w>").isascii() and token.removesuffix("</w>").isalpha()
    }
    vectors = embed_words([token.removesuffix("</w>") for token in words], folder)
    vectors = vectors - vectors.mean(0)
    directions = torch.linalg.svd(vectors[torch.randperm(len(vectors), generator=generator)[:8000]], full_matrices=False).Vh[:WIDTH]
    projected = vectors @ directions.T
    table[list(words.values())] = projected / projected.std()
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vocabulary", type=Path, required=True)
    parser.add_argument("--sentences", type=Path, required=True, help="folder with MiniLM's model.safetensors and tokenizer.json")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    vocabulary, _ = read_vocabulary(args.vocabulary)
    table = start_tokens(vocabulary, args.sentences)
    save_file({"token_embedding": table}, args.out)
    probe = ["dog", "puppy", "sea", "ocean", "car"]
    unit = torch.nn.functional.normalize(table[[vocabulary[w + "</w>"] for w in probe]])
    print("likeness of", probe, (unit @ unit.T).mul(100).round().int().tolist())


if __name__ == "__main__":
    main()
