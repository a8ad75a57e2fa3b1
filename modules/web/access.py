"""Who may call, and who is calling: logins, origins, owners of jobs."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from modules.base.errors import InvalidRequest
from modules.settings.flags import Flags

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ANY_ORIGIN = "*"
OWN_NAMES = frozenset({"localhost", "testserver", ""})
PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Headers by which proxies tell of whom they serve."""


@dataclass(frozen=True)
class Logins:
    """Names and passwords of one `--api-auth` or `--gradio-auth`; empty = everybody may come in."""

    passwords: Mapping[str, str]

    @classmethod
    def parse(cls, flag: str, text: str | None) -> Logins:
        """Parse "user:password,other:password".

        Raises:
            InvalidRequest: An entry has no colon.
        """
        entries = [entry.strip() for entry in (text or "").replace("\n", ",").split(",") if entry.strip()]
        for entry in entries:
            if ":" not in entry:
                raise InvalidRequest(flag, entry, "user:password, several separated by commas")
        return cls(dict(entry.split(":", 1) for entry in entries))

    def __bool__(self) -> bool:
        return bool(self.passwords)

    def check(self, user: str, password: str) -> bool:
        """Compare in constant time, for unknown users too."""
        known = self.passwords.get(user, "")
        is_same = secrets.compare_digest(known.encode(), password.encode())
        return is_same and user in self.passwords

    def user_of(self, authorization: str | None) -> str | None:
        """The user whom an `Authorization: Basic` header proves; None for an empty, foreign or wrong one."""
        scheme, _, value = (authorization or "").strip().partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, ValueError):
            return None
        return user if self.check(user, password) else None


@dataclass(frozen=True)
class AccessRules:
    """What the command line allows.

    Attributes:
        api: Logins of the API; those of the page where the API has none of its own, because it is always on.
        page: Logins of the page.
        origins: Foreign web origins that may call.
        is_open: Whether the program listens beyond this machine.
    """

    api: Logins
    page: Logins
    origins: tuple[str, ...]
    is_open: bool

    @classmethod
    def from_flags(cls, flags: Flags) -> AccessRules:
        page = Logins.parse("--gradio-auth", flags.gradio_auth)
        api = Logins.parse("--api-auth", flags.api_auth) or page
        origins = tuple(_plain(origin) for origin in flags.cors_allow_origins.split(",") if origin.strip())
        return cls(api, page, origins, not flags.is_local)

    def refusal(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Why a request must not be served, or None.

        A browser names the page a request comes from (`Origin`); a page of another host may not make the studio act. A name that
        merely points at this machine (DNS rebinding) is no address of a program that serves this machine alone.
        """
        host = headers.get("host", "")
        if not self.is_open and not self._is_own_name(host):
            return f"only this machine is served, not the host {host!r}; allow it with --listen, or --cors-allow-origins http://{host}"
        origin = _plain(headers.get("origin", ""))
        if not origin or method in SAFE_METHODS or self._allows(origin):
            return None
        if origin.partition("://")[2].lower() in {host.lower(), headers.get("x-forwarded-host", "").lower()} - {""}:
            return None
        return f"requests from pages of {origin!r} are refused; allow them with --cors-allow-origins {origin}"

    def is_from_here(self, headers: Mapping[str, str]) -> bool:
        """Whether a request surely came from this machine: no proxy passed it on, and no page but our own sent it.

        What changes which code runs asks for it; `--cors-allow-origins` allows pages of others less than that.
        """
        host, origin = headers.get("host", ""), _plain(headers.get("origin", ""))
        is_direct = not any(headers.get(name) for name in PASSED_ON) and _is_here(_host_name(f"//{host}"))
        return not self.is_open and is_direct and (not origin or origin.partition("://")[2].lower() == host.lower())

    def _allows(self, origin: str) -> bool:
        return ANY_ORIGIN in self.origins or origin.lower() in {allowed.lower() for allowed in self.origins}

    def _is_own_name(self, host: str) -> bool:
        name = _host_name(f"//{host}")
        if _is_here(name) or _is_address(name) or ANY_ORIGIN in self.origins:
            return True
        return any(name == _host_name(origin) for origin in self.origins)


def _host_name(address: str) -> str:
    """The host of an address, in lower case; what is no address is its own, strange name."""
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return address


def _plain(origin: str) -> str:
    """Without the slash that people add; "file://" keeps both of its own."""
    origin = origin.strip()
    return origin if origin.endswith("//") else origin.removesuffix("/")


def _is_here(name: str) -> bool:
    """Whether a host name is this machine's, as seen from itself."""
    return name in OWN_NAMES or name.endswith(".localhost") or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
