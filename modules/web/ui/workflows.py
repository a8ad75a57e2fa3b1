"""The tab of the workflows, laid out: the browser draws it (`assets/js/workflows.js`) from `/api/workflows`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.web.ui.texts import Texts

WORKFLOW = "workflow"
"""The tab's id."""
MOUNT = "window.pentimentoWorkflowsBridge = { props, trigger }; watch('value', () => window.pentimento?.hearWorkflows?.());"


@dataclass(frozen=True)
class WorkflowsTab:
    """Widgets of the tab.

    Attributes:
        tab: The tab itself.
        bridge: Hidden, and on the page before the tab is opened. Its `submit` event says what is wanted: {"workflow": id, "pictures":
            asset ids by name, "models": checkpoints by the names of missing ones}, which fills the form; or {"asset", "mode"}, a result to
            be sent. As output it says {"filled": id} or {"refused": id}, of a workflow, or {"open": asset id, "name"}, a picture whose
            workflow is wanted.
    """

    tab: Any
    bridge: Any


def build_workflows(texts: Texts, bridge: Any) -> WorkflowsTab:
    """Lay the tab out, within the page's `gr.Tabs`."""
    with gr.Tab(texts("workflows.tab"), id=WORKFLOW, elem_id="tab_workflow") as tab:
        gr.HTML('<div id="pm_workflows" role="region" data-verbatim></div>', apply_default_css=False, elem_id="workflows_place")
    return WorkflowsTab(tab, bridge)


def build_workflows_bridge() -> Any:
    """Lay out what the browser and Python talk through, outside the tabs: Gradio makes a tab's elements when it is first opened."""
    return gr.HTML(
        value=None, html_template="", js_on_load=MOUNT, apply_default_css=False, elem_id="workflows_bridge", elem_classes="pm-hidden"
    )
