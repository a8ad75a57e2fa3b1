/**
 * Workflows of ComfyUI: opened from files, put into the form or run as the graphs they are; drawn from `/api/workflows`.
 *
 * A hidden component, `#workflows_bridge`, has Python fill the form and send results; its `value` comes back as {filled: id},
 * {refused: id} or {open: asset id, name}.
 */

import { t, toast } from "./pentimento.js";
import { Arriving } from "./workflows/arriving.js";
import { WorkflowDesk } from "./workflows/desk.js";
import { Said } from "./workflows/said.js";
import { WorkflowsTab } from "./workflows/tab.js";
import { whenThere } from "./when.js";

const desk = new WorkflowDesk();
const said = new Said(desk);
window.pentimento.workflowDesk = desk; // the clipspace sends pictures through it

whenThere("#pm_workflows", (root) => {
  const tab = new WorkflowsTab(root, desk);
  window.pentimento.workflows = { desk, tab }; // for scripts and tests
});
whenThere("#tab_img2img", (tab) => tab.prepend(said.element));
window.pentimento.hearWorkflows = () => {
  const { filled, refused, open, name } = window.pentimentoWorkflowsBridge?.props.value ?? {};
  if (open) desk.openAsset(open, name);
  if (filled && filled === desk.opened?.id) said.show(desk.opened);
  if (!refused || refused !== desk.opened?.id) return;
  toast(t("workflows.form_refuses"));
  desk.reveal();
};
new Arriving(desk);
(window.requestIdleCallback ?? setTimeout)(() => desk.listBundled());
