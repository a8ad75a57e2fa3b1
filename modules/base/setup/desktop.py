"""Telling the person where the studio is, and opening it where there is a desktop."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Mapping

from modules.base.setup.console import Console

WAIT_S = 120.0
POLL_S = 0.1
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


def has_desktop(env: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether a browser window could appear: Windows, macOS, or a display, and no remote shell."""
    if env.get("SSH_CONNECTION") or env.get("CI"):
        return False
    return platform in ("win32", "darwin") or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def local_address(host: str, port: int) -> str:
    """The address to type on this machine for a server bound to `host`."""
    shown = EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def is_taken(host: str, port: int) -> bool:
    """Whether another program already listens there; the server will say so, and must not be announced in its place."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    try:
        with socket.create_connection((target, port), timeout=1.0):
            return True
    except OSError:
        return False


def announce_when_up(
    host: str, port: int, console: Console, opens_browser: bool, is_up: Callable[[str], bool] | None = None
) -> threading.Thread:
    """Wait in the background until the server answers, print its address, and open its page if wanted."""
    address = local_address(host, port)

    def wait() -> None:
        if not (is_up or answers)(address):
            return
        beyond = f", and port {port} of this machine's own address" if host in EVERYWHERE else ""
        console.say(f"\nPentimento is ready at {address}{beyond}   (Ctrl-C stops it)\n")
        if opens_browser:
            webbrowser.open(address)

    thread = threading.Thread(target=wait, name="announce", daemon=True)
    thread.start()
    return thread


def answers(address: str, patience_s: float = WAIT_S) -> bool:
    """Poll until the address speaks HTTP, whatever it says; proxies are not asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end_s = time.monotonic() + patience_s
    while time.monotonic() < end_s:
        try:
            with opener.open(address + "/internal/ping", timeout=patience_s):
                return True
        except urllib.error.HTTPError:
            return True
        except (OSError, http.client.HTTPException):
            time.sleep(POLL_S)
    return False
