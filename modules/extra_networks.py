"""Face: A1111's `modules.extra_networks`."""

from __future__ import annotations

from modules.pipeline.extra_networks import (
    EXTRA_NETWORKS,
    ExtraNetwork,
    ExtraNetworkParams,
    parse_prompt,
    parse_prompts,
    register_extra_network,
)
from modules.pipeline.script_networks import (
    activate,
    deactivate,
    extra_network_aliases,
    get_user_metadata,
    register_extra_network_alias,
)

extra_network_registry = EXTRA_NETWORKS
