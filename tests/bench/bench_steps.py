"""Time of a 512 x 512 inpainting request against plain diffusers in float32, and peak memory; CPU seconds, one result as JSON.

python launch.py bench steps
python -m tests.bench.bench_steps [--steps 2] [--rounds 1] [--threads 1] [--no-half] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch

from modules.engine.devices import has_fast_bfloat16
from tests.bench.ours import Meter, Ours
from tests.bench.write_sd15 import DEFAULT_FILE, write_sd15

MUST_RATIO, MUST_MIB = 0.60, 3072
LONGER_RUNS = (4, 20)
ROOT = Path(__file__).resolve().parents[2]


def anonymous_mib() -> float:
    """Anonymous memory of this process, MiB."""
    match = re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(match[1]) / 1024 if match else 0.0


class PeakMemory:
    """Largest anonymous memory while it is entered, MiB, looked at every 10 ms."""

    def __init__(self) -> None:
        self.mib = 0.0
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_done.is_set():
            self.mib = max(self.mib, anonymous_mib())
            time.sleep(0.01)


def measure_memory(checkpoint: Path, no_half: bool, side_px: int) -> dict[str, float]:
    """Ours alone, in this (fresh) process: peaks while loading and in one request of one step."""
    with tempfile.TemporaryDirectory() as data:
        before = anonymous_mib()
        with PeakMemory() as loading:
            ours = Ours(checkpoint, Path(data), no_half)
        networks = (ours.model.unet, ours.model.vae.network, ours.model.text.network)
        weights = sum(p.numel() * p.element_size() for network in networks for p in network.parameters()) / 2**20
        with PeakMemory() as running:
            ours.request(0, 1, side_px)
    return {"weights_mib": weights, "loading_growth_mib": loading.mib - before, "request_peak_mib": running.mib}


def summarise(meter: Meter, steps: int) -> dict[str, float]:
    """CPU seconds of a step, an encode, a decode, a request, and of what a request does outside the models."""
    parts = {name: meter.typical(name) for name in ("predict", "encode", "decode", "request")}
    calls = len(meter.seconds["predict"]) // len(meter.seconds["request"])
    parts["step"] = parts["predict"] * calls / steps
    parts["rest"] = parts["request"] - steps * parts["step"] - 2 * parts["encode"] - parts["decode"]
    for longer in LONGER_RUNS:
        parts[f"request_of_{longer}"] = parts["request"] + (longer - steps) * parts["step"]
    return parts


def compare(checkpoint: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Both programs in this process, request by request in turn."""
    from tests.bench.plain_diffusers import Diffusers

    with tempfile.TemporaryDirectory() as data:
        rivals = {"ours": Ours(checkpoint, Path(data), arguments.no_half), "diffusers": Diffusers(checkpoint)}
        for number in range(arguments.rounds):
            for name, rival in rivals.items():
                started = time.perf_counter()
                rival.request(number, arguments.steps, arguments.side)
                print(f"{name}: request {number}, {arguments.steps} steps, {time.perf_counter() - started:.0f} s by the clock", flush=True)
    result: dict[str, Any] = {name: summarise(rival.meter, arguments.steps) for name, rival in rivals.items()}
    result["load"] = rivals["ours"].meter.typical("load")
    result["ratio"] = {name: result["ours"][name] / value for name, value in result["diffusers"].items() if name != "rest" and value > 0}
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="fixed, so that CPU seconds compare")
    parser.add_argument("--side", type=int, default=512, help="px")
    parser.add_argument("--no-half", action="store_true")
    parser.add_argument("--memory-only", action="store_true", help="ours alone, without a comparison")
    parser.add_argument("--checkpoint", type=Path, help="an SD1 inpainting checkpoint (the random one of full size)")
    parser.add_argument("--json", type=Path, default=ROOT / "cache" / "bench" / "steps.json")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    checkpoint = arguments.checkpoint or write_sd15(DEFAULT_FILE)
    if arguments.memory_only:
        print("RESULT", json.dumps(measure_memory(checkpoint, arguments.no_half, arguments.side)))
        return 0
    again = [sys.executable, "-m", "tests.bench.bench_steps", "--memory-only", f"--side={arguments.side}", f"--threads={arguments.threads}"]
    again += [f"--checkpoint={checkpoint}"] + ["--no-half"] * arguments.no_half
    printed = subprocess.run(again, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    memory = json.loads(printed.rpartition("RESULT ")[2])
    result = {"memory": memory, **compare(checkpoint, arguments)}
    result["is_gated"] = has_fast_bfloat16() and not arguments.no_half
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))
    ratio, peak = max(result["ratio"][f"request_of_{longer}"] for longer in LONGER_RUNS), memory["request_peak_mib"]
    is_within = ratio <= MUST_RATIO and peak <= MUST_MIB
    verdict = "held" if is_within else "NOT HELD"
    print(f"request: {ratio:.2f} x diffusers (must {MUST_RATIO}), peak {peak:.0f} MiB (must {MUST_MIB}): {verdict}")
    return 0 if is_within or not result["is_gated"] else 1


if __name__ == "__main__":
    sys.exit(main())
