"""Starting the program as its own process, and talking to it."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 300
REPLY_LIMIT_S = 120
CODE = """
import sys
from pathlib import Path
from modules.base.log import configure_logging
from modules.base.paths import Paths
from modules.settings.flags import parse_flags
from modules.web.server import main
flags = parse_flags(sys.argv[1:])
configure_logging(flags.loglevel)
sys.exit(main(flags, Paths.under(Path.cwd(), flags.data_dir)))
"""


@dataclass
class Server:
    """A running program.

    Attributes:
        url: Without a slash at the end.
        data: Its `--data-dir`.
    """

    url: str
    data: Path
    process: subprocess.Popen[bytes]
    log: Path

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=REPLY_LIMIT_S, **options)

    def stop(self) -> None:
        """End it with SIGTERM; it must go without being killed, and without a stack trace."""
        self.process.terminate()
        assert self.process.wait(120) in (0, -signal.SIGTERM), self.log.read_text()
        assert "Traceback" not in self.log.read_text(), self.log.read_text()


def start_server(data: Path, port: int, *flags: str, root: Path = ROOT) -> Server:
    """Start the program of the checkout at `root` and wait until it answers."""
    data.mkdir(parents=True, exist_ok=True)
    log = data / "log.txt"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-c", CODE, "--port", str(port), "--data-dir", str(data), *flags]
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=root, stdout=file, stderr=file, env=environment)
    server = Server(f"http://127.0.0.1:{port}", data, process, log)
    deadline_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/internal/ping", timeout=5):
                return server
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    process.kill()
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


def encode(image: Image.Image, fmt: str = "PNG") -> str:
    """Bare base64 of a picture."""
    buffer = io.BytesIO()
    image.save(buffer, fmt)
    return base64.b64encode(buffer.getvalue()).decode()


def decode(text: str) -> Image.Image:
    """A picture from bare base64."""
    image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    image.load()
    return image


def infotexts(reply: dict[str, Any]) -> Sequence[str]:
    """The infotexts of an img2img reply."""
    return json.loads(reply["info"])["infotexts"]
