"""The page and the API in one application, and the program that serves it.

Importing this module imports neither torch nor the page; both come when they are needed.
"""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection

from modules.base.errors import PentimentoError
from modules.base.folder_lock import FolderLock
from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.pipeline.version import VERSION
from modules.runtime.memory_queue import QueueClosed
from modules.runtime.session import Session
from modules.runtime.shared_objects import SHARED
from modules.settings.flags import Flags
from modules.web.access import AccessRules
from modules.web.api.routes import include_routes
from modules.web.errors import add_handlers
from modules.web.layers import ApiPaths, OriginGuard
from modules.web.streams import EndStreams, OpenStreams

logger = logging.getLogger(__name__)

WARM_UP_DELAY_S = 2.0
MAX_BODY_BYTES = 1 << 30
SHUTDOWN_GRACE_S = 10


def create_app(session: Session, *, with_page: bool) -> FastAPI:
    """The application: `/sdapi/v1` and `/api`, and the page at `/` if wanted.

    Args:
        session: What the routes act on; its flags say who may call.
        with_page: Mount the page; without it, gradio is not imported.

    Raises:
        InvalidRequest: A login on the command line is malformed.
    """
    rules = AccessRules.from_flags(session.flags)
    SHARED.bind(session)
    app = FastAPI(
        title="Pentimento",
        version=VERSION,
        lifespan=_lifespan,
        redirect_slashes=False,
        strict_content_type=False,
        max_body_size=MAX_BODY_BYTES,
    )
    app.state.session, app.state.rules, app.state.page_user = session, rules, _no_page_user
    add_handlers(app)
    include_routes(app, with_comfy=session.flags.comfy_api)
    if rules.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(rules.origins),
            allow_methods=["*"],
            allow_headers=["*"],
            allow_credentials=True,
            allow_private_network=True,
            expose_headers=["X-Job-Id", "X-Process-Time"],
        )
    app.add_middleware(ApiPaths)
    app.add_middleware(OriginGuard, rules=rules)
    app.state.streams = OpenStreams()
    app.add_middleware(EndStreams, streams=app.state.streams)
    if with_page:
        return _mount_page(app, session, rules)
    if any(extension.is_enabled and not extension.is_builtin for extension in session.extensions):
        start_guests: Any = load_dotted("modules.web.ui.page:start_guests")
        start_guests(session, app, None)
    return app


def main(flags: Flags, paths: Paths) -> int:
    """Serve until stopped, as the only server of its data folder; returns the exit code."""
    try:
        with FolderLock(paths.cache / "server.lock", paths.data, f"http://{flags.host}:{flags.port}"):
            return _open_and_serve(flags, paths)
    except PentimentoError as error:
        logger.error("%s", error)
        return 1


def _open_and_serve(flags: Flags, paths: Paths) -> int:
    try:
        listener = open_port(flags.host, flags.port)
    except OSError as error:
        logger.error("%s", explain_port(flags, error))
        return 1
    with listener:
        session = Session(paths, flags)
        serve(create_app(session, with_page=not flags.nowebui), session, listener)
    return 0


def serve(app: FastAPI, session: Session, listener: socket.socket) -> None:
    """Run the application on an open port until the process is told to stop."""
    warm_up = threading.Timer(WARM_UP_DELAY_S, _unless_closed(session.load_model))
    warm_up.daemon = True
    warm_up.start()
    threading.Thread(target=_unless_closed(session.resume_jobs), name="pentimento-resume", daemon=True).start()
    session.start_upkeep()
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=SHUTDOWN_GRACE_S, timeout_keep_alive=75)
    try:
        StudioServer(config, session, app.state.streams).run(sockets=[listener])
    except KeyboardInterrupt:
        logger.info("stopped")
    finally:
        warm_up.cancel()
        session.close()


def _unless_closed(begin: Callable[[], object]) -> Callable[[], None]:
    """`begin`, to be called on a thread of its own: the program may be told to stop before that has begun."""

    def begin_unless_closed() -> None:
        with suppress(QueueClosed):
            begin()

    return begin_unless_closed


class StudioServer(uvicorn.Server):
    """Told to stop, stops the jobs at once, so that those who wait for them still get an answer, and hangs up on open pages."""

    def __init__(self, config: uvicorn.Config, session: Session, streams: OpenStreams) -> None:
        super().__init__(config)
        self._session, self._streams = session, streams

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not from within the signal handler: the interrupted code may hold the queue's lock.
        threading.Thread(target=self._session.close).start()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._streams.end()
        await super().shutdown(sockets)


def open_port(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError when the port is taken, so that nothing is loaded in vain."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


def explain_port(flags: Flags, error: OSError) -> str:
    """Why the port could not be opened, and what to do."""
    place = f"{flags.host}:{flags.port}"
    if error.errno == errno.EADDRINUSE:
        return f"port {flags.port} on {flags.host} is in use (by another Pentimento?): stop that, or start with --port {flags.port + 1}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{place}: this user may not open that port; start with a --port above 1023"
    return f"{place} cannot be opened ({error.strerror or error}); check --listen and --port"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.session.close()


def _mount_page(app: FastAPI, session: Session, rules: AccessRules) -> FastAPI:
    mount: Any = load_dotted("modules.web.ui.page:mount_page")
    app = mount(app, session, auth=list(rules.page.passwords.items()) or None)
    page = next((inner for route in app.routes if hasattr(inner := getattr(route, "app", None), "cookie_id")), None)
    if page is not None:
        app.state.page_user = partial(_page_user, page)
    return app


def _page_user(page: Any, request: HTTPConnection) -> str | None:
    """Who is logged in on the page, by its session cookie."""
    cookies = (request.cookies.get(f"access-token-{kind}{page.cookie_id}") for kind in ("", "unsecure-"))
    return next((page.tokens[token] for token in cookies if token in page.tokens), None)


def _no_page_user(request: HTTPConnection) -> None:
    return None
