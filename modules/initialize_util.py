"""Face: A1111's `modules.initialize_util`."""

from __future__ import annotations

from modules.runtime.face_calls.answers import accept

fix_torch_version = fix_asyncio_event_loop_policy = validate_tls_options = configure_opts_onchange = setup_middleware = accept
