"""A running studio with a stand-in pipeline, and a real Chromium that looks at it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect, sync_playwright

from modules.base.paths import Paths
from tests.browser.studio import StudioPage
from tests.golden.tiny_models import require_vocabulary, tiny_models_folder

STEP_S = 0.05
START_LIMIT_S = 240
LOOK_LIMIT_MS = 240_000
REAL_SERVER = """
import sys
from pathlib import Path
from modules.base.paths import Paths
from modules.settings.flags import parse_flags
from modules.web.server import main
flags = parse_flags(sys.argv[2:])
sys.exit(main(flags, Paths.under(Path(sys.argv[1]), flags.data_dir)))
"""
PLAIN: dict[str, Any] = {"viewport": {"width": 1100, "height": 760}, "locale": "en-US"}
NewPage = Callable[..., Page]
expect.set_options(timeout=LOOK_LIMIT_MS)


@pytest.fixture(scope="session")
def studio_url(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[str]:
    """Address of a studio whose steps take `STEP_S` and whose repaint is plain green."""
    data = tmp_path_factory.mktemp("studio")
    yield from serve(project_root, data, ["-m", "tests.browser.fake_server", "{port}", str(data), str(STEP_S)])


@pytest.fixture(scope="session")
def canvas_url(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[str]:
    """Address of the application whose page has nothing but canvases."""
    data = tmp_path_factory.mktemp("canvas")
    yield from serve(project_root, data, ["-m", "tests.browser.canvas_server", "{port}", str(data)])


@pytest.fixture(scope="module")
def real_url(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[str]:
    """Address of the studio as it is, on the built-in model."""
    data = tmp_path_factory.mktemp("real")
    yield from serve(project_root, data, ["-c", REAL_SERVER, str(project_root), "--port", "{port}", "--data-dir", str(data)])


@pytest.fixture(scope="session")
def tiny_server(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[tuple[str, Path]]:
    """Address and data folder of the studio as it is, on the tiny checkpoints that ComfyUI was given."""
    require_vocabulary()
    data, models = tmp_path_factory.mktemp("tiny"), tiny_models_folder()
    arguments = ["--port", "{port}", "--data-dir", str(data), "--ckpt-dir", str(models)]
    yield from ((url, data) for url in serve(project_root, data, ["-c", REAL_SERVER, str(project_root), *arguments]))


@pytest.fixture
def tiny_url(tiny_server: tuple[str, Path]) -> str:
    """Its address; pictures that another test handed in are not there."""
    url, data = tiny_server
    for path in Paths.under(data, data).inputs.glob("*.*"):
        path.unlink()
    return url


def serve(root: Path, data: Path, arguments: list[str]) -> Iterator[str]:
    """Run Python with `arguments`, `{port}` filled in, until the test is done with it."""
    port = free_port()
    log = (data / "log.txt").open("w+")
    command = [sys.executable, *(argument.replace("{port}", str(port)) for argument in arguments)]
    begun_s = time.monotonic()
    server = subprocess.Popen(command, cwd=root, stdout=log, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}/"
        wait_until_up(url, server, log)
        print(f"\nstart to page: {time.monotonic() - begun_s:.1f} s")
        yield url
        log.seek(0)
        assert "Exception in ASGI" not in (said := log.read()), said
    finally:
        server.kill()
        server.wait()
        log.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until_up(url: str, server: subprocess.Popen[bytes], log: Any) -> None:
    """Return when `url` answers; fail with the server's log when it does not."""
    until_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until_s and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    log.seek(0)
    pytest.fail(f"the studio did not come up:\n{log.read()}")


@pytest.fixture(scope="session")
def browser(chromium_options: dict[str, Any]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(**chromium_options)
        yield running
        running.close()


def open_profile(browser: Browser, **options: Any) -> BrowserContext:
    """A browser profile whose pages wait as long as `expect` does, also for clicks and loads."""
    context = browser.new_context(**{**PLAIN, **options})
    context.set_default_timeout(LOOK_LIMIT_MS)
    return context


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Makes empty pages, each in a browser profile of its own; 1100 x 760 px and in English unless told otherwise."""
    contexts = []

    def make(**options: Any) -> Page:
        context = open_profile(browser, **options)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """One browser profile for tests that need no other: what the program's page is made of is fetched once."""
    context = open_profile(browser)
    yield context
    context.close()


@pytest.fixture
def page(profile: BrowserContext) -> Iterator[Page]:
    """An empty page; nothing of earlier tests is kept but the files that the page is made of."""
    page = profile.new_page()
    origins: set[str] = set()

    def remember(frame: Frame) -> None:
        origins.add("{0.scheme}://{0.netloc}".format(urlsplit(frame.url)))

    def watch(opened: Page) -> None:
        opened.on("framenavigated", remember)

    profile.on("page", watch)
    page.on("framenavigated", remember)
    yield page
    profile.remove_listener("page", watch)
    for other in profile.pages:
        if other is not page:
            other.close()
    page.goto("about:blank")  # pages keep things when they are left
    session = profile.new_cdp_session(page)
    for origin in origins:
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "cookies,local_storage,indexeddb,service_workers"})
    page.close()
    profile.unroute_all()
    profile.clear_cookies()


@pytest.fixture
def studio(page: Page, studio_url: str) -> StudioPage:
    """The studio, opened and ready to use."""
    return StudioPage(page, studio_url).open()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A colourful picture of 320 x 240 px in which no pixel has the colour of the stand-in's paint."""
    image = Image.new("RGB", (320, 240))
    image.putdata([(x * 255 // 320, 90, y * 255 // 240) for y in range(240) for x in range(320)])
    ImageDraw.Draw(image).ellipse((200, 40, 280, 120), fill=(240, 220, 60))
    path = tmp_path / "photo.png"
    image.save(path)
    return path
