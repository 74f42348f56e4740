// The form of a step kind, made from its fields: what is needed stands open, alternatives are switched, and the rest is
// offered by name.
import { controlFor, menu, radios } from "./controls.js";
import { say } from "./data.js";
import { changed, clone } from "./dom.js";
import { objectList } from "./objects.js";

const ALWAYS = new Set(["choice", "markdown"]);
const MOST_RADIOS = 7; // more are a menu
const SHORT = new Set(["choice", "text", "number", "integer", "boolean", "name", "shared", "locator"]);

/** Makes the control of a field that holds steps; given by list.js, whose cards are made of fields: were it imported
 *  here, the modules would go in a circle, and such files cannot be named by what is in them. */
let insideSteps;

export function stepsBy(make) {
  insideSteps = make;
}

function makeField(field, value, removable) {
  if (field.type === "object") return objectField(field, value, removable);
  if (field.type === "objects") {
    return objectList(field, value, dressed(field, removable), (given) => fieldSet(field.fields, field.choices_between, given));
  }
  if (field.type === "steps") return stepsField(field, value, dressed(field, removable));
  const control = controlFor(field, value);
  const node = dressed(field, removable);
  node.querySelector(".ed-control").append(control.node);
  const label = node.querySelector("label");
  if (control.label || control.node.id) label.htmlFor = control.label || control.node.id;
  if (field.type === "boolean") node.classList.add("ed-boolean");
  return { field, node, ...part(control), locate: (parts) => (parts.length ? control.locate?.(parts[0]) : null) ?? node };
}

const part = (control) => ({ get: control.get, focus: control.focus, trouble: control.trouble ?? (() => "") });

function dressed(field, removable) {
  const node = clone("t-field");
  node.classList.add(SHORT.has(field.type) ? "ed-short-field" : "ed-wide-field", `ed-type-${field.type}`);
  node.querySelector("label").textContent = field.label;
  const hint = node.querySelector(".form-hint");
  hint.textContent = field.help;
  hint.hidden = !field.help;
  const remove = node.querySelector("[data-remove]");
  if (removable) remove.setAttribute("aria-label", say("remove", { name: field.label }));
  else remove.remove();
  return node;
}

function objectField(field, value, removable) {
  const inner = fieldSet(field.fields, field.choices_between, value ?? {});
  const node = dressed({ ...field, type: "object" }, removable);
  node.querySelector(".ed-control").append(inner.node);
  return { field, node, get: inner.get, focus: inner.focus, trouble: inner.trouble, troubles: inner.troubles, locate: (parts) => inner.locate(parts) ?? node };
}

/** Steps inside a step. */
function stepsField(field, value, node) {
  const inside = insideSteps(value);
  node.querySelector(".ed-control").append(inside.node);
  return { field, node, ...part(inside), troubles: inside.troubles, locate: inside.locate };
}

/** Alternatives of which one at most (exactly one when required) is given. */
function switched(fields, required, given) {
  const node = document.createElement("div");
  node.className = "ed-switch";
  const shown = new Map();
  let now = fields.find((field) => field.name in given)?.name ?? (required ? fields[0].name : "");
  const slot = document.createElement("div");
  const options = [...(required ? [] : [["", say("none")]]), ...fields.map((field) => [field.name, field.label])];
  const show = () => {
    const field = fields.find((one) => one.name === now);
    if (field && !shown.has(now)) shown.set(now, makeField(field, given[now], false));
    slot.replaceChildren(...(field ? [shown.get(now).node] : []));
    slot.firstElementChild?.classList.add("ed-unlabelled");
  };
  const pick = (name) => {
    now = name;
    show();
  };
  const isLong = options.length > MOST_RADIOS;
  node.classList.toggle("ed-switch-long", isLong);
  node.append((isLong ? menu : radios)(options, now, pick), slot);
  show();
  return { names: fields.map((field) => field.name), node, shown: () => (now ? [shown.get(now)] : []) };
}

/** The form of *fields* with *choices* between some of them, filled with *given*. */
export function fieldSet(fields, choices, given) {
  const node = document.createElement("div");
  node.className = "ed-fields";
  const chips = document.createElement("div");
  chips.className = "ed-chips";
  const open = new Map();
  const switches = choices.map((choice) => switched(fields.filter((field) => choice.names.includes(field.name)), choice.required, given));
  const inSwitch = new Set(switches.flatMap((one) => one.names));
  const loose = fields.filter((field) => !inSwitch.has(field.name));
  const stays = (field) => field.required || (ALWAYS.has(field.type) && !field.rare);

  // What always stands comes first, then the alternatives, then what was asked for, each in the order of the kind.
  function place(field) {
    if (field.type === "steps") return void node.append(open.get(field.name).node); // what a group does comes after how
    const peers = loose.filter((other) => stays(other) === stays(field));
    const next = peers.slice(peers.indexOf(field) + 1).find((other) => open.has(other.name));
    const end = stays(field) ? (switches[0]?.node ?? firstAsked() ?? chips) : chips;
    node.insertBefore(open.get(field.name).node, next ? open.get(next.name).node : end);
  }
  const firstAsked = () => loose.filter((field) => !stays(field)).map((field) => open.get(field.name)?.node).find(Boolean);

  function show(field, value, focus = false) {
    const made = makeField(field, value, !stays(field));
    open.set(field.name, made);
    place(field);
    made.node.querySelector("[data-remove]")?.addEventListener("click", () => hide(field));
    if (focus) made.focus();
  }

  function hide(field) {
    open.get(field.name).node.remove();
    open.delete(field.name);
    drawChips();
    chips.querySelector(`[data-field="${field.name}"]`)?.focus();
    changed(node);
  }

  function drawChips() {
    const missing = loose.filter((field) => !open.has(field.name));
    chips.replaceChildren(...missing.map((field) => {
      const chip = clone("t-chip");
      chip.dataset.field = field.name;
      chip.querySelector("span").textContent = field.label;
      chip.setAttribute("aria-label", say("add", { name: field.label }));
      chip.addEventListener("click", () => {
        show(field, undefined, true);
        drawChips();
        changed(node);
      });
      return chip;
    }));
    chips.hidden = missing.length === 0;
  }

  node.append(...switches.map((one) => one.node), chips);
  for (const field of loose) if (stays(field) || field.name in given) show(field, given[field.name]);
  drawChips();

  const all = () => [...open.values(), ...switches.flatMap((one) => one.shown())];
  const named = (name) => all().find((one) => one.field.name === name);
  return {
    node,
    focus: () => all()[0]?.focus(),
    get: () => Object.fromEntries(fields.map((field) => [field.name, named(field.name)?.get()]).filter(([, value]) => value !== undefined)),
    troubles: () => all().flatMap((one) => one.troubles?.() ?? (one.trouble() ? [{ node: one.node, text: one.trouble() }] : [])),
    trouble: () => "",
    locate: ([name, ...rest]) => named(name)?.locate(rest) ?? node.querySelector(".ed-switch") ?? null,
  };
}
