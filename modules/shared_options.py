"""Face: A1111's `modules.shared_options`."""

from __future__ import annotations

from modules.runtime.shared_objects import OPTS as opts
from modules.settings.extra_options import OptionHTML, OptionInfo, options_section

options_templates = opts.data_labels
restricted_opts = opts.restricted_opts
