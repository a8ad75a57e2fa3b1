"""Face: A1111's `modules.hashes`."""

from __future__ import annotations

from modules.runtime.face_calls.file_cache import (
    addnet_hash_safetensors,
    cache,
    calculate_sha256,
    dump_cache,
    sha256,
    sha256_from_cache,
)

blksize = 1048576
