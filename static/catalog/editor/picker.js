// The choice of a step's kind: a dialog; arrows and first letters go to a kind, the numbers to 9 choose, Escape leaves.
import { format } from "./data.js";
import { clone, kindIcon } from "./dom.js";

const dialog = document.getElementById("kind-picker");
const list = dialog?.querySelector("[data-kind-list]");

function option(kind, number) {
  const line = clone("t-kind");
  line.querySelector(".step-kind").append(kindIcon(kind.name));
  line.querySelector("b").textContent = kind.label;
  line.querySelector("small").textContent = kind.summary;
  const key = line.querySelector("kbd");
  key.textContent = String(number);
  key.hidden = number > 9; // of 12, the 1 has chosen already
  line.querySelector("button").value = kind.name;
  return line;
}

/** The next one of *buttons*, behind the place *at*, whose kind begins with *letter*. */
function beginning(buttons, at, letter) {
  const onwards = [...buttons.slice(at + 1), ...buttons.slice(0, at + 1)];
  return onwards.find((button) => button.querySelector("b").textContent.toLowerCase().startsWith(letter.toLowerCase()));
}

function walk(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const buttons = [...list.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) buttons[(at + by + buttons.length) % buttons.length].focus();
  else if (/^[1-9]$/.test(event.key)) buttons[Number(event.key) - 1]?.click();
  else if (/^\p{L}$/u.test(event.key)) beginning(buttons, at, event.key)?.focus();
  else return;
  event.preventDefault();
}

/** Ask for a kind; null when the person leaves. Kinds done *byPerson* are offered only where they can stand. */
export function pickKind({ byPerson }) {
  const offered = format.kinds.filter((kind) => byPerson || !kind.by_person);
  list.replaceChildren(...offered.map((kind, index) => option(kind, index + 1)));
  dialog.returnValue = "";
  dialog.showModal();
  list.querySelector("button").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(format.kinds.find((kind) => kind.name === dialog.returnValue) ?? null), { once: true });
  });
}

if (dialog) {
  dialog.addEventListener("keydown", walk);
  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) dialog.close(button.value);
    else if (event.target === dialog) dialog.close("");
  });
}
