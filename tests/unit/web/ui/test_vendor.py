"""Third-party files of the page are those that their README lists."""

from __future__ import annotations

import hashlib
import re

from modules.web.ui.static import ASSETS

VENDOR = ASSETS / "vendor"


def test_vendored_files_are_unmodified_and_listed_with_their_licence() -> None:
    listed = dict(re.findall(r"\| `([\w./-]+)` \| `([0-9a-f]{64})` \|", (VENDOR / "README.md").read_text(encoding="utf-8")))
    found = {path.relative_to(VENDOR).as_posix(): path for path in VENDOR.rglob("*") if path.is_file() and path.name != "README.md"}
    assert found.keys() == listed.keys()
    for name, path in found.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == listed[name], f"{name} is not the file that README.md lists"
        assert (path.parent / "LICENSE").exists()
