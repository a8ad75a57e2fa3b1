/** Where everything of a drawing lies: sockets, values and lines, in units of the file, from 0. Nothing here draws. */

export const TITLE = 28; // a node's title is above its place
export const ROW = 20; // a socket
export const FIELD = 22; // a value in one line
const PAD = 8;
const LEAST = { width: 60, height: 24 };
const MOST = 20000;
const FARTHEST = 1e6;
const LONG = 48; // letters; longer values get the room that is left
const MANY_LINES = 56;
const MARGIN = 40;
const PROSE = ["text", "text_g", "text_l"]; // prompts are in boxes of their own
const NOTES = ["Note", "MarkdownNote"];
const BEND = { least: 24, share: 0.4, most: 220 };

const number = (value, otherwise = 0) => (Number.isFinite(value) ? Math.max(-FARTHEST, Math.min(FARTHEST, value)) : otherwise);
const size = (value, least) => Math.min(MOST, Math.max(least, number(value)));

/** Whether a value needs more than one line. */
const isLong = ([name, value]) => PROSE.includes(name) || value.length > LONG || value.includes("\n");

/**
 * A drawing, measured.
 *
 * @param {{nodes, links, groups}} drawing as the server tells it.
 * @returns {{nodes: Array, byId: Map, links: Array, groups: Array, width: number, height: number}} boxes are {x, y, width, height}.
 */
export function sceneOf(drawing) {
  const linked = new Set(drawing.links.map((link) => `${link.to_node}\n${link.to_slot}`));
  const nodes = drawing.nodes.map((node) => measure(node, linked));
  const groups = drawing.groups.map((group) => ({ ...group, x: number(group.x), y: number(group.y), width: size(group.width, 0), height: size(group.height, 0) }));
  const boxes = [...nodes.map((node) => node.box), ...groups];
  const left = least(boxes, (box) => box.x) - MARGIN;
  const top = least(boxes, (box) => box.y) - MARGIN;
  for (const box of boxes) {
    box.x -= left;
    box.y -= top;
  }
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const links = drawing.links.map((link) => lineOf(link, byId)).filter(Boolean);
  const width = greatest(boxes, (box) => box.x + box.width) + MARGIN;
  const height = greatest(boxes, (box) => box.y + box.height) + MARGIN;
  return { nodes, byId, links, groups, width, height };
}

const least = (boxes, of) => boxes.reduce((found, box) => Math.min(found, of(box)), boxes.length ? Infinity : 0);
const greatest = (boxes, of) => boxes.reduce((found, box) => Math.max(found, of(box)), 1);

/** A node with `box` (with its title), `sockets` and `fields` placed within it. */
function measure(node, linked) {
  const isBare = node.class_type === "Reroute";
  const isNote = NOTES.includes(node.class_type);
  const head = isBare ? 0 : TITLE;
  const texts = node.texts.map(([name, value]) => [String(name), String(value)]);
  const named = new Set(texts.map(([name]) => name));
  const inputs = node.inputs.map(([name, type], slot) => ({ name, type, slot, isField: named.has(name), isLinked: linked.has(`${node.id}\n${slot}`) }));
  const outputs = node.outputs.map(([name, type], slot) => ({ name, type, slot, y: head + (slot + 0.7) * ROW }));
  let row = 0;
  for (const input of inputs) if (!input.isField) input.y = head + (row++ + 0.7) * ROW;
  const start = head + Math.max(row, outputs.length) * ROW + (texts.length && !isNote ? 6 : 0);
  const long = texts.filter(isLong).length;
  const short = (texts.length - long) * FIELD;
  const given = size(node.height, LEAST.height) + head;
  const height = Math.max(given, start + short + long * (isNote ? 0 : MANY_LINES) + (texts.length ? PAD : 0));
  const rest = long ? (height - start - short - PAD) / long : 0;
  const fields = [];
  let y = start;
  for (const [name, value] of texts) {
    const one = { name, value, y, height: isLong([name, value]) || isNote ? Math.max(rest, FIELD) : FIELD };
    fields.push(one);
    y += one.height;
  }
  for (const input of inputs) if (input.isField) input.y = fields.find((field) => field.name === input.name).y + FIELD / 2;
  const box = { x: number(node.x), y: number(node.y) - head, width: size(node.width, LEAST.width), height };
  const room = { y: y + PAD, height: height - y - 2 * PAD }; // what is left for a picture
  return { ...node, box, head, isBare, isNote, inputs, outputs, fields, room };
}

/** A line between sockets; null where one of its ends is not there. */
function lineOf(link, byId) {
  const from = byId.get(link.from_node);
  const to = byId.get(link.to_node);
  const start = from?.outputs[link.from_slot];
  const end = to?.inputs[link.to_slot];
  if (!start || !end) return null;
  const [x0, y0] = [from.box.x + from.box.width, from.box.y + (from.isBare ? from.box.height / 2 : start.y)];
  const [x1, y1] = [to.box.x, to.box.y + (to.isBare ? to.box.height / 2 : end.y)];
  const bend = Math.min(BEND.most, Math.max(BEND.least, Math.hypot(x1 - x0, y1 - y0) * BEND.share));
  return { type: link.type || start.type, from: link.from_node, to: link.to_node, x0, y0, x1, y1, bend };
}

/** The node at a point; the one drawn last wins. */
export function nodeAt(scene, x, y) {
  for (let place = scene.nodes.length - 1; place >= 0; place -= 1) {
    const { box } = scene.nodes[place];
    if (x >= box.x && y >= box.y && x <= box.x + box.width && y <= box.y + box.height) return scene.nodes[place];
  }
  return null;
}
