"""Addresses as start pictures: nobody looks into the local network through us."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from modules.web.api.fetch import RefusedAddress, fetch_picture

PICTURE = b"not really a picture"


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/loop":
            self.send_response(302)
            self.send_header("Location", "/loop")
        elif self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/x.png")
        elif self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "ftp://127.0.0.1/x.png")
        elif self.path == "/none":
            self.send_response(404)
        else:
            self.send_response(200)
        self.end_headers()
        self.wfile.write(PICTURE)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_nothing_is_fetched_unless_allowed(site: str) -> None:
    with pytest.raises(RefusedAddress, match=r"Requests not allowed.*api_enable_requests"):
        fetch_picture("https://example.com/x.png", is_allowed=False, allows_local=False)
    with pytest.raises(RefusedAddress, match=r"^Request to local resource not allowed"):
        fetch_picture("http://127.0.0.1/x.png", is_allowed=False, allows_local=False)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "[::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "224.0.0.1",
    ],
)
def test_local_addresses_are_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(RefusedAddress):
        fetch_picture(f"http://{host}/x.png", is_allowed=True, allows_local=False)


def test_a_local_site_is_refused_before_it_is_asked(site: str) -> None:
    with pytest.raises(RefusedAddress, match="local resource"):
        fetch_picture(f"{site}/x.png", is_allowed=True, allows_local=False)


@pytest.mark.parametrize("path", ["/x.png", "/moved"])
def test_pictures_are_fetched_where_allowed(site: str, path: str) -> None:
    assert fetch_picture(site + path, is_allowed=True, allows_local=True) == PICTURE


@pytest.mark.parametrize("path", ["/loop", "/away", "/none"])
def test_what_leads_nowhere_is_refused(site: str, path: str) -> None:
    with pytest.raises(RefusedAddress):
        fetch_picture(site + path, is_allowed=True, allows_local=True)


def test_other_schemes_are_refused() -> None:
    with pytest.raises(RefusedAddress, match="only http"):
        fetch_picture("file:///etc/passwd", is_allowed=True, allows_local=True)
