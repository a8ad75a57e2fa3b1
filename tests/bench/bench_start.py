"""Seconds from the command to the page, and to the first repainted picture, on the built-in model.

python -m tests.bench.bench_start [--json FILE]
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from skimage import data

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 180
MUST_PAGE_S = 5.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_page(url: str, server: subprocess.Popen[bytes]) -> None:
    """Until the page answers.

    Raises:
        RuntimeError: The server ended, or did not answer in time.
    """
    end = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < end:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with exit status {server.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as reply:
                reply.read()
                return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise RuntimeError(f"no page within {PATIENCE_S} s")


def encode(image: Image.Image) -> str:
    """PNG in base64."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def repaint(url: str) -> None:
    """One request with the built-in model's preset."""
    photo = Image.fromarray(data.chelsea())
    mask = Image.new("L", photo.size)
    ImageDraw.Draw(mask).ellipse((60, 40, 160, 130), fill=255)
    body = {
        "init_images": [encode(photo)], "mask": encode(mask), "inpainting_fill": "patchmatch", "denoising_strength": 0.5, "steps": 20,
        "width": 256, "height": 256, "inpaint_full_res_padding": 32, "sampler_name": "Euler a", "cfg_scale": 2, "seed": 1,
    }  # fmt: skip
    request = urllib.request.Request(f"{url}sdapi/v1/img2img", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:
        if not json.load(reply)["images"]:
            raise RuntimeError("the request came back without a picture")


def measure() -> dict[str, Any]:
    """Start, ask twice, stop."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "launch.py"), "--no-browser", "--port", str(port), "--data-dir", folder]
        started = time.perf_counter()
        server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
        try:
            wait_for_page(url, server)
            page_s = time.perf_counter() - started
            repaint(url)
            first_s = time.perf_counter() - started
            again = time.perf_counter()
            repaint(url)
            second_s = time.perf_counter() - again
        finally:
            server.terminate()
            server.wait(30)
    return {"page_s": round(page_s, 2), "first_picture_s": round(first_s, 2), "warm_picture_s": round(second_s, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the figures there")
    arguments = parser.parse_args()
    result = measure()
    print(json.dumps(result, indent=1))
    print(f"page after {result['page_s']:.1f} s (must {MUST_PAGE_S:g} on a second start)")
    print(f"first picture after {result['first_picture_s']:.1f} s, the next in {result['warm_picture_s']:.1f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
