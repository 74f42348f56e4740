// One control for each type of field: {node, get, focus, trouble?, locate?}. get() gives undefined for "nothing".
import { clone, freshId, grow, offer } from "./dom.js";
import { choices, say } from "./data.js";
import { rowList } from "./rows.js";
import { readJson, readNumber, showJson } from "./values.js";

function input(tag, field, shown, rows) {
  const node = document.createElement(tag);
  node.className = "form-control";
  node.id = freshId("field");
  node.autocomplete = "off";
  node.placeholder = field.placeholder ?? "";
  node.value = shown;
  if (tag === "textarea") {
    Object.assign(node.dataset, { grow: "", rows });
    node.rows = rows;
    grow(node);
  }
  return node;
}

/** A control over text; while the text is as it was, the value is, too. */
function typed(node, value, read) {
  const shown = node.value;
  return { node, focus: () => node.focus(), get: () => (node.value === shown ? value : read(node.value)) };
}

const asText = (text) => (text === "" ? undefined : text);
const shownText = (value) => (value === undefined ? "" : String(value));

function text(field, value) {
  const node = input("input", field, shownText(value));
  const required = (now) => (field.required ? now : asText(now));
  return typed(node, value ?? (field.required ? "" : undefined), required);
}

function area(field, value, { code = false, rows = 3 } = {}) {
  const node = input("textarea", field, shownText(value), rows);
  if (code) {
    node.classList.add("code-input");
    node.spellcheck = false;
  }
  return typed(node, value ?? (field.required ? "" : undefined), (now) => (field.required ? now : asText(now)));
}

function number(field, value) {
  const node = input("input", field, shownText(value));
  node.inputMode = "decimal";
  if (field.default != null) node.placeholder = String(field.default);
  return typed(node, value, readNumber);
}

function choice(field, value) {
  const node = document.createElement("select");
  node.className = "form-select";
  node.id = freshId("field");
  offer(node, field.choices.map((one) => [one, one]), value ?? field.default ?? field.choices[0]);
  const shown = node.value;
  return typed(node, value, (now) => (now === shown && value === undefined ? undefined : now));
}

function boolean(field, value) {
  if (typeof value === "string") return text(field, value); // a template stands for it
  const node = document.createElement("input");
  node.type = "checkbox";
  node.className = "form-check-input";
  node.id = freshId("field");
  node.checked = value ?? !field.default;
  return { node, focus: () => node.focus(), get: () => node.checked };
}

function json(field, value) {
  const node = input("textarea", field, showJson(value), 3);
  node.classList.add("code-input");
  node.spellcheck = false;
  const control = typed(node, value, (now) => (control.trouble() ? undefined : readJson(now)));
  control.trouble = () => {
    try {
      readJson(node.value);
      return "";
    } catch (error) {
      return say("not_json", { reason: error.message });
    }
  };
  return control;
}

function list(field, value) {
  if (typeof value === "string") return text(field, value);
  const rows = rowList("item", (value ?? []).map((one) => ({ value: one })));
  return { node: rows.node, focus: rows.focus, get: () => nonEmpty(rows.entries().map((entry) => entry.value)), locate: rows.locate };
}

const nonEmpty = (values) => (values.length ? values : undefined);

function pairsOf(value, repeat) {
  return Object.entries(value ?? {}).flatMap(([name, one]) =>
    repeat && Array.isArray(one) && one.length > 1 ? one.map((item) => ({ name, value: item })) : [{ name, value: one }]);
}

function asMapping(entries, repeat) {
  const mapping = new Map();
  for (const { name, value } of entries) {
    mapping.set(name, repeat && mapping.has(name) ? [mapping.get(name), value].flat() : value);
  }
  return mapping.size ? Object.fromEntries(mapping) : undefined;
}

function pairs(field, value, repeat = true) {
  if (typeof value === "string") return text(field, value);
  const rows = rowList("pair", pairsOf(value, repeat));
  return { node: rows.node, focus: rows.focus, get: () => asMapping(rows.entries(), repeat), locate: rows.locate };
}

/** A list or a mapping; the person says which. */
function values(field, value) {
  if (typeof value === "string") return text(field, value);
  const node = document.createElement("div");
  const both = { named: pairs(field, Array.isArray(value) ? {} : value, false), in_order: list(field, Array.isArray(value) ? value : []) };
  let now = Array.isArray(value) ? "in_order" : "named";
  const switches = radios(["named", "in_order"].map((name) => [name, say(name)]), now, (name) => {
    now = name;
    node.replaceChildren(switches, both[now].node);
  });
  node.append(switches, both[now].node);
  return { node, focus: () => both[now].focus(), get: () => both[now].get(), locate: (name) => both[now].locate(name) };
}

/** A row of choices, one of them chosen; *pick* is told the name. */
export function radios(options, chosen, pick) {
  const group = clone("t-choice");
  const name = freshId("choice");
  for (const [value, label] of options) {
    const line = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name, value, checked: value === chosen });
    const words = document.createElement("span");
    words.textContent = label;
    line.append(radio, words);
    group.append(line);
  }
  group.addEventListener("change", (event) => pick(event.target.value));
  return group;
}

/** The same as a menu, where they are many. */
export function menu(options, chosen, pick) {
  const select = document.createElement("select");
  select.className = "form-select";
  select.setAttribute("aria-label", say("what"));
  offer(select, options, chosen);
  select.addEventListener("change", () => pick(select.value));
  return select;
}

/** A list of any values, or one template that holds it. */
function items(field, value) {
  const control = json({ ...field, placeholder: field.placeholder || '{{ skus }}  ·  ["A1", "B2"]' }, value);
  control.node.rows = 1;
  control.node.dataset.rows = "1";
  grow(control.node);
  return control;
}

/** A shared step of the system, by its name, with a word on its parameters. */
function shared(field, value) {
  const node = document.createElement("div");
  const select = document.createElement("select");
  const hint = document.createElement("p");
  select.className = "form-select";
  select.id = freshId("field");
  hint.className = "form-hint";
  const known = choices.shared.map((one) => [one.slug, one.title]);
  offer(select, [["", say("none")], ...known], value ?? "", (slug) => say("unknown", { name: slug }));
  const draw = () => {
    const chosen = choices.shared.find((one) => one.slug === select.value);
    hint.textContent = (chosen?.parameters ?? []).map((one) => one.name + (one.required ? ` (${say("needed")})` : "")).join(", ");
    hint.hidden = !hint.textContent;
  };
  select.addEventListener("change", draw);
  draw();
  node.append(select, hint);
  return { node, label: select.id, focus: () => select.focus(), get: () => select.value };
}

const BY = ["role", "label", "text", "placeholder", "test_id", "css", "written"];
const LOOKS = { role: 'button "Buy"', label: "E-mail", text: "Thank you", placeholder: "you@example.test", test_id: "total", css: ".total", written: ".cart >> role=link Remove" };
const ONE_PART = new RegExp(`^(${BY.slice(0, 5).join("|")})\\s*=\\s*([^]*)$`);

/** How a locator looks for something, and for what; one of several parts stays as it is written. */
function readLocator(value) {
  if (value === undefined) return ["role", ""];
  const text = String(value);
  if (text.includes(">>") || /^(css|frame|nth|alt|title)\s*=/.test(text)) return ["written", text];
  const [, by, what] = ONE_PART.exec(text) ?? ["", "css", text];
  return [by, what];
}

/** Where something is on a page. */
function locator(field, value) {
  const node = document.createElement("div");
  node.className = "ed-locator";
  const [by, what] = readLocator(value);
  const select = document.createElement("select");
  select.className = "form-select";
  select.setAttribute("aria-label", say("by"));
  offer(select, BY.map((one) => [one, say(`by_${one}`)]), by);
  const words = input("input", field, what);
  const hint = () => { words.placeholder = LOOKS[select.value]; };
  select.addEventListener("change", hint);
  hint();
  node.append(select, words);
  const read = () => {
    if (select.value === by && words.value === what) return value ?? (field.required ? "" : undefined);
    if (words.value === "") return field.required ? "" : undefined;
    return ["css", "written"].includes(select.value) ? words.value : `${select.value}=${words.value}`;
  };
  return { node, label: words.id, focus: () => words.focus(), get: read };
}

/** Variables and their values, each of any type. */
const variables = (field, value) => pairs(field, value, false);

const TYPES = {
  text, items, variables, shared, locator,
  name: (field, value) => text({ ...field, placeholder: field.default ?? "" }, value),
  choice, number, integer: number, boolean, json, list, pairs, values,
  multiline: (field, value) => area(field, value),
  code: (field, value) => area(field, value, { code: true, rows: 4 }),
  markdown: (field, value) => area(field, value),
};

/** The control of *field* (not of type "object", which fields.js makes), filled with *value*. */
export const controlFor = (field, value) => (TYPES[field.type] ?? json)(field, value);
