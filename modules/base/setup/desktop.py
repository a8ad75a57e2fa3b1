"""Telling the person where the studio is, and opening it where there is a desktop."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping

from modules.base.setup.console import Console

WAIT_S = 120.0
POLL_S = 0.1


def has_desktop(env: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether a browser window could appear: Windows, macOS, or a display, and no remote shell."""
    if env.get("SSH_CONNECTION") or env.get("CI"):
        return False
    return platform in ("win32", "darwin") or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def local_address(host: str, port: int) -> str:
    """The address to type on this machine for a server bound to `host`."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def announce_when_up(
    host: str,
    port: int,
    console: Console,
    opens_browser: bool,
    open_page: Callable[[str], object] = webbrowser.open,
) -> threading.Thread:
    """Wait in the background until the server answers, then open its page; the server itself prints the address."""

    def wait() -> None:
        if opens_browser and wait_for_port(host, port):
            open_page(local_address(host, port))

    thread = threading.Thread(target=wait, name="announce", daemon=True)
    thread.start()
    return thread


def wait_for_port(host: str, port: int, patience_s: float = WAIT_S) -> bool:
    """Poll until something accepts connections on the port."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    end_s = time.monotonic() + patience_s
    while time.monotonic() < end_s:
        try:
            with socket.create_connection((target, port), timeout=1.0):
                return True
        except OSError:
            time.sleep(POLL_S)
    return False
