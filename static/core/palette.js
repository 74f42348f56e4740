// Ctrl-K: jump to any page of the navigation, and to whatever the system's search finds.
const WAIT = 120; // ms after the last key
const dialog = document.getElementById("palette");
const list = dialog?.querySelector(".palette-list");
const input = dialog?.querySelector("input");
let options = [];
let chosen = 0;
let asked = null;

function pages() {
  return [...document.querySelectorAll("[data-nav], [data-palette-group], [data-palette]")].map((link) => ({
    group: link.dataset.paletteGroup ?? dialog.dataset.pages,
    label: link.dataset.palette || link.textContent.trim(),
    hint: link.dataset.key ?? "",
    url: link.href,
  }));
}

function matches(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return pages().filter((page) => words.every((word) => page.label.toLowerCase().includes(word)));
}

function option(entry, index) {
  const link = document.createElement("a");
  Object.assign(link, { className: "palette-option", href: entry.url, id: `palette-${index}`, role: "option", tabIndex: -1 });
  const label = document.createElement("span");
  label.textContent = entry.label;
  const key = document.createElement("b");
  key.textContent = entry.key ?? "";
  const hint = document.createElement("small");
  hint.textContent = entry.hint ?? "";
  link.append(...(entry.key ? [key] : []), label, hint);
  link.addEventListener("pointermove", () => choose(index));
  return link;
}

function show(entries) {
  options = [];
  list.replaceChildren();
  for (const group of new Set(entries.map((entry) => entry.group))) {
    const box = document.createElement("div");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", group);
    const head = Object.assign(document.createElement("div"), { className: "palette-group", textContent: group });
    head.setAttribute("aria-hidden", "true");
    box.append(head);
    for (const entry of entries.filter((other) => other.group === group)) {
      options.push(option(entry, options.length));
      box.append(options.at(-1));
    }
    list.append(box);
  }
  if (!options.length) {
    list.append(Object.assign(document.createElement("div"), { className: "palette-none", textContent: dialog.dataset.empty }));
  }
  choose(0);
}

function choose(index) {
  options[chosen]?.setAttribute("aria-selected", "false");
  chosen = options.length ? (index + options.length) % options.length : 0;
  const option = options[chosen];
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", option?.id ?? "");
}

async function found(query) {
  const url = document.body.dataset.search;
  if (!url || !query) return [];
  asked?.abort();
  asked = new AbortController();
  const answer = await fetch(`${url}?q=${encodeURIComponent(query)}`, { signal: asked.signal });
  if (!answer.ok) return [];
  const body = await answer.json();
  return Array.isArray(body) ? body : (body.results ?? []);
}

async function search(query) {
  try {
    const entries = await found(query);
    if (dialog.open && input.value.trim() === query) show([...entries, ...matches(query)]);
  } catch (error) {
    if (error.name !== "AbortError") show(matches(query));
  }
}

export function openPalette() {
  if (dialog.open) return;
  input.value = "";
  show(pages());
  dialog.showModal();
  input.focus();
}

const MOVES = { ArrowDown: 1, ArrowUp: -1 };

if (dialog) {
  let timer = 0;
  input.addEventListener("input", () => {
    const query = input.value.trim();
    clearTimeout(timer);
    show(matches(query));
    timer = setTimeout(() => search(query), WAIT);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key in MOVES) choose(chosen + MOVES[event.key]);
    else if (event.key === "Enter") options[chosen]?.click();
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.addEventListener("click", (event) => event.target.closest("[data-palette-open]") && openPalette());
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k" || event.shiftKey) return;
    event.preventDefault();
    openPalette();
  });
}
