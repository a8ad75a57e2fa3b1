"""What infotexts of old A1111 versions mean: options that bring back the rules of their time."""

from __future__ import annotations

import re
from typing import Any

_VERSION = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)(?:-(\d+)-g[0-9a-f]+)?")
_NEW_TIMELINES = (1, 6, 0, 0)
_FULL_ALPHAS = (1, 7, 0, 225)


def restore_old_rules(parsed: dict[str, Any]) -> dict[str, Any]:
    """`parsed` (from `infotext_parse`) with the keys that its version did not write, because there was nothing else then.

    Before 1.6.0, prompt edits counted differently, and DDIM and PLMS padded the negative prompt; until the 225th change after 1.7.0,
    the noise table was rounded to half precision. Texts without a version, or of another program, are left alone.
    """
    found = _VERSION.match(str(parsed.get("Version", "")))
    if found is None:
        return parsed
    version = tuple(int(part or 0) for part in found.groups())
    added: dict[str, Any] = {}
    if version < _NEW_TIMELINES and "[" in str(parsed.get("Prompt", "")):
        added["Old prompt editing timelines"] = True
    if version < _NEW_TIMELINES and parsed.get("Sampler") in ("DDIM", "PLMS"):
        added["Pad conds v0"] = True
    if version < _FULL_ALPHAS:
        added["Downcast alphas_cumprod"] = True
    return parsed | added
