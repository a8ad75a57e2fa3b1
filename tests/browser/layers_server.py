"""The server of `fake_server`, taking one known poster apart: a disc and a word on a ground, each where it was drawn.

Run as `python -m tests.browser.layers_server PORT DATA_DIR`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modules.base.paths import Paths
from modules.imaging.geometry import Box
from modules.pipeline.layers.backend_settings import Setting, read_settings
from modules.pipeline.layers.decomposing import Decomposition, Interrupted, Part, Watch
from modules.pipeline.layers.document import LayerKind, TextAttributes
from modules.settings.flags import parse_flags
from modules.web.server import create_app, open_port, serve
from tests.browser.fake_server import ROOT, FakeSession, fake_process

WIDTH, HEIGHT = 320, 240
DISC = Box(40, 80, 100, 100)
WORD = Box(180, 30, 120, 40)
RED, BLUE = (200, 30, 40, 255), (20, 40, 180, 255)
SLOW_S = 30.0


def ground() -> Any:
    """(HEIGHT, WIDTH, 4) uint8, no two neighbours alike."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.dstack([x * 255 // WIDTH, 120 + (x + y) % 2 * 20, y * 255 // HEIGHT, np.full_like(x, 255)]).astype(np.uint8)


def disc() -> Any:
    y, x = np.mgrid[: DISC.height, : DISC.width] - (DISC.width - 1) / 2
    return np.where((np.hypot(x, y) <= DISC.width / 2)[..., None], RED, 0).astype(np.uint8)


def word() -> Any:
    return np.full((WORD.height, WORD.width, 4), BLUE, np.uint8)


def poster() -> Any:
    """(HEIGHT, WIDTH, 4) uint8: what the parts together are."""
    pixels = ground()
    for box, part in ((DISC, disc()), (WORD, word())):
        place = pixels[box.y : box.y + box.height, box.x : box.x + box.width]
        place[part[..., 3] > 0] = part[part[..., 3] > 0]
    return pixels


class KnownPoster:
    """A backend that knows the answer."""

    name = "built-in"
    settings = (Setting("texts", True), Setting("max_subjects", 4, 1, 16), Setting("slow", False))

    def why_not(self) -> str:
        return ""

    def decompose(self, picture: Any, settings: Mapping[str, Any], watch: Watch) -> Decomposition:
        chosen = read_settings(self.settings, settings)
        watch.tell(0.4, "subject")
        until_s = time.monotonic() + (SLOW_S if chosen["slow"] else 0)
        while time.monotonic() < until_s:
            if watch.is_interrupted():
                raise Interrupted("subject")
            time.sleep(0.05)
        height, width = picture.shape[:2]
        if (width, height) != (WIDTH, HEIGHT):
            whole = Part(LayerKind.BACKGROUND, "background", Box(0, 0, width, height), picture)
            return Decomposition((whole,), False, ({"key": "one_piece"},))
        parts = [
            Part(LayerKind.BACKGROUND, "background", Box(0, 0, WIDTH, HEIGHT), ground()),
            Part(LayerKind.SUBJECT, "subject", DISC, disc(), confidence=0.9),
            Part(LayerKind.TEXT, "text: SALE", WORD, word(), confidence=0.8, text=TextAttributes("SALE", size_px=40, color="#1428b4")),
        ]
        return Decomposition(tuple(parts))


def main(port: int, data: Path) -> None:
    session = FakeSession(Paths.under(ROOT, data), parse_flags([]), process=fake_process(0.02))
    session.layer_work.workshop.backends.makers["built-in"] = KnownPoster
    with open_port("127.0.0.1", port) as listener:
        serve(create_app(session, with_page=True), session, listener)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
