// Values that a step keeps for the steps after it.
import { say } from "./data.js";
import { changed, clone, find, offer } from "./dom.js";

function makeCapture(kind, name, source) {
  const node = clone("t-capture");
  const [title, subject, at, secret] = ["capture-name", "subject", "at", "secret"].map((one) => find(node, one));
  title.value = name;
  offer(subject, kind.subjects.map((one) => [one.name, one.label]), source.from ?? kind.main);
  at.value = source.at ?? "";
  secret.checked = Boolean(source.secret);

  const drawAt = () => {
    const about = kind.subjects.find((one) => one.name === subject.value);
    at.hidden = !about?.at && !at.value;
    at.placeholder = about?.at ? say(`at_${about.at}`) : "";
  };
  drawAt();
  subject.addEventListener("change", drawAt);

  return {
    node,
    name: () => title.value.trim(),
    focus: () => title.focus(),
    get: () => ({ from: subject.value, ...(at.value.trim() && !at.hidden ? { at: at.value } : {}), ...(secret.checked ? { secret: true } : {}) }),
  };
}

/** The captures of a step of *kind* in the element *list*, filled with *captures* (name → source). */
export function captureList(list, kind, captures) {
  let rows = [];

  function add(name = "", source = {}, focus = false) {
    const row = makeCapture(kind, name, source);
    rows.push(row);
    list.append(row.node);
    if (focus) row.focus();
  }

  list.addEventListener("click", (event) => {
    if (!event.target.closest("[data-remove-row]")) return;
    const row = rows.find((one) => one.node.contains(event.target));
    rows = rows.filter((one) => one !== row);
    row.node.remove();
    changed(list);
  });

  function trouble(row) {
    if (!row.name()) return say("capture_name");
    return rows.some((other) => other !== row && other.name() === row.name()) ? say("capture_twice", { name: row.name() }) : "";
  }

  for (const [name, source] of Object.entries(captures)) add(name, source);
  return {
    add,
    get: () => Object.fromEntries(rows.map((row) => [row.name(), row.get()])),
    troubles: () => rows.filter(trouble).map((row) => ({ node: row.node, text: trouble(row) })),
    locate: (name) => rows.find((row) => row.name() === name)?.node,
  };
}
