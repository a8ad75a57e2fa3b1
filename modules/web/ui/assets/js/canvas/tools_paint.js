/** Brush and eraser. Shift holds a straight line: from the last stroke's end, or from where the pointer went down. */

import { operation } from "./document.js";
import { rgb } from "./settings.js";
import { registerTool } from "./tools.js";

const ends = new Map(); // channel -> where the last stroke ended, for Shift
let live = null; // {view, channel, op, start, isStraight}

const round = (value) => Math.round(value * 100) / 100;
const flat = ({ x, y, pressure }) => [round(x), round(y), round(pressure)];

function begin(view, erase, points) {
  const { size, hardness, opacity, colour } = view.settings;
  const op = { ...operation({ kind: "stroke" }), erase, size: round(size), hardness, opacity, colour: rgb(colour), points };
  const channel = view.document.channels[view.channel];
  live = { ...live, view, channel, op };
  channel.surface.begin(op);
  extend();
}

function extend() {
  const { view, channel, op } = live;
  if (channel.surface.live?.op !== op) return; // the document moved on below the stroke
  const box = channel.surface.extend();
  if (box) show(view, channel, box);
}

function show(view, channel, box) {
  channel.touch(box);
  view.document.emit(channel.name, box);
}

function takeBack() {
  const { view, channel, op } = live;
  if (channel.surface.live?.op !== op) return;
  const box = channel.surface.cancel();
  if (box) show(view, channel, box);
}

function painter(erase) {
  return {
    cursor: "brush",
    down(view, point) {
      const end = ends.get(view.channel);
      const start = point.shift && end?.picture === view.document.now.picture.id ? end.point : point;
      live = { start, isStraight: start !== point };
      view.document.isPainting = () => live !== null;
      begin(view, erase, start === point ? flat(point) : [...flat(start), ...flat(point)]);
    },
    move(view, points) {
      if (!live) return;
      const last = points.at(-1);
      if (last.shift) {
        takeBack();
        live.isStraight = true;
        begin(view, erase, [...flat(live.start), ...flat({ ...last, pressure: live.start.pressure })]);
        return;
      }
      for (const point of points) live.op.points.push(...flat(point));
      extend();
    },
    up(view, point) {
      if (!live) return;
      const { channel, op } = live;
      live = null;
      if (channel.surface.live?.op !== op) return;
      channel.surface.end();
      Object.freeze(op.points);
      ends.set(view.channel, { picture: view.document.now.picture.id, point });
      view.document.addDrawn(view.channel, Object.freeze(op));
      view.document.emit(channel.name, "done");
    },
    cancel() {
      if (!live) return;
      takeBack();
      live = null;
    },
  };
}

registerTool({
  id: "brush", label: "canvas.tool.brush", key: "B", order: 10, options: ["size", "hardness", "opacity", "colour"],
  icon: '<path d="M14.5 4.5 19.5 9.5 11 18l-5-5z"/><path d="M6 13c-2.5 1-1.5 4-4 6 3 1 7 .5 9-1"/>',
  ...painter(false),
});
registerTool({
  id: "eraser", label: "canvas.tool.eraser", key: "E", order: 20, options: ["size", "hardness", "opacity"],
  icon: '<path d="m8 20-5-5L14 4l7 7-9 9z"/><path d="m8.5 9.5 7 7M8 20h13"/>',
  ...painter(true),
});
