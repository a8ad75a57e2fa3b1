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

extra_network_registry = EXTRA_NETWORKS

__all__ = [
    "ExtraNetwork",
    "ExtraNetworkParams",
    "extra_network_registry",
    "parse_prompt",
    "parse_prompts",
    "register_extra_network",
]
