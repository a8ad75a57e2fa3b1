"""A hub on the loopback interface: one repository, redirects to "storage" on another port, and the troubles of real ones."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "c" * 40


@dataclass
class HubStandIn:
    """What it serves and how, and what it was asked.

    Attributes:
        repo: "owner/name"; all others are not there.
        files: Path to bytes; those that end in .json are no LFS files.
        status: Answered to everything instead, if not 0.
        cuts: After how many bytes the connection is cut, a download each.
        damage: Changed bytes are sent under the right sum.
        told_sha256: Told instead of the right one.
        asked: Method, path, `Range` and `Authorization` of each request.
        gate: Downloads wait for it.
        gate_after_cut: What goes on after a cut waits for it.
    """

    repo: str
    files: dict[str, bytes]
    status: int = 0
    error_code: str = ""
    cuts: list[int] = field(default_factory=list)
    damage: bool = False
    told_sha256: str = ""
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    endpoint: str = ""
    storage: str = ""
    gate: threading.Event | None = None
    gate_after_cut: threading.Event | None = None

    def ranges(self) -> list[str]:
        """`Range` of each download."""
        return [wanted for _, path, wanted, _ in self.asked if path.startswith("/blob/")]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        wanted = request.headers.get("Range", "")
        self.asked.append((request.command, request.path, wanted, request.headers.get("Authorization", "")))
        resolve = f"/{self.repo}/resolve/{COMMIT}/"
        if self.status:
            _reply(request, self.status, b"{}", {"X-Error-Code": self.error_code} if self.error_code else {})
        elif request.path.startswith(f"/api/models/{self.repo}"):
            _reply(request, 200, json.dumps(self._describe()).encode(), {"Content-Type": "application/json"})
        elif request.path.startswith(resolve):
            _reply(request, 302, b"", {"Location": f"{self.storage}/blob/{request.path.removeprefix(resolve)}"})
        elif request.path.startswith("/blob/"):
            self._send(request, self.files[request.path.removeprefix("/blob/")], wanted)
        else:
            _reply(request, 404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _describe(self) -> dict[str, Any]:
        siblings = []
        for path, data in self.files.items():
            one: dict[str, Any] = {"rfilename": path, "size": len(data)}
            one["blobId"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            if not path.endswith(".json"):
                one["lfs"] = {"sha256": self.told_sha256 or hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
            siblings.append(one)
        return {"id": self.repo, "sha": COMMIT, "siblings": siblings, "private": False, "tags": [], "downloads": 0, "likes": 0}

    def _send(self, request: BaseHTTPRequestHandler, data: bytes, wanted: str) -> None:
        for gate in (self.gate, self.gate_after_cut if wanted else None):
            if gate is not None:
                gate.wait(60)
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        body = bytes(byte ^ 1 for byte in data) if self.damage else data
        request.send_response(206 if wanted else 200)
        request.send_header("Content-Length", str(len(body) - start))
        if wanted:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        request.end_headers()
        end = start + self.cuts.pop(0) if self.cuts else len(body)
        request.wfile.write(body[start:end])
        if end < len(body):
            request.close_connection = True


def _reply(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        request.send_header(name, value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


@contextmanager
def serving(stand_in: HubStandIn) -> Iterator[HubStandIn]:
    """Serve it on two ports of the loopback interface, the hub's and the storage's."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stand_in.answer(self)

        do_HEAD = do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    threads = [threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    stand_in.endpoint, stand_in.storage = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
    stand_in.storage = stand_in.storage.replace("127.0.0.1", "localhost")
    try:
        yield stand_in
    finally:
        for gate in (stand_in.gate, stand_in.gate_after_cut):
            if gate is not None:
                gate.set()
        for server in servers:
            server.shutdown()
            server.server_close()
