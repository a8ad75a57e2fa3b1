"""Face: for scripts that make many runs of one request, and what extensions need that add axes to X/Y/Z plot."""

from __future__ import annotations

from modules.pipeline.plots.axes import (
    AxisOption,
    AxisOptionImg2Img,
    AxisOptionTxt2Img,
    MissingAxis,
    apply_field,
    apply_named,
    apply_order,
    apply_override,
    apply_prompt,
    apply_size,
    apply_styles,
    boolean_choice,
    do_nothing,
    format_nothing,
    format_remove_path,
    format_value,
    format_value_add_label,
    format_value_join_list,
)
from modules.pipeline.plots.axis_values import join_list, split_list, str_permutations
from modules.pipeline.plots.plot import Plot, read_axis
from modules.pipeline.plots.rehearsal import copy_request, rehearse
from modules.pipeline.plots.sheet import check_sheet, fill_up
from modules.pipeline.sampler_names import scheduler_names

list_to_csv_string, csv_string_to_list_strip = join_list, split_list
