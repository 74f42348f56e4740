// Executions chosen in the list of a run. The list is replaced as results come: what was chosen stays chosen as long as
// it is on the page and waits for the same step (a box's value is id:attempt:step).
const chosen = new Set();
const boxes = () => [...document.querySelectorAll("input[form=chosen][name=execution]")];

// What can be done with the rows: a verdict when all wait for a person, assigning while none has ended.
function able(box, need) {
  const { state } = box.closest("tr").querySelector("[data-state]").dataset;
  return need === "waiting" ? state === "waiting" : ["queued", "running", "waiting"].includes(state);
}

function refresh() {
  const bar = document.querySelector("[data-chosen]");
  if (!bar) return;
  const all = boxes();
  for (const box of all) box.checked = chosen.has(box.value);
  const marked = all.filter((box) => box.checked);
  chosen.clear();
  for (const box of marked) chosen.add(box.value);
  bar.hidden = marked.length === 0;
  bar.querySelector("[data-chosen-count]").textContent = String(marked.length);
  for (const part of bar.querySelectorAll("[data-needs]")) part.hidden = !marked.every((box) => able(box, part.dataset.needs));
  const head = document.querySelector("[data-choose-all]");
  if (!head) return;
  head.checked = marked.length > 0 && marked.length === all.length;
  head.indeterminate = marked.length > 0 && marked.length < all.length;
}

function mark(box, on) {
  if (on) chosen.add(box.value);
  else chosen.delete(box.value);
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-choose-all]")) for (const box of boxes()) mark(box, event.target.checked);
  else if (event.target.matches("input[form=chosen][name=execution]")) mark(event.target, event.target.checked);
  else return;
  refresh();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-chosen-none]")) return;
  chosen.clear();
  refresh();
});

document.addEventListener("htmx:afterSettle", refresh);

// What was done with them is done; a refusal keeps the choice and the note.
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("[data-chosen], [data-closes]");
  if (!form || event.detail.xhr.status >= 400 || !event.detail.xhr.status) return;
  for (const open of form.parentElement.querySelectorAll("[data-bs-toggle=dropdown][aria-expanded=true]")) open.click();
  form.reset();
  if (form.matches("[data-chosen]")) chosen.clear();
  refresh();
});

addEventListener("pageshow", () => {
  for (const box of boxes()) mark(box, box.checked);
  refresh();
});
