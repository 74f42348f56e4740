// Lists of lines: plain values one below the other, or names with values. Enter adds a line, Backspace in an empty
// one removes it.
import { changed, clone, find, grow } from "./dom.js";
import { readScalar, showScalar } from "./values.js";

/** Text that gives back the very value it was filled with until somebody changes it. */
function keeps(input, value) {
  input.value = showScalar(value);
  const shown = input.value;
  grow(input);
  return () => (input.value === shown ? value : readScalar(input.value));
}

function makeRow(kind, entry) {
  const node = clone(`t-${kind}`);
  const input = find(node, "value-input");
  const read = keeps(input, entry.value === undefined ? "" : entry.value);
  const key = find(node, "key-input");
  if (key) key.value = entry.name ?? "";
  return { node, first: key ?? input, name: () => key?.value.trim() ?? "", value: read, empty: () => input.value === "" && !key?.value };
}

/** Lines of *kind* ("item" or "pair"), filled with *entries* ({name, value}); ``entries()`` reads them. */
export function rowList(kind, entries) {
  const node = clone("t-rows");
  const list = node.querySelector("ul");
  let rows = [];

  function add(entry = {}, after = rows.length - 1, focus = false) {
    const row = makeRow(kind, entry);
    rows.splice(after + 1, 0, row);
    list.insertBefore(row.node, list.children[after + 1] ?? null);
    if (focus) row.first.focus();
    return row;
  }

  function remove(row) {
    const index = rows.indexOf(row);
    rows = rows.filter((other) => other !== row);
    row.node.remove();
    (rows[Math.max(index - 1, 0)]?.first ?? node.querySelector(".ed-more")).focus();
    changed(node);
  }

  const rowOf = (target) => rows.find((row) => row.node.contains(target));

  node.addEventListener("click", (event) => {
    if (event.target.closest("[data-remove-row]")) remove(rowOf(event.target));
    else if (event.target.closest(".ed-more")) add({}, rows.length - 1, true);
  });
  node.addEventListener("keydown", (event) => {
    const row = rowOf(event.target);
    if (!row || event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey) add({}, rows.indexOf(row), true);
    else if (event.key === "Backspace" && row.empty() && rows.length > 1) remove(row);
    else return;
    event.preventDefault();
  });

  for (const entry of entries.length ? entries : [{}]) add(entry);
  return {
    node,
    focus: () => rows[0]?.first.focus(),
    entries: () => rows.filter((row) => !row.empty()).map((row) => ({ name: row.name(), value: row.value() })),
    locate: (index) => rows[typeof index === "number" ? index : rows.findIndex((row) => row.name() === index)]?.node,
  };
}
