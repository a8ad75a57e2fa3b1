"""The guide of words: a small network that tells what noisy latents show, whose gradient pulls a fill towards what the prompt asks for.

It learns from the training split's photos, like the judge of `models.training.classifier`, with which it shares nothing but these; and
from the captions' words in both languages, among words that mean none of its things.

    python -m models.training.guide --pack PACK --basis basis.safetensors --text text.safetensors \\
        --vocabulary bpe_simple_vocab_16e6.txt.gz --state STATE [--resume]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from modules.engine.word_guide import WordGuide

from .basis import Basis, load_basis
from .captions import CHINESE_SHARE, COLOURED, PHOTO_SHARE, coarse_class, in_chinese, in_english, without_article
from .classifier import Shown, Variation, draw_batch, list_classes, split_photos
from .data import Pack, replace_text
from .diffusion import STEPS, alphas_cumprod
from .sitting import Sitting, add_options, add_word_options
from .text import WIDTH as TEXT_WIDTH
from .text import CaptionVectors
from .words import COLOURS, GENERAL, SYNONYMS

THINGS_FILE = "things.json"
"""In the state folder: names of what the network tells apart."""
BATCH = 48
SIDES_PX = (128, 160, 192)
VARIATION = Variation(framed=0.5, tint=0.05, light=0.15, contrast=(0.75, 1.25), saturation=(0.7, 1.3))
DECAYED = 0.05
SMOOTHING = 0.05
OTHER_WORDS, CROWDED, LONGEST = 0.5, 0.4, 14
"""Shares of texts that mean none of the things, and of those of a thing that have others beside it; the most parts of a text."""
PROBED_STEPS = (50, 200, 400, 500, 600, 700, 800, 900, 990)


def draw_latents(
    shown: Shown, weights: np.ndarray, basis: Basis, side_px: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw (BATCH, c, side_px / 8, side_px / 8) clean latents of varied parts of photos, and their classes."""
    images, labels = draw_batch(shown, weights, BATCH, side_px, rng, VARIATION)
    return basis.encode(images), labels


LINKS = ["a", "the", "with", "in", "on", "of", "and", "at", "very", "highly", "from", "over", "by", "under", "soft", "beautiful"]
"""What stands before words in sentences."""


class Wordings:
    """Draws texts and which of the things they mean.

    Args:
        captions: Of the pack's photos.
        classes: The things.
        others: Words and names of anything; those that a caption uses are left out.
    """

    def __init__(self, captions: list[str], classes: list[str], others: list[str]):
        number = {name: i for i, name in enumerate(classes)}
        self.none = len(classes)
        by_class: dict[int, list[str]] = {}
        for caption in sorted(set(captions)):
            by_class.setdefault(number.get(coarse_class(caption), self.none), []).append(caption)
        self.unknown = by_class.pop(self.none, [])
        self.by_class = sorted(by_class.items())
        groups = [*SYNONYMS, *GENERAL]
        known = " ".join([*captions, *(word for group in groups for word in (*group.members, *group.english, *group.chinese))]).lower()
        used = set(known.replace(",", " ").split())
        self.others = [word for word in others if not used & set(without_article(word).lower().split())]

    def draw(self, rng: np.random.Generator) -> tuple[str, int]:
        """Draw a text and the number of what it means; the number behind the last is for anything else."""
        if rng.random() < OTHER_WORDS:
            if rng.random() < 0.05:
                return "", self.none
            return self._others(int(np.ceil(LONGEST * rng.random() ** 2)), rng), self.none
        label, captions = self.by_class[int(rng.integers(len(self.by_class)))]
        text = _word(_pick(captions, rng), rng)
        if rng.random() < CROWDED:
            first = self._others(int(rng.integers(0, 4)), rng)
            last = self._others(int(rng.integers(0, LONGEST // 2)), rng)
            text = " ".join(filter(None, (first, text, last)))
        return text, label

    def _others(self, parts: int, rng: np.random.Generator) -> str:
        """So many texts that mean anything else, as prompts have them: a list, or a sentence."""
        found = [_word(_pick(self.unknown if self.unknown and rng.random() < 0.1 else self.others, rng), rng) for _ in range(parts)]
        if rng.random() < 0.5:
            found = [f"{_pick(LINKS, rng)} {word}" for word in found]
        return (", " if rng.random() < 0.5 else " ").join(found)


def _word(caption: str, rng: np.random.Generator) -> str:
    """Say a caption in other words, of either language, at times with a colour; "" stays."""
    colour = _pick(list(COLOURS), rng) if caption and rng.random() < COLOURED else ""
    if caption and rng.random() < CHINESE_SHARE and (chinese := in_chinese(caption, rng)):
        return f"{COLOURS[colour]}的{chinese}" if colour else chinese
    words = in_english(caption, rng)
    words = f"{colour} {without_article(words)}" if colour else words
    return f"a photo of {words}" if caption and rng.random() < PHOTO_SHARE else words


def _pick(choices: list[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def list_other_words(pack: Path, vectors: CaptionVectors, rng: np.random.Generator, count: int = 4000) -> list[str]:
    """Names of cut-outs, and whole words of CLIP's vocabulary drawn by chance."""
    names = [entry.caption for entry in Pack(pack, "cutouts").entries]
    words = [token.removesuffix("</w>") for token in vectors.tokens.tokenizer.get_vocab() if token.endswith("</w>")]
    words = sorted(word for word in words if word.isascii() and word.isalpha() and len(word) > 3)
    return names + [words[i] for i in rng.choice(len(words), count, replace=False)]


@torch.no_grad()
def print_accuracy(model: WordGuide, draw: Callable[[], tuple[torch.Tensor, torch.Tensor]], batches: int = 8) -> None:
    """Print how many latents of photos that were kept from the training are told right at each of `PROBED_STEPS`."""
    signal, drawn = alphas_cumprod(), [draw() for _ in range(batches)]
    latents, labels = (torch.cat(parts) for parts in zip(*drawn, strict=True))
    for step in PROBED_STEPS:
        noisy = signal[step].sqrt() * latents + (1 - signal[step]).sqrt() * torch.randn_like(latents)
        right = (model(noisy, torch.full((len(latents),), float(step))).argmax(1) == labels).float().mean()
        print(f"step {step:4d}: {100 * right:.0f} % of {len(latents)}", flush=True)


def train(args: argparse.Namespace) -> None:
    """Train until the planned minutes are over, then tell how well it knows photos that were kept from it."""
    basis, pack = load_basis(args.basis), Pack(args.pack, "photos")
    learnt, checked, _ = split_photos(pack)
    captions = [pack.entries[i].caption for i in learnt]
    classes = list_classes(captions)
    args.state.mkdir(parents=True, exist_ok=True)
    if args.resume and (known := json.loads((args.state / THINGS_FILE).read_text(encoding="utf-8"))) != classes:
        raise ValueError(f"--pack: its {len(classes)} classes are not the {len(known)} that --state was trained on; train anew")
    replace_text(args.state / THINGS_FILE, json.dumps(classes))
    shown, signal = Shown.of(pack, learnt, classes), alphas_cumprod()
    vectors, weights = CaptionVectors(args.vocabulary, args.text), shown.weights()
    model = WordGuide(basis.channels, len(classes), TEXT_WIDTH)
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M weights, {len(classes)} things", flush=True)
    sitting = Sitting(args, model, torch.optim.AdamW(model.parameters(), lr=args.rate, weight_decay=DECAYED), args.average, seed=4)
    wordings = Wordings(captions, classes, list_other_words(args.pack, vectors, np.random.default_rng(0)))

    def draw_loss(rng: np.random.Generator) -> tuple[str, torch.Tensor]:
        side_px = int(rng.choice(SIDES_PX))
        latents, labels = draw_latents(shown, weights, basis, side_px, rng)
        steps = torch.from_numpy((rng.permutation(BATCH) + rng.random(BATCH)) / BATCH * STEPS).long().clamp(max=STEPS - 1)
        share = signal[steps].view(-1, 1, 1, 1)
        noisy = share.sqrt() * latents + (1 - share).sqrt() * torch.randn_like(latents)
        with torch.autocast("cpu", torch.bfloat16):
            seen = model(noisy, steps)
        texts, meant = zip(*(wordings.draw(rng) for _ in range(BATCH)), strict=True)
        read = model.read(vectors(list(texts)))
        loss = F.cross_entropy(seen.float(), labels, label_smoothing=SMOOTHING) + F.cross_entropy(read, torch.tensor(meant))
        return f"{side_px} px", loss

    sitting.run(draw_loss, told_every=100)
    sitting.average.copy_to(model.eval())
    test, rng = Shown.of(pack, checked, classes), np.random.default_rng(5)
    even = np.full(len(test.labels), 1 / len(test.labels))
    print_accuracy(model, lambda: draw_latents(test, even, basis, 160, rng))
    with torch.no_grad():
        texts, meant = zip(*(wordings.draw(rng) for _ in range(1000)), strict=True)
        right = (model.read(vectors(list(texts))).argmax(1) == torch.tensor(meant)).float().mean()
        print(f"texts: {100 * right:.1f} % of {len(texts)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser, minutes=60, rate=2e-3)
    add_word_options(parser)
    parser.add_argument("--average", type=float, default=0.998)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    train(args)


if __name__ == "__main__":
    main()
