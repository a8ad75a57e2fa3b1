"""The program is killed while a page is open: what was asked for is done after all, and the page finds it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import free_port, wait_until_up
from tests.browser.fake_server import PAINT
from tests.browser.studio import StudioPage

STEP_S = "0.2"


def start(root: Path, data: Path, port: int) -> subprocess.Popen[bytes]:
    log = (data / "log.txt").open("a+")
    command = [sys.executable, "-m", "tests.browser.fake_server", str(port), str(data), STEP_S]
    server = subprocess.Popen(command, cwd=root, stdout=log, stderr=subprocess.STDOUT)
    wait_until_up(f"http://127.0.0.1:{port}/", server, log)
    return server


def test_a_killed_program_goes_on_where_it_was(new_page: Callable[..., Page], tmp_path: Path, project_root: Path, photo: Path) -> None:
    port = free_port()
    gate = tmp_path / "gate"
    gate.touch()
    server = start(project_root, tmp_path, port)
    try:
        studio = StudioPage(new_page(), f"http://127.0.0.1:{port}/").open()
        studio.upload(photo)
        studio.paint((-40, 0), (40, 0))
        studio.page.locator("#img2img_prompt textarea").fill(f"while {gate}")
        studio.set_number("img2img_steps", 30)
        mask = studio.committed()["mask"]
        studio.generate()
        studio.expect_status(re.compile(r"Step [1-9]\d* of"))
        studio.page.evaluate("window.isOld = true")
        server.send_signal(signal.SIGKILL)
        server.wait()
        gate.unlink()
        server = start(project_root, tmp_path, port)
        studio.page.wait_for_function("!window.isOld")  # Gradio loads the page anew when it finds another program behind it
        studio.wait_ready()
        expect(studio.page.locator("#img2img_prompt textarea")).to_have_value(f"while {gate}")
        studio.wait_canvas()
        assert studio.committed()["mask"] == mask
        studio.expect_status("Done in")
        studio.expect_status("0 pixels changed outside the mask")
        studio.expect_status("begun again")
        where = np.all(np.asarray(studio.result()) == PAINT, axis=-1)
        assert where[120, 160] and np.array_equal(np.asarray(studio.result())[~where], np.asarray(Image.open(photo))[~where])
    finally:
        server.kill()
        server.wait()
