"""Face: A1111's `modules.options`."""

from __future__ import annotations

from modules.runtime.shared_options import SharedOptions as Options
from modules.settings.extra_options import OptionDiv, OptionHTML, OptionInfo, options_section
