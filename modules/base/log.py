"""One place that sets logging up; everybody else calls `logging.getLogger(__name__)`."""

from __future__ import annotations

import logging


def configure_logging(level: str = "INFO") -> None:
    """Log to standard error with time, level and module.

    Raises:
        ValueError: `level` is no logging level name.
    """
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%H:%M:%S", force=True)
    for noisy in ("httpx", "httpx2", "httpcore", "httpcore2", "PIL", "asyncio", "python_multipart"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
