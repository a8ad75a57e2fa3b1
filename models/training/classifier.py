"""A small classifier of real photos: the judge of whether a word in the hole brought that thing.

It learns from the training split's photos alone and never sees a generated picture. One photo in `CHECKED_EVERY` of that split is kept
from it, so that its accuracy can be told from more than the few photos that are held out from everything.

    python -m models.training.classifier --pack PACK --out classifier.safetensors --minutes 12 [--resume]
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import nn

from .captions import coarse_class
from .data import Pack
from .pictures import middle_square
from .state import Average, Clock, descend, load_state, save_state, write_safely

SIDE_PX = 112
LEAST_PHOTOS = 60
CHECKED_EVERY = 25
WIDTHS = (64, 128, 256)
BATCH = 48
PEAK_RATE = 2e-3
DECAY = 0.998
BALANCE = 0.35
"""A class of n photos is drawn in proportion to n to this power: 0 is the same for all, 1 as they come."""
SAVE_EVERY_S = 120


class WorkClock(Clock):
    """A clock of processor time: on a machine that is shared, the plan is how much is computed, not how long that takes."""

    @property
    def spent_s(self) -> float:
        return self.spent_before_s + time.process_time() - self.first_s

    def __init__(self, minutes: float, spent_s: float = 0.0):
        super().__init__(minutes, spent_s)
        self.first_s = time.process_time()


class Block(nn.Module):
    """A residual block of two 3x3 convolutions.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        stride: 2 halves the side.
    """

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)])
        self.bypass = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, bias=False)
        self.pool = nn.AvgPool2d(2) if stride == 2 else nn.Identity()
        nn.init.zeros_(self.norms[1].weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.norms[0](self.first(x)))
        return F.relu(self.norms[1](self.second(y)) + self.bypass(self.pool(x)))


def build_classifier(classes: int) -> nn.Module:
    """Make the untrained network: (n, 3, side, side) in [-1, 1] to (n, classes) logits; any side of 64 px or more."""
    stem = nn.Sequential(
        *(nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.Conv2d(32, WIDTHS[0], 3, 2, 1, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU()),
    )
    blocks, inputs = [], WIDTHS[0]
    for level, width in enumerate(WIDTHS):
        blocks += [Block(inputs, width, 2 if level else 1), *(Block(width, width, 1) for _ in range(min(level, 1)))]
        inputs = width
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(inputs, classes))
    return nn.Sequential(stem, *blocks, head).to(memory_format=torch.channels_last)


def list_classes(captions: list[str], least: int = LEAST_PHOTOS) -> list[str]:
    """The coarse classes that at least so many captions have, sorted."""
    counts = Counter(filter(None, map(coarse_class, captions)))
    return sorted(name for name, count in counts.items() if count >= least)


@dataclass
class Shown:
    """Photos of known class.

    Attributes:
        pack: Where their pixels are.
        indices: Their places in it.
        labels: Number of the class of each.
    """

    pack: Pack
    indices: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, pack: Pack, indices: list[int], classes: list[str]) -> Shown:
        """The photos among `indices` whose class is one of `classes`."""
        number = {name: i for i, name in enumerate(classes)}
        pairs = [(i, number[name]) for i in indices if (name := coarse_class(pack.entries[i].caption)) in number]
        return cls(pack, np.array([i for i, _ in pairs], int), np.array([label for _, label in pairs], int))

    def weights(self) -> np.ndarray:
        """How likely each photo is drawn; see `BALANCE`."""
        counts = np.bincount(self.labels)
        weights = counts[self.labels].astype(float) ** (BALANCE - 1)
        return weights / weights.sum()


def split_photos(pack: Pack) -> tuple[list[int], list[int], list[int]]:
    """Indices of photos to learn from, to check with, and held out from everything."""
    open_to_all = pack.split(held_out=False)
    learnt = [i for n, i in enumerate(open_to_all) if n % CHECKED_EVERY]
    return learnt, open_to_all[::CHECKED_EVERY], pack.split(held_out=True)


def cut_random(image: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a part of 20 to 100 % of a photo's middle square's area, of roughly square shape, turned a little; (side, side, 3) uint8."""
    height, width = image.shape[:2]
    area = min(height, width) ** 2 * rng.uniform(0.2, 1.0)
    stretch = np.exp(rng.uniform(-0.3, 0.3))
    w, h = (int(min(length, np.sqrt(area * s))) for length, s in ((width, stretch), (height, 1 / stretch)))
    left, top = rng.integers(0, width - w + 1), rng.integers(0, height - h + 1)
    part = image[top : top + h, left : left + w]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    if rng.random() < 0.3:
        turn = cv2.getRotationMatrix2D((w / 2, h / 2), float(rng.normal(0, 10)), 1.1)
        part = cv2.warpAffine(np.ascontiguousarray(part), turn, (w, h), borderMode=cv2.BORDER_REFLECT)
    way = cv2.INTER_AREA if min(w, h) > side else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(part), (side, side), interpolation=way)


def frame_randomly(image: np.ndarray, around: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lay a part into the middle of another photo's, as a repainted hole lies in its photo; the class stays the inner one's."""
    side = image.shape[0]
    inner = int(side * rng.uniform(0.7, 0.92))
    at = (side - inner) // 2
    alpha = np.zeros((side, side), np.float32)
    if rng.random() < 0.5:
        alpha[at : at + inner, at : at + inner] = 1
    else:
        cv2.ellipse(alpha, (side // 2, side // 2), (int(inner * 0.53),) * 2, 0, 0, 360, 1, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), float(rng.uniform(0.5, 3)))[..., None]
    return (image * alpha + around * (1 - alpha)).astype(np.uint8)


def spoil(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Soften a part or add noise to it, so that neither sharpness nor grain tells classes (or data sets) apart."""
    if rng.random() < 0.35:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.8)))
    if rng.random() < 0.2:
        image = np.clip(image + rng.normal(0, rng.uniform(2, 10), image.shape), 0, 255).astype(np.uint8)
    return image


@dataclass(frozen=True)
class Variation:
    """How much the parts that are drawn are varied, beside `cut_random` and `spoil`.

    Attributes:
        framed: Share of those that lie in another photo; see `frame_randomly`.
        tint, light: Largest shift of one channel, of all, in [-1, 1].
        contrast, saturation: Ranges of factors.
    """

    framed: float = 0.3
    tint: float = 0.06
    light: float = 0.2
    contrast: tuple[float, float] = (0.7, 1.3)
    saturation: tuple[float, float] = (0.6, 1.4)


def draw_batch(
    shown: Shown, weights: np.ndarray, count: int, side: int, rng: np.random.Generator, variation: Variation = Variation()
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw (count, 3, side, side) in [-1, 1], channels last, and their classes."""
    chosen = rng.choice(len(weights), count, p=weights)
    parts = [spoil(cut_random(shown.pack.image(int(shown.indices[i])), side, rng), rng) for i in chosen]
    framed = [frame_randomly(p, parts[n - 1], rng) if rng.random() < variation.framed else p for n, p in enumerate(parts)]
    images = torch.from_numpy(np.stack(framed)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
    grey = images.mean(1, keepdim=True)
    tint = torch.from_numpy(rng.uniform(-variation.tint, variation.tint, (count, 3, 1, 1))).float()
    ranges = (variation.contrast, variation.saturation, (-variation.light, variation.light))
    contrast, saturation, light = (torch.from_numpy(rng.uniform(*r, (count, 1, 1, 1))).float() for r in ranges)
    images = ((grey + (images - grey) * saturation) * contrast + light + tint).clamp_(-1, 1)
    return images.contiguous(memory_format=torch.channels_last), torch.from_numpy(shown.labels[chosen])


@torch.no_grad()
def classify(model: nn.Module, crops: list[np.ndarray]) -> torch.Tensor:
    """Tell the classes of square pictures.

    Args:
        model: In evaluation mode.
        crops: RGB uint8 squares of any size.

    Returns:
        (len(crops), classes) probabilities, the mean over each crop and its mirror image.
    """
    found = []
    for start in range(0, len(crops), 64):
        stack = np.stack([middle_square(crop, SIDE_PX) for crop in crops[start : start + 64]])
        images = torch.from_numpy(stack).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        images = images.contiguous(memory_format=torch.channels_last)
        found.append((model(images).softmax(1) + model(images.flip(-1)).softmax(1)) / 2)
    return torch.cat(found)


def write_classifier(model: nn.Module, classes: list[str], path: Path) -> None:
    """Write weights in half precision, and the names of the classes."""
    halves = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in model.state_dict().items()}
    write_safely(halves, path, {"classes": json.dumps(classes)})


def load_classifier(path: Path) -> tuple[nn.Module, list[str]]:
    """Read what training wrote: the network in evaluation mode, and the names of its classes."""
    with safe_open(path, "pt") as file:
        classes = json.loads(file.metadata()["classes"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    model = build_classifier(len(classes))
    model.load_state_dict(tensors)
    return model.eval(), classes


def count_right(model: nn.Module, shown: Shown, classes: list[str]) -> dict[str, tuple[int, int, int]]:
    """For each class: photos, recognised first, recognised among the first three."""
    found = dict.fromkeys(classes, (0, 0, 0))
    if not len(shown.indices):
        return found
    ranks = classify(model, [middle_square(shown.pack.image(int(i)), SIDE_PX) for i in shown.indices]).argsort(1, descending=True)
    for label, rank in zip(shown.labels, ranks, strict=True):
        place = int((rank == int(label)).nonzero()[0, 0])
        total, first, third = found[classes[label]]
        found[classes[label]] = (total + 1, first + (place == 0), third + (place < 3))
    return found


@torch.no_grad()
def settle_norms(model: nn.Module, shown: Shown, rng: np.random.Generator, batches: int = 40) -> None:
    """Measure the batch norms' statistics anew: averaged weights have none of their own."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    weights = shown.weights()
    for _ in range(batches):
        model(draw_batch(shown, weights, BATCH, SIDE_PX, rng)[0])
    model.eval()


def train(model: nn.Module, shown: Shown, state: Path, minutes: float, resume: bool) -> Average:
    """Train until the planned processor time is over; returns the averaged weights. The state on disk is at most `SAVE_EVERY_S` old."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}]
    optimizer, average, step, spent_s = torch.optim.AdamW(groups, lr=PEAK_RATE), Average(model, DECAY), 0, 0.0
    if resume and (state / "progress.json").is_file():
        step, spent_s = load_state(state, model, average, optimizer)
    clock, rng, weights = WorkClock(minutes, spent_s), np.random.default_rng(step), shown.weights()
    saved, losses = time.monotonic(), []
    model.train()
    while not clock.is_over:
        # Small pictures at first: twice as many are seen, and the shapes are learnt as well.
        side = 80 if clock.spent_s < 0.5 * clock.total_s else SIDE_PX
        images, labels = draw_batch(shown, weights, BATCH, side, rng)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(images)
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=0.1)
        descend(loss, model, average, optimizer, clock.learning_rate(PEAK_RATE, step), step, longest=2.0)
        losses.append(loss.item())
        step += 1
        if step % 100 == 0:
            print(f"step {step}  {clock.spent_s / 60:.1f} min  loss {np.mean(losses[-100:]):.3f}", flush=True)
        if time.monotonic() - saved > SAVE_EVERY_S:
            save_state(state, model, average, optimizer, step, clock)
            saved = time.monotonic()
    save_state(state, model, average, optimizer, step, clock)
    return average


def print_accuracy(checked: dict, held_out: dict) -> None:
    """Print photos and top-1 of each class on both sets of real photos, and over all."""
    print(f"{'class':24}{'checked':>9}{'top-1':>8}{'held out':>10}{'top-1':>8}")
    for name in checked:
        (n, a, _), (m, b, _) = checked[name], held_out[name]
        print(f"{name:24}{n:9d}{100 * a / max(n, 1):7.0f}%{m:10d}{100 * b / max(m, 1):7.0f}%")
    for title, found in (("checked", checked), ("held out", held_out)):
        total, first, third = (sum(row[i] for row in found.values()) for i in range(3))
        mean = 100 * float(np.mean([row[1] / row[0] for row in found.values() if row[0]] or [0]))
        overall = " and ".join(f"top-{most} {100 * hits / max(total, 1):.1f} %" for most, hits in ((1, first), (3, third)))
        print(f"{title}: {overall} of {total}; mean of classes {mean:.1f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="classifier.safetensors; the state lies in a folder beside it")
    parser.add_argument("--minutes", type=float, default=12.0, help="planned processor time over all sittings")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    torch.manual_seed(0)
    pack = Pack(args.pack, "photos")
    learnt, checked, held_out = split_photos(pack)
    classes = list_classes([pack.entries[i].caption for i in learnt])
    shown = Shown.of(pack, learnt, classes)
    model = build_classifier(len(classes))
    print(
        f"{len(classes)} classes, {len(shown.indices)} photos, {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M weights", flush=True
    )
    average = train(model, shown, args.out.with_suffix(".state"), args.minutes, args.resume)
    average.copy_to(model)
    settle_norms(model, shown, np.random.default_rng(1))
    write_classifier(model, classes, args.out)
    print_accuracy(*(count_right(model, Shown.of(pack, part, classes), classes) for part in (checked, held_out)))


if __name__ == "__main__":
    main()
