"""What scripts call on A1111's `extra_networks`, over our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from modules.pipeline.extra_networks import ALIASES, EXTRA_NETWORKS, ExtraNetwork, ExtraNetworkData
from modules.pipeline.extra_networks import activate as activate_own
from modules.pipeline.extra_networks import deactivate as deactivate_own


def activate(p: Any, extra_network_data: ExtraNetworkData) -> None:
    """Apply these extra networks to the batch in hand, in place of those of its prompts; errors as for our own `activate`."""
    p.extra_network_data = extra_network_data
    activate_own(p)


def deactivate(p: Any, extra_network_data: ExtraNetworkData) -> None:
    """Tell kinds of extensions that the job's extra networks are over."""
    p.extra_network_data = extra_network_data
    deactivate_own(p)


def register_extra_network_alias(extra_network: ExtraNetwork, alias: str) -> None:
    """A further word for a kind."""
    EXTRA_NETWORKS[alias] = extra_network


def extra_network_aliases() -> dict[str, str]:
    """Other words for our own kinds."""
    return dict(ALIASES)


def get_user_metadata(filename: str | None, lister: Any = None) -> dict[str, Any]:
    """What a person wrote down of a model: the JSON file beside it; {} without one."""
    if filename is None:
        return {}
    try:
        read = json.loads(Path(filename).with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
