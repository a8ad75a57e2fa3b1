"""Pictures from http(s) addresses, without letting a caller look into the local network through us."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from urllib.parse import SplitResult, urljoin, urlsplit

from modules.base.errors import InvalidRequest

MAX_BYTES = 64 << 20
MAX_REDIRECTS = 3
TIMEOUT_S = 15.0
NOT_ALLOWED = "Requests not allowed"
LOCAL = "Request to local resource not allowed"


class RefusedAddress(InvalidRequest):
    """An address that must not, or could not, be fetched; `reason` begins as A1111's text does."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__("init_images", address, reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


def fetch_picture(address: str, *, is_allowed: bool, allows_local: bool, user_agent: str = "") -> bytes:
    """Fetch what lies at `address`.

    The host's name is resolved once, judged, and the judged address is connected to: a name that resolves to something else the second
    time gains nothing. Every redirect is judged anew.

    Args:
        address: http or https.
        is_allowed: Option `api_enable_requests`.
        allows_local: Whether addresses that are not public may be fetched.

    Raises:
        RefusedAddress: Not allowed, not public, not reachable, or larger than 64 MiB.
    """
    if not is_allowed:
        reason = LOCAL if not allows_local and _is_plainly_local(urlsplit(address).hostname) else NOT_ALLOWED
        raise RefusedAddress(address, f"{reason}: send the picture in base64, or switch on the option api_enable_requests")
    for _ in range(MAX_REDIRECTS + 1):
        try:
            redirect, data = _fetch_once(address, allows_local, user_agent)
        except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
            raise RefusedAddress(address, f"the address could not be fetched: {error}") from error
        if redirect is None:
            return data
        address = urljoin(address, redirect)
    raise RefusedAddress(address, f"more than {MAX_REDIRECTS} redirects")


def _fetch_once(address: str, allows_local: bool, user_agent: str) -> tuple[str | None, bytes]:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RefusedAddress(address, "only http and https addresses can be fetched")
    connection = _connect(parts, allows_local, address)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers={"User-Agent": user_agent or "Pentimento", "Accept": "image/*"})
        response = connection.getresponse()
        if response.status in (301, 302, 303, 307, 308):
            return response.headers.get("Location", ""), b""
        if response.status != 200:
            raise RefusedAddress(address, f"the address answered {response.status}")
        data = response.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise RefusedAddress(address, f"the picture is larger than {MAX_BYTES >> 20} MiB")
        return None, data
    finally:
        connection.close()


def _connect(parts: SplitResult, allows_local: bool, address: str) -> http.client.HTTPConnection:
    """A connection to an address that was judged, under the host's own name."""
    host = parts.hostname or ""
    is_secure = parts.scheme == "https"
    port = parts.port or (443 if is_secure else 80)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not allows_local and not all(_is_public(str(entry[4][0])) for entry in found):
        raise RefusedAddress(address, LOCAL)
    raw = socket.create_connection((str(found[0][4][0]), port), TIMEOUT_S)
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host) if is_secure else raw
    return connection


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    return address.is_global and not address.is_multicast


def _is_plainly_local(host: str | None) -> bool:
    """Local without having to ask a name server."""
    if host is None or host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not _is_public(host)
    except ValueError:
        return False
