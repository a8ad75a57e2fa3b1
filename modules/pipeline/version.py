"""The program's version, as infotext and API state it."""

from __future__ import annotations

VERSION = "0.1.0"
INFOTEXT_VERSION = f"pentimento-{VERSION}"
