"""The real server with its real session, queue, store and history, and a stand-in for the pipeline; made to be killed.

Run as `python -m tests.api.crash_server PORT DATA_DIR SECONDS_A_JOB`. Importing everything takes longer than all the rest, so this
process imports once and forks: each line on its standard input starts a server in a child of its own, whose process id it prints, and
waits for the child's end. `POST /test/jobs` submits as the page does: with a recipe.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from modules.base.folder_lock import FolderLock
from modules.base.log import configure_logging
from modules.base.paths import Paths
from modules.imaging.saving import SaveNaming, save_image
from modules.pipeline.processed import Processed
from modules.runtime.jobs import Job
from modules.runtime.recipe import Recipe, build_request
from modules.runtime.session import Session
from modules.settings.flags import parse_flags
from modules.web.server import create_app, open_port, serve

ROOT = Path(__file__).resolve().parents[2]


class CrashSession(Session):
    """Loads no model."""

    def load_model(self, owner: str = "program") -> Job:
        return Job(owner, None)


def make_process(seconds: float) -> Any:
    """Inverts the picture, taking its time; every second result is also saved, as the pipeline saves."""

    def process(request: Any, context: Any) -> Processed:
        time.sleep(seconds)
        image = request.init_images[0].point(lambda value: 255 - value)
        text = f"{request.prompt}\nSteps: 1, Seed: {request.seed}, Size: {image.width}x{image.height}"
        if request.seed % 2:
            folder = context.paths.outputs / "img2img-images"
            image.already_saved_as = save_image(image, folder, infotext=text, naming=SaveNaming(directory_pattern=None))
        return Processed(request, [image], request.seed, infotexts=[text], all_seeds=[request.seed], all_prompts=[request.prompt])

    return process


def main(port: int, data: Path, seconds: float) -> None:
    configure_logging()
    paths = Paths.under(ROOT, data)
    with FolderLock(paths.cache / "server.lock", paths.data):
        session = CrashSession(paths, parse_flags(["--nowebui"]), process=make_process(seconds))
        app = create_app(session, with_page=False)

        @app.post("/test/jobs")
        def submit(values: dict[str, Any]) -> str:
            recipe = Recipe.from_json(values)
            return session.submit(build_request(recipe, session.store), "127.0.0.1", recipe=recipe).id

        with open_port("127.0.0.1", port) as listener:
            serve(app, session, listener)


def fork_servers(port: int, data: Path, seconds: float) -> None:
    """Until standard input ends."""
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            main(port, data, seconds)
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    fork_servers(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
