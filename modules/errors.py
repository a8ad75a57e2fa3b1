"""Face: what a script may raise so that the person sees a message, checks that raise it, and A1111's ways to report."""

from __future__ import annotations

from modules.base.checks import to_choice, to_choices, to_number, to_whole
from modules.base.errors import InvalidRequest, PentimentoError
from modules.runtime.face_calls.script_errors import (
    check_versions,
    display,
    display_once,
    exception_records,
    format_exception,
    format_traceback,
    get_exceptions,
    print_error_explanation,
    record_exception,
    report,
    run,
)
