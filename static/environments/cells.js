// Cells as on the server (apps/environments/cells.py): JSON scalars keep their type, everything else is text.

/** "number", "boolean", "null" or "text": what the server will read *text* as. */
export function cellKind(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return "text";
  }
  if (value === null) return "null";
  if (typeof value === "number") return Number.isFinite(value) ? "number" : "text";
  return typeof value === "boolean" ? "boolean" : "text";
}

/** Text of a pasted cell on one line: what a text field cannot hold is written as a JSON string. */
export function oneLine(text) {
  return /[\r\n\t]/.test(text) ? JSON.stringify(text) : text;
}

/** Rows of cells of tab-separated text as spreadsheets copy it; quoted cells may hold tabs and line breaks. */
export function pastedRows(text) {
  const rows = [[]];
  const cells = /\t|\r\n|\n|\r|"((?:[^"]|"")*)"(?=[\t\r\n]|$)|[^\t\r\n]+/g;
  let cell = "";
  for (const [part, quoted] of text.replace(/(\r\n|\n|\r)$/, "").matchAll(cells)) {
    if (part === "\t") (rows.at(-1).push(cell), (cell = ""));
    else if (/^[\r\n]/.test(part)) (rows.at(-1).push(cell), rows.push([]), (cell = ""));
    else cell += quoted === undefined || cell ? part : quoted.replaceAll('""', '"');
  }
  rows.at(-1).push(cell);
  return rows.map((row) => row.map(oneLine));
}
