// data-key="n" or data-key="g r" on a link, button or field: pressing the keys clicks or focuses it. `?` lists them.
const PATIENCE = 900; // ms between the keys of a sequence
let pressed = [];
let last = 0;

function typing(target) {
  return target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], [data-keys-off]");
}

function offered() {
  const dialog = [...document.querySelectorAll("dialog[open]")].pop();
  const all = [...(dialog ?? document).querySelectorAll("[data-key]")];
  return all.filter((element) => dialog || element.matches("[data-nav]") || element.checkVisibility());
}

function act(element) {
  if (element.matches("input:not([type=checkbox], [type=radio]), textarea, select")) {
    element.focus();
    element.select?.();
  } else element.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
  if (event.key === "?") return void (event.preventDefault(), showKeys());
  pressed = event.timeStamp - last > PATIENCE ? [event.key] : [...pressed, event.key].slice(-3);
  last = event.timeStamp;
  const elements = offered();
  for (let start = 0; start < pressed.length; start += 1) {
    const sequence = pressed.slice(start).join(" ").toLowerCase();
    const match = elements.find((element) => element.dataset.key.toLowerCase() === sequence);
    if (!match) continue;
    event.preventDefault();
    pressed = [];
    act(match);
    return;
  }
});

function row(keys, text) {
  const term = document.createElement("dt");
  for (const key of keys.split(" ")) {
    const cap = document.createElement("kbd");
    cap.textContent = key;
    term.append(cap, " ");
  }
  const meaning = document.createElement("dd");
  meaning.textContent = text;
  return [term, meaning];
}

export function showKeys() {
  const dialog = document.getElementById("keys");
  if (!dialog || dialog.open) return;
  const list = dialog.querySelector("dl");
  const seen = new Map(offered().map((element) => [element.dataset.key, element]));
  const rows = [...seen].map(([key, element]) => row(key, element.dataset.keyText ?? label(element)));
  list.replaceChildren(...row("Ctrl+K", list.dataset.general), ...row("?", list.dataset.help), ...rows.flat());
  dialog.showModal();
}

// What a button says, without the key that it shows itself.
function label(element) {
  const said = element.cloneNode(true);
  for (const cap of said.querySelectorAll("kbd")) cap.remove();
  return element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent.trim() ?? said.textContent.trim();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys-open]")) showKeys();
});
