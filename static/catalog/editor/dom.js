// Small hands for the DOM. Elements come from <template>s of the page; text is set as text, never as HTML.

/** The first element of the template *id*, cloned. */
export const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

/** The icon of a step kind. */
export function kindIcon(name) {
  const template = document.getElementById(`icon-${name}`);
  return template ? template.content.cloneNode(true) : document.createTextNode("?");
}

export const find = (root, name) => root.querySelector(`[data-${name}]`);

/** Fill *select* with *options* ([value, text] pairs) and choose *value*, offering it when it is not among them. */
export function offer(select, options, value = "", unknown = (name) => name) {
  const known = options.some(([one]) => one === value);
  const all = known || value === "" || value == null ? options : [...options, [value, unknown(value)]];
  select.replaceChildren(...all.map(([one, text]) => new Option(text, one)));
  select.value = value ?? "";
  return select;
}

/** Tell the form that something changed where no event of the browser does. */
export const changed = (element) => element.dispatchEvent(new Event("input", { bubbles: true }));

const LINES = 24;

/** As many lines as the text has, where the browser does not do that by itself. */
export function grow(area) {
  if (CSS.supports("field-sizing", "content")) return;
  area.rows = Math.min(Math.max(area.value.split("\n").length, Number(area.dataset.rows ?? 1)), LINES);
}

let count = 0;

/** An id that nothing else on the page has. */
export const freshId = (word) => `${word}-${(count += 1)}`;

/** Say *text* to screen readers. */
export function announce(text) {
  document.querySelector("[data-announce]").textContent = text;
}
