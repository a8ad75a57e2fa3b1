/** Tables that fill a document: the columns that it understands, as `modules/runtime/layers/template.py` has them. */

const BOM = "\ufeff"; // without it, Excel reads UTF-8 as the local encoding
const NAMED = { text: "text", subject: "subject", other: "subject" };

const bare = (name, prefix) => (name.toLowerCase().startsWith(`${prefix}: `) ? name.slice(prefix.length + 2) : name);

/** [column, what the document has there now] for every layer that a table can change. */
function cells(document) {
  const found = [];
  for (const layer of document.layers) {
    const prefix = NAMED[layer.kind];
    if (prefix) found.push([`${prefix}:${bare(layer.name, prefix)}`, layer.text?.string ?? ""]);
    else if (layer.kind === "background") found.push([`background:${layer.name}`, ""]);
  }
  return found;
}

/** Names of columns. */
export function columnsOf(document) {
  return ["name", ...cells(document).map(([column]) => column), "size"];
}

const quoted = (text) => (/[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** A CSV file with all columns and one row, which is the document as it is. */
export function sampleOf(document) {
  const { width, height } = document.extent;
  const row = ["1", ...cells(document).map(([, value]) => value), `${width}x${height}`];
  return `${BOM}${[columnsOf(document), row].map((line) => line.map(quoted).join(",")).join("\r\n")}\r\n`;
}
