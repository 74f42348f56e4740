// The checks of a step: what is looked at, where in it, how it is compared, with what.
import { format, say } from "./data.js";
import { changed, clone, find, grow, offer } from "./dom.js";
import { readJson, readNumber, readScalar, showJson, showScalar } from "./values.js";

const MARKS = new Set(["check", "at", "not"]);
const TYPES = ["string", "integer", "number", "boolean", "array", "object", "null"];
const FIRST = { number: "equals", text: "contains", structured: "equals" };

function field(tag, shown, label) {
  const node = document.createElement(tag);
  node.className = "form-control";
  node.value = shown;
  node.setAttribute("aria-label", label);
  if (tag === "textarea") {
    node.rows = 1;
    node.dataset.grow = "";
    grow(node);
  }
  return node;
}

function typed(node, value, read) {
  const shown = node.value;
  return { nodes: [node], get: () => (node.value === shown && value !== undefined ? value : read(node.value)) };
}

function chosen(options, value) {
  const select = document.createElement("select");
  select.className = "form-select";
  select.setAttribute("aria-label", say("value"));
  offer(select, options, value === undefined ? options[0][0] : String(value));
  return select;
}

function json(value) {
  const node = field("textarea", showJson(value), say("value"));
  node.classList.add("code-input");
  const read = () => {
    try {
      return readJson(node.value) ?? {};
    } catch {
      return node.value;
    }
  };
  const trouble = () => (typeof read() === "string" && !read().includes("{{") ? say("not_json", { reason: node.value.slice(0, 40) }) : "");
  return { ...typed(node, value, read), trouble };
}

function approx(value) {
  const about = field("input", value === undefined ? "" : showScalar(value.value), say("value"));
  const within = field("input", value === undefined ? "" : showScalar(value.within), say("within"));
  const sign = document.createElement("span");
  sign.className = "ed-word";
  sign.textContent = "±";
  return { nodes: [about, sign, within], get: () => ({ value: readNumber(about.value) ?? "", within: readNumber(within.value) ?? "" }) };
}

/** The control for the value of an operator: {nodes, get, trouble?}. */
function operand(operator, value) {
  const kind = format.operators[operator]?.value ?? "any";
  if (kind === "boolean") {
    const select = chosen([["true", say("true")], ["false", say("false")]], value);
    return { nodes: [select], get: () => (select.value === "true" || select.value === "false" ? select.value === "true" : select.value) };
  }
  if (kind === "type") {
    const select = chosen(TYPES.map((name) => [name, name]), value);
    return { nodes: [select], get: () => select.value };
  }
  if (kind === "schema") return json(value);
  if (kind === "approx") return approx(typeof value === "object" ? value : undefined);
  const node = field("textarea", showScalar(value), say("value"));
  if (kind === "regex") return typed(node, value, (text) => text);
  if (kind === "integer" || kind === "number") return typed(node, value, (text) => readNumber(text) ?? "");
  if (kind === "list") node.placeholder = '["placed", "paid"]';
  return typed(node, value, readScalar);
}

function makeCheck(kind, check) {
  const node = clone("t-check");
  const [subject, at, not, operator, slot] = ["subject", "at", "not", "operator", "operand"].map((name) => find(node, name));
  const given = Object.keys(check).find((key) => !MARKS.has(key));
  let value = operand(given ?? "equals", check[given]);

  const about = () => kind.subjects.find((one) => one.name === subject.value);

  function drawAt() {
    at.hidden = !about()?.at && !at.value;
    at.placeholder = about()?.at ? say(`at_${about().at}`) : "";
  }

  function drawOperators(wanted) {
    const names = about()?.operators ?? Object.keys(format.operators);
    const now = wanted && (names.includes(wanted) || wanted === given) ? wanted : names.includes("equals") ? FIRST[about().value] ?? names[0] : names[0];
    offer(operator, names.map((name) => [name, format.operators[name].label]), names.includes(now) || now === given ? now : names[0]);
    operator.title = format.operators[operator.value]?.help ?? "";
  }

  function drawValue(kept) {
    value = operand(operator.value, kept);
    slot.replaceChildren(...value.nodes);
    slot.dataset.kind = format.operators[operator.value]?.value ?? "any";
  }

  offer(subject, kind.subjects.map((one) => [one.name, one.label]), check.check ?? kind.main);
  at.value = check.at ?? "";
  not.checked = Boolean(check.not);
  drawAt();
  drawOperators(given);
  drawValue(given === undefined ? undefined : check[given]);

  subject.addEventListener("change", () => {
    drawAt();
    drawOperators(operator.value);
    drawValue(undefined);
  });
  operator.addEventListener("change", () => {
    drawOperators(operator.value);
    drawValue(undefined);
  });

  return {
    node,
    focus: () => subject.focus(),
    get: () => ({
      check: subject.value,
      ...(at.value.trim() && !at.hidden ? { at: at.value } : {}),
      [operator.value]: value.get(),
      ...(not.checked ? { not: true } : {}),
    }),
    trouble: () => value.trouble?.() ?? "",
  };
}

const GROUPS = ["any", "all"];
const groupOf = (check) => GROUPS.find((name) => name in check);

/** Checks of which any, or all, hold. */
function makeGroup(kind, check) {
  const node = clone("t-check-group");
  const [which, not, slot] = ["group", "not", "group-checks"].map((name) => find(node, name));
  which.value = groupOf(check);
  not.checked = Boolean(check.not);
  const inner = checkList(slot, kind, check[which.value]);
  find(node, "add-inner").addEventListener("click", () => inner.add({}, true));
  return {
    node,
    focus: () => which.focus(),
    get: () => ({ [which.value]: inner.get(), ...(not.checked ? { not: true } : {}) }),
    troubles: inner.troubles,
    locate: ([part, index, ...rest]) => (GROUPS.includes(part) ? inner.locate(index, rest) : null) ?? node,
  };
}

/** The list of checks of a step of *kind* in the element *list*, filled with *checks*. */
export function checkList(list, kind, checks) {
  let rows = [];

  function add(check = {}, focus = false) {
    const row = groupOf(check) ? makeGroup(kind, check) : makeCheck(kind, check);
    rows.push(row);
    list.append(row.node);
    if (focus) row.focus();
  }

  list.addEventListener("click", (event) => {
    if (!event.target.closest("[data-remove-row]") || event.target.closest(".ed-rows") !== list) return;
    const row = rows.find((one) => one.node.contains(event.target));
    rows = rows.filter((one) => one !== row);
    row.node.remove();
    changed(list);
  });

  for (const check of checks) add(check);
  return {
    add,
    get: () => rows.map((row) => row.get()),
    troubles: () => rows.flatMap((row) => row.troubles?.() ?? (row.trouble() ? [{ node: row.node, text: row.trouble() }] : [])),
    locate: (index, rest = []) => rows[index]?.locate?.(rest) ?? rows[index]?.node,
  };
}
