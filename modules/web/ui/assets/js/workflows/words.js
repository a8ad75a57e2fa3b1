/** What the server says of a workflow, as sentences in the page's language. */

import { t } from "../pentimento.js";

const has = (id) => id in window.PENTIMENTO_TEXTS.en;

/** How a person finds a node: "KSampler (3)". */
export function nodeWords(id, drawing, otherwise = "") {
  const node = drawing?.nodes.find((one) => one.id === id);
  const name = node?.title || node?.class_type || otherwise;
  return name ? t("workflows.node", { name, id }) : `#${id}`;
}

/** A problem, {node, class_type, kind, field, got, wanted, affects}, as {text, detail}. */
export function problemWords(problem, drawing) {
  const id = `workflows.problem.${problem.kind}`;
  const node = problem.node ? nodeWords(problem.node, drawing, problem.class_type) : t("workflows.whole");
  const values = { node, field: problem.field, got: problem.got, wanted: problem.wanted, type: problem.class_type };
  const text = has(id) ? t(id, values) : t("workflows.problem.other", { ...values, kind: problem.kind });
  const cut = problem.affects.map((one) => nodeWords(one, drawing)).join(", ");
  return { text, detail: cut ? t("workflows.cuts_off", { nodes: cut }) : "" };
}

/** What was set in the form, or why the form will not do: {id, values}. */
export function saidWords({ id, values }, drawing) {
  const named = { ...values };
  if (values.node) named.node = nodeWords(values.node, drawing);
  if (values.nodes) named.nodes = String(values.nodes).split(", ").map((node) => nodeWords(node, drawing)).join(", ");
  if (has(id)) return t(id, named);
  return [id, ...Object.entries(values).map(([name, value]) => `${name} = ${value}`)].join(", ");
}

/** Whether a problem keeps something from running. */
export const isGrave = (problem) => problem.affects.length > 0;
