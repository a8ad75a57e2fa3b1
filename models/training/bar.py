"""The bar of the built-in model: what is measured on pictures that no training saw, each number beside its limit.

    python -m models.training.bar --pack PACK [--checkpoint FILE] [--sheet sheet.png] [--json bar.json]
    python -m models.training.bar --pack PACK --quick

Four parts. *fill*: held-out photos, their middle square scaled to 256 px (most were smaller, so all are a little soft), a random blob of
5 to 25 % in each; the studio repaints it only-masked at 256 px from latent noise at strength 1 without words, so the model works on a crop
around the hole, which is then scaled back; everything is measured on the finished 256 px picture. *prompt*: a word for every class of the
captions, in holes in photos of other things, judged by a classifier of real photos. *speed*: one repaint by the preset. *autoencoder*: four
scikit-image photos.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from . import evaluate, fills, sheet
from .captions import coarse_class
from .classifier import Shown, count_right, load_classifier, split_photos
from .data import Pack, replace_text
from .prompted import Fill, fill_with_words
from .studio import CHECKPOINT, Studio

PARTS = ("fill", "prompt", "speed", "autoencoder")
TEXTURE = (0.5, 1.5)
CLASSIFIER = Path(__file__).with_name("classifier.safetensors")
RECOGNISED = 0.60
DIFFERENT = 8.0
SLOWEST_S = 10.0
SPEED_THREADS = 2
SHEET_ROWS = 10
LEGEND = """PSNR in the hole; core: where no truth shines through the soft mask, by which all methods are laid in. Texture: variance of the
Laplacian in the hole over that in a ring around it, median. Seam: gradient jump along the contour, lower is better, see `seams`."""
OURS_MEAN, OURS, TELEA, PATCHES = "ours, mean of seeds", "ours, single sample", "Telea", "patchmatch"
TRUTH, ENCODED = "truth", "truth, autoencoded"
"""The second is the best that any denoiser can do in these latents."""


@dataclass
class Report:
    """What was found; prints as it grows."""

    tables: dict[str, Any] = field(default_factory=dict)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    rows: list[list[tuple[str, np.ndarray]]] = field(default_factory=list)

    def table(self, part: str, title: str, columns: list[str], rows: dict[str, list[Any]]) -> None:
        """Print a table and keep it."""
        print(f"\n{title}\n{'':26}" + "".join(f" {column:>12}" for column in columns))
        for name, values in rows.items():
            print(f"{name:26}" + "".join(f" {_show(value):>12}" for value in values), flush=True)
        self.tables[part] = {"columns": columns, "rows": rows}

    def verdict(self, what: str, found: str, limit: str, passes: bool) -> None:
        """Print one line of the bar and keep it."""
        print(f"{'PASS' if passes else 'FAIL'}  {what}: {found}   (limit: {limit})", flush=True)
        self.verdicts.append({"what": what, "found": found, "limit": limit, "passes": bool(passes)})


def _show(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 1 else f"{value:.2f}" if isinstance(value, float) else str(value)


def request_fields(args: argparse.Namespace) -> dict[str, Any]:
    """What the command line changes of the preset."""
    wanted = {"sampler_name": args.sampler, "scheduler": args.scheduler, "steps": args.steps, "cfg_scale": args.cfg}
    return {name: value for name, value in wanted.items() if value is not None} | {"inpainting_fill": 2, "denoising_strength": 1.0}


def run_fill(studio: Studio, pack: Pack, args: argparse.Namespace, report: Report) -> None:
    """Close holes without words, by all methods."""
    holes, changed = fills.make_holes(pack, args.photos), request_fields(args)
    measured: dict[str, list[fills.Measures]] = {name: [] for name in (OURS_MEAN, OURS, TELEA, PATCHES, TRUTH, ENCODED)}
    shown = []
    for number, hole in enumerate(holes):
        samples = studio.repaint(hole.truth, hole.mask, args.seeds, prompt="", seed=1, **changed)
        pictures = {TRUTH: hole.truth, TELEA: fills.fill_telea(hole), PATCHES: fills.fill_by_patches(hole)}
        pictures[OURS_MEAN] = np.mean(samples, axis=0)
        pictures[ENCODED] = studio.repaint(hole.truth, hole.mask, **changed | {"inpainting_fill": 1, "denoising_strength": 0.0})[0]
        for name, picture in pictures.items():
            measured[name].append(fills.measure(hole, picture))
        measured[OURS] += [fills.measure(hole, sample) for sample in samples]
        shown.append([("truth", hole.truth), ("hole", sheet.show_hole(hole.truth, hole.mask)), ("ours", samples[0])])
        shown[-1] += [(name, pictures[name]) for name in (OURS_MEAN, TELEA, PATCHES)]
        _progress("fill", number + 1, len(holes))
    wins = [ours.psnr - telea.psnr for ours, telea in zip(measured[OURS_MEAN], measured[TELEA], strict=True)]
    order = np.argsort(wins)[::-1]
    report.rows += [shown[order[place]] for place in sheet.spread(len(order), SHEET_ROWS)]
    judge_fill(measured, wins, f"{len(holes)} held-out photos, {args.seeds} seeds, {changed}", report)


def judge_fill(measured: dict[str, list[fills.Measures]], wins: list[float], title: str, report: Report) -> None:
    """Print the table of the fills, and the three limits.

    Args:
        measured: For each method.
        wins: dB by which the mean of seeds beats Telea, photo by photo.
        title: Of the table.
        report: Grows.
    """
    found = {name: fills.summarise(rows) for name, rows in measured.items()}
    columns = ["PSNR dB", "core PSNR", "texture", "seam", "(jump)", "(break)"]
    table = {name: list(values.values()) for name, values in found.items()}
    report.table("fill", f"Fill without words: {title}", columns, table)
    print(LEGEND)
    error = float(np.std(wins) / np.sqrt(len(wins)))
    text = f"{found[OURS_MEAN]['psnr']:.2f} dB, {np.mean(wins):+.2f} +- {error:.2f}, better on {np.mean(np.array(wins) > 0):.0%} of photos"
    report.verdict("PSNR of the mean of seeds", text, f"above Telea's {found[TELEA]['psnr']:.2f} dB", float(np.mean(wins)) > 0)
    texture, seam = found[OURS]["texture"], found[OURS]["seam"]
    report.verdict("texture of a single sample", f"{texture:.2f}", f"{TEXTURE[0]} to {TEXTURE[1]}", TEXTURE[0] <= texture <= TEXTURE[1])
    others = [found[name]["seam"] for name in (TELEA, PATCHES)]
    report.verdict(
        "seam of a single sample", f"{seam:.3f}", f"below Telea's {others[0]:.3f} and patchmatch's {others[1]:.3f}", seam < min(others)
    )


def run_prompt(studio: Studio, pack: Pack, args: argparse.Namespace, report: Report) -> None:
    """Ask for every class of the captions, and let the classifier say what came."""
    judge = load_classifier(args.classifier)
    classes = judge[1]
    names = [classes[i] for i in sheet.spread(len(classes), args.classes)] if args.classes else classes
    _, checked, held_out = split_photos(pack)
    real_photos = [i for i in sorted(checked + held_out) if coarse_class(pack.entries[i].caption) in names]
    real = count_right(judge[0], Shown.of(pack, real_photos, classes), classes)
    changed = request_fields(args) | ({"cfg_scale": args.prompt_cfg} if args.prompt_cfg else {})
    done: list[Fill] = []
    for number, name in enumerate(names):
        done += fill_with_words(studio, pack, judge, name, args.holes, **changed)
        _progress("prompt", number + 1, len(names))
    rows = {}
    for name in names:
        mine = [fill for fill in done if fill.wanted == name]
        count, (total, first, third) = sum(len(fill.ranks) for fill in mine), real[name]
        mistaken = [rank[0] for fill in mine for rank in fill.ranks if rank[0] != name]
        shares = [100 * sum(fill.right(most) for fill in mine) / count for most in (1, 3)]
        ceiling = [100 * hits / total if total else float("nan") for hits in (first, third)]
        rows[name] = [mine[0].prompt, count, *shares, *ceiling, max(set(mistaken), key=mistaken.count) if mistaken else "-"]
    means = [float(np.nanmean([row[i] for row in rows.values()])) for i in range(2, 6)]
    rows["mean of classes"] = ["", sum(row[1] for row in rows.values()), *means, ""]
    columns = ["prompt", "fills", "top-1 %", "top-3 %", "real top-1 %", "real top-3 %", "taken for"]
    report.table("prompt", f"A word in the hole, {args.holes} holes a class, {len(done[0].results)} seeds, {changed}", columns, rows)
    over = f"{rows['mean of classes'][1]} fills of {len(names)} classes, {args.holes} holes each in held-out photos of other classes"
    report.verdict("recognised as what was asked for", f"{means[0]:.1f} % of {over}", f"{RECOGNISED:.0%}", means[0] >= 100 * RECOGNISED)
    difference = float(np.mean([fill.difference for fill in done]))
    report.verdict("two seeds differ in the hole by", f"{difference:.1f} of 255", f"above {DIFFERENT:.0f}", difference > DIFFERENT)
    ranked = sorted(done, key=lambda fill: -fill.right(1))
    report.rows += [sheet.prompted_row(ranked[place]) for place in sheet.spread(len(ranked), SHEET_ROWS)]


def calibrate(repeats: int = 100) -> float:
    """Seconds for `repeats` products of 512x512 float32 matrices, the median of five."""
    first, second = torch.rand(512, 512), torch.rand(512, 512)
    return _median_s(lambda: [first @ second for _ in range(repeats)], 5)


def _median_s(work: Any, repeats: int) -> float:
    spent = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        spent.append(time.perf_counter() - started)
    return float(np.median(spent))


def run_speed(pack: Pack, args: argparse.Namespace, report: Report) -> None:
    """Time one repaint by the preset, and beside it at full strength from noise, warm."""
    hole, rows = fills.make_holes(pack, 1)[0], {}
    torch.set_num_threads(SPEED_THREADS)
    with Studio(args.checkpoint, SPEED_THREADS) as studio:
        studio.repaint(hole.truth, hole.mask)
        for name, changed in (("default preset", {}), ("from noise, strength 1", {"inpainting_fill": 2, "denoising_strength": 1.0})):
            before = calibrate()
            spent = _median_s(lambda changed=changed: studio.repaint(hole.truth, hole.mask, prompt="a dog", **changed), 3)
            loop = (before + calibrate()) / 2
            rows[name] = [spent, 1000 * loop, spent / loop]
    torch.set_num_threads(args.threads)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    title = f"Speed: one 256 px only-masked repaint, {SPEED_THREADS} threads, warm, median of 3; loop: 100 products of 512x512 matrices"
    report.table("speed", title, ["seconds", "loop ms", "x loop"], rows)
    spent = rows["default preset"][0]
    report.verdict(
        "seconds with the default preset",
        f"{spent:.1f} s; peak memory of the process {peak:.0f} MiB",
        f"{SLOWEST_S:.0f} s",
        spent <= SLOWEST_S,
    )


def run_autoencoder(studio: Studio, pack: Pack, report: Report) -> None:
    """Compare the autoencoder with the plain basis."""
    model = studio.session.model()
    found = evaluate.measure_autoencoder(model, evaluate.yardstick(pack, model.latent_channels))
    rows = {one.name: [v for k, v in asdict(one).items() if k != "name"] for one in found}
    rows["mean"] = [float(np.mean(column)) for column in zip(*rows.values(), strict=True)]
    columns = ["PSNR dB", "basis PSNR", "texture", "basis text."]
    report.table("autoencoder", f"Autoencoder, {model.latent_channels} channels, scikit-image photos at 256 px", columns, rows)
    report.verdict(
        "PSNR of the autoencoder",
        f"{rows['mean'][0]:.2f} dB",
        f"above the basis's {rows['mean'][1]:.2f} dB",
        rows["mean"][0] > rows["mean"][1],
    )


def _progress(part: str, done: int, total: int) -> None:
    print(f"\r{part} {done}/{total} ", end="" if done < total else "\n", file=sys.stderr, flush=True)


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--pack", type=Path, required=True)
    add("--checkpoint", type=Path, default=CHECKPOINT)
    add("--classifier", type=Path, default=CLASSIFIER, help="from models.training.classifier; the one in the repository by default")
    add("--photos", type=int, default=100)
    add("--seeds", type=int, default=8)
    add("--holes", type=int, default=4, help="prompted holes a class, two seeds each")
    add("--classes", type=int, default=0, help="so many classes, spread over the list; 0 = all")
    add("--only", default=",".join(PARTS), help="comma-separated: " + ", ".join(PARTS))
    add("--quick", action="store_true", help="12 photos x 2 seeds and 6 classes x 2 in bfloat16: a rough view during training")
    add("--sampler")
    add("--scheduler")
    add("--steps", type=int)
    add("--cfg", type=float, help="without words it changes nothing: both predictions are the same")
    add("--prompt-cfg", type=float, help="for the prompt part alone")
    add("--precision", default="Automatic", help='the studio\'s "Automatic", "fp32" or "bf16"')
    add("--threads", type=int, default=1)
    add("--sheet", type=Path, help="where the contact sheet goes")
    add("--json", type=Path, help="where the tables go")
    args = parser.parse_args(argv)
    if args.quick:
        args.photos, args.seeds, args.classes, args.holes, args.precision, args.only = 12, 2, 6, 1, "bf16", "fill,prompt"
    args.parts = args.only.split(",")
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"--only: {', '.join(sorted(unknown))}: not among {', '.join(PARTS)}")
    return args


def main(argv: list[str] | None = None) -> int:
    args, report, started = parse(argv), Report(), time.perf_counter()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    pack = Pack(args.pack, "photos")
    print(f"checkpoint {args.checkpoint.name}, precision {args.precision}")
    with Studio(args.checkpoint, args.threads, args.precision) as studio:
        if "fill" in args.parts:
            run_fill(studio, pack, args, report)
        if "prompt" in args.parts:
            run_prompt(studio, pack, args, report)
        if "autoencoder" in args.parts:
            run_autoencoder(studio, pack, report)
    if "speed" in args.parts:
        run_speed(pack, args, report)
    if args.sheet and report.rows:
        sheet.save_picture(sheet.lay_out(report.rows), args.sheet)
    if args.json:
        replace_text(args.json, json.dumps({"verdicts": report.verdicts, "tables": report.tables}, indent=1))
    print(f"\n{sum(v['passes'] for v in report.verdicts)} of {len(report.verdicts)} passed, {time.perf_counter() - started:.0f} s")
    return 0 if all(v["passes"] for v in report.verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
