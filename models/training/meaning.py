"""What words mean, in English and Chinese: MiniLM distilled into our small text encoder.

The encoder reads a phrase with CLIP's tokens; where the phrase ends it learns to know MiniLM's vector of it, or of its translation.
A puppy then lies near a dog, and 小狗 beside both, whether or not a caption says so.

    python -m models.training.meaning --vocabulary bpe_simple_vocab_16e6.txt.gz --sentences MINILM --tokens tokens.safetensors \\
        --dictionary cedict.txt --pack PACK --out text.safetensors

References:
    Reimers & Gurevych, "Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation", 2020.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils import parametrize

from .captions import COLOURED, colour_in_chinese, without_article
from .state import Average, Clock, descend, write_safely
from .text import END, TOKENS, WIDTH, TokenIds, build_text_encoder, embed_words, read_vocabulary
from .words import CHINESE, COLOURS, GENERAL, SHADES, SYNONYMS

TEACHER_WIDTH = 384
FRAMES = ("{}", "{}", "{}", "a {}", "the {}", "a photo of a {}", "a picture of {}")
CHINESE_FRAMES = ("{}", "{}", "{}", "{}的照片", "一张{}的照片")
GLOSS = re.compile(r"[a-z]+( [a-z]+)?")
PROBES = ("a dog", "puppy", "小狗", "the sea", "ocean", "大海", "a car", "a red apple", "红色的苹果")


@dataclass(frozen=True)
class Phrase:
    """What is read, and the English phrase whose meaning it has."""

    text: str
    meaning: str


class TrainedRows(nn.Module):
    """An embedding table of which few rows train.

    Args:
        table: (tokens, width), fixed.
        rows: Indices of those that train.
    """

    def __init__(self, table: torch.Tensor, rows: torch.Tensor):
        super().__init__()
        self.register_buffer("rows", rows)
        self.values = nn.Parameter(table[rows].clone())

    def forward(self, table: torch.Tensor) -> torch.Tensor:
        return table.index_copy(0, self.rows, self.values)


def read_dictionary(path: Path, common: Path | None, known: set[str]) -> list[Phrase]:
    """Read Chinese words whose first English gloss is a known word or two.

    Args:
        path: CC-CEDICT's text format.
        common: Text file of common Chinese words, one a line: no others are read. None for all of up to four characters.
        known: English words.
    """
    allowed = set(common.read_text(encoding="utf-8").split()) if common else None
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.match(r"\S+ (\S{1,4}) \[[^]]*\] /([^/]+)/", line)
        if line.startswith("#") or not match or (allowed is not None and match[1] not in allowed):
            continue
        gloss = re.sub(r"\([^)]*\)", "", match[2]).strip().removeprefix("a ").removeprefix("an ").removeprefix("the ")
        if GLOSS.fullmatch(gloss) and not gloss.startswith("to ") and set(gloss.split()) <= known:
            found.append(Phrase(match[1], gloss))
    return found


def caption_phrases(pack: Path) -> list[Phrase]:
    """Every wording of every caption: of the photos, from our tables, and of the cut-outs."""
    found = [Phrase(words, caption) for caption, words in CHINESE.items()] + [Phrase(caption, caption) for caption in CHINESE]
    for group in (*SYNONYMS, *GENERAL):
        found += [Phrase(words, words) for words in group.english]
        found += [Phrase(words, group.english[0]) for words in group.chinese]
    for row in json.loads((pack / "cutouts.json").read_text(encoding="utf-8")):
        found.append(Phrase(row["caption"], row["caption"]))
        if row.get("caption_zh"):
            found.append(Phrase(row["caption_zh"], row["caption"]))
    return found


def frame_phrase(phrase: Phrase, rng: np.random.Generator) -> Phrase:
    """Put a phrase into a random frame, now and then with a colour."""
    if phrase.text.isascii():
        bare = without_article(phrase.text)
        if rng.random() < COLOURED:
            bare = f"{_random_colour(rng)} {bare}"
        text = str(rng.choice(FRAMES)).format(bare)
        return Phrase(text, text)
    text, meaning = phrase.text, without_article(phrase.meaning)
    if rng.random() < COLOURED:
        colour = _random_colour(rng)
        text, meaning = f"{colour_in_chinese(colour)}{rng.choice(['的', ''])}{text}", f"{colour} {meaning}"
    return Phrase(str(rng.choice(CHINESE_FRAMES)).format(text), meaning)


def _random_colour(rng: np.random.Generator) -> str:
    shade = str(rng.choice(["", "", "", *SHADES]))
    return f"{shade} {rng.choice(list(COLOURS))}".strip()


def collect_phrases(args: argparse.Namespace, rng: np.random.Generator) -> list[Phrase]:
    """All words of the vocabulary, the dictionary, the captions' wordings, and many of them in frames."""
    vocabulary, _ = read_vocabulary(args.vocabulary)
    words = [t.removesuffix("</w>") for t in vocabulary if t.endswith("</w>") and t[:-4].isascii() and t[:-4].isalpha() and len(t) > 6]
    dictionary = read_dictionary(args.dictionary, args.common, set(words)) if args.dictionary else []
    captions = caption_phrases(args.pack)
    print(f"{len(words)} words, {len(dictionary)} of the dictionary, {len(captions)} wordings of captions", flush=True)
    plain = [Phrase(word, word) for word in words] + dictionary + 4 * captions
    framed = [frame_phrase(plain[i], rng) for i in rng.choice(len(plain), args.framed)]
    framed += [frame_phrase(captions[i], rng) for i in rng.choice(len(captions), args.framed)]
    return plain + framed


def teach(phrases: list[Phrase], folder: Path) -> torch.Tensor:
    """MiniLM's vectors of all meanings: (count, 384) unit length, less what they have in common."""
    distinct = sorted({phrase.meaning for phrase in phrases})
    vectors = embed_words(distinct, folder)
    vectors = F.normalize(vectors - vectors.mean(0), dim=-1)
    place = {meaning: number for number, meaning in enumerate(distinct)}
    return vectors[[place[phrase.meaning] for phrase in phrases]]


def draw_ids(ids: torch.Tensor, lengths: torch.Tensor, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut a batch to its longest phrase and two more, and find where each ends."""
    longest = min(int(lengths[chosen].max()) + 3, TOKENS)
    return ids[chosen, :longest], lengths[chosen]


def distil(args: argparse.Namespace) -> None:
    """Train until the minutes are over, then write the encoder."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    phrases = collect_phrases(args, rng)
    wanted = teach(phrases, args.sentences)
    tokens = TokenIds(args.vocabulary)
    ids = tokens([phrase.text for phrase in phrases])
    lengths = (ids == END).int().argmax(1)
    encoder = build_text_encoder()
    encoder.set_attn_implementation("eager")
    table = encoder.get_input_embeddings()
    table.weight.requires_grad_(False).copy_(load_file(args.tokens)["token_embedding"])
    foreign = [number for number, phrase in enumerate(phrases) if not phrase.text.isascii()]
    parametrize.register_parametrization(table, "weight", TrainedRows(table.weight, ids[foreign].unique()))
    model = nn.ModuleDict({"text": encoder, "head": nn.Linear(WIDTH, TEACHER_WIDTH)}).train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=args.rate, betas=(0.9, 0.98), weight_decay=0)
    average, clock, step, running = Average(model, 0.998), Clock(args.minutes), 0, 0.0
    while not clock.is_over:
        batch, ends = draw_ids(ids, lengths, chosen := torch.from_numpy(rng.choice(len(phrases), args.batch)))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = model["text"](batch).last_hidden_state
        pads = torch.minimum(ends + int(rng.integers(1, 3)), torch.tensor(batch.shape[1] - 1))
        rows = torch.arange(len(batch))
        said = [F.normalize(model["head"](hidden[rows, at].float()), dim=-1) for at in (ends, pads)]
        loss = sum(1 - (vectors * wanted[chosen]).sum(-1).mean() for vectors in said) / 2
        descend(loss, model, average, optimizer, clock.learning_rate(args.rate, step), step)
        step += 1
        running = running * 0.98 + loss.item() * 0.02 if step > 1 else loss.item()
        if step % 100 == 0:
            print(f"step {step}  {clock.spent_s / 60:.1f} min  1 - cosine {running:.4f}", flush=True)
    average.copy_to(model)
    parametrize.remove_parametrizations(table, "weight")
    write_safely(encoder.state_dict(), args.out)
    report_probes(model.eval(), tokens)


@torch.no_grad()
def report_probes(model: nn.ModuleDict, tokens: TokenIds) -> None:
    """Print how alike a few phrases are to the encoder, in percent."""
    ids = tokens(list(PROBES))
    hidden = model["text"](ids).last_hidden_state[torch.arange(len(ids)), (ids == END).int().argmax(1)]
    unit = F.normalize(model["head"](hidden), dim=-1)
    print("likeness of", PROBES)
    for row in (unit @ unit.T).mul(100).round().int().tolist():
        print(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vocabulary", type=Path, required=True, help="bpe_simple_vocab_16e6.txt.gz")
    parser.add_argument("--sentences", type=Path, required=True, help="folder with MiniLM's model.safetensors and tokenizer.json")
    parser.add_argument("--tokens", type=Path, required=True, help="token vectors to begin with, from models.training.text")
    parser.add_argument("--dictionary", type=Path, help="CC-CEDICT's text file; without it only captions are known in Chinese")
    parser.add_argument("--common", type=Path, help="common Chinese words, one a line: only these are read from the dictionary")
    parser.add_argument("--pack", type=Path, required=True, help="for the cut-outs' captions")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--framed", type=int, default=25_000, help="phrases in frames, twice this many")
    parser.add_argument("--batch", type=int, default=384)
    parser.add_argument("--rate", type=float, default=1e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    distil(args)


if __name__ == "__main__":
    main()
