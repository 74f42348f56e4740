// The list of cases: a row opens beside the table where there is room, rows are chosen for bulk changes,
// and j k x o do the same by keys. Everything is asked of the server; the case shown stands in the URL.
const WIDE = matchMedia("(min-width: 1280px)");
const ROW = "tr[data-case]";

const root = () => document.querySelector("[data-cases]");
const rows = () => [...document.querySelectorAll(ROW)];
const current = () => document.querySelector(`${ROW}.is-current`);

function mark(row) {
  for (const other of rows()) other.classList.toggle("is-current", other === row);
  row?.scrollIntoView({ block: "nearest" });
}

function remember(number) {
  const url = new URL(location.href);
  if (number) url.searchParams.set("case", number);
  else url.searchParams.delete("case");
  history.replaceState(history.state, "", url);
}

async function showPanel(row) {
  mark(row);
  const panel = document.getElementById("case-panel");
  if (!panel || !WIDE.matches) return;
  remember(row.dataset.case);
  await globalThis.htmx.ajax("GET", row.dataset.panel, { target: panel, swap: "innerHTML", push: "false" });
  panel.hidden = false;
  root().classList.add("has-panel");
}

function closePanel() {
  const panel = document.getElementById("case-panel");
  if (!panel || panel.hidden) return false;
  panel.hidden = true;
  panel.replaceChildren();
  root().classList.remove("has-panel");
  remember("");
  return true;
}

function selected() {
  return [...document.querySelectorAll("input[form=bulk][name=case]")];
}

function refreshBulk() {
  const bar = document.querySelector("[data-bulk]");
  if (!bar) return;
  const boxes = selected();
  const chosen = boxes.filter((box) => box.checked).length;
  bar.hidden = chosen === 0;
  bar.querySelector("[data-bulk-count]").textContent = String(chosen);
  const all = document.querySelector("[data-select-all]");
  if (!all) return;
  all.checked = chosen > 0 && chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
}

function chooseAll(checked) {
  for (const box of selected()) box.checked = checked;
  refreshBulk();
}

function step(by) {
  const all = rows();
  const next = all[Math.min(Math.max(all.indexOf(current()) + by, 0), all.length - 1)];
  if (!next) return;
  const open = !document.getElementById("case-panel")?.hidden;
  if (open) showPanel(next);
  else mark(next);
}

const KEYS = {
  next: () => step(1),
  previous: () => step(-1),
  choose: () => {
    const box = current()?.querySelector("input[name=case]");
    if (box) box.checked = !box.checked;
    refreshBulk();
  },
  open: () => {
    const row = current();
    const shown = document.querySelector("[data-panel-of]")?.dataset.panelOf === row?.dataset.case;
    if (row && (shown || !WIDE.matches)) row.querySelector("[data-open]").click();
    else if (row) showPanel(row);
  },
};

function plain(event) {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

document.addEventListener("click", (event) => {
  const key = event.target.closest("[data-do]")?.dataset.do;
  if (key) return void KEYS[key]();
  if (event.target.closest("[data-panel-close]")) return void closePanel();
  if (event.target.closest("[data-bulk-none]")) return void chooseAll(false);
  const row = event.target.closest(ROW);
  if (!row || !WIDE.matches || !plain(event) || !event.isTrusted) return;
  const link = event.target.closest("[data-open]");
  if (event.target.closest("button, input, label, a, form") && !link) return;
  if (link && row.classList.contains("is-current") && !document.getElementById("case-panel").hidden) return;
  event.preventDefault();
  showPanel(row);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], .dropdown-menu.show")) return;
  if (!event.target.closest("input, textarea, select")) closePanel();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-all]")) chooseAll(event.target.checked);
  else if (event.target.matches("input[form=bulk]")) refreshBulk();
});

// On narrow screens the tree begins folded; the choice there is the person's.
function foldTree() {
  const box = document.querySelector("[data-suites]");
  if (box && !matchMedia("(min-width: 992px)").matches) box.open = false;
}

function start() {
  const number = new URLSearchParams(location.search).get("case");
  if (number) mark(document.querySelector(`${ROW}[data-case="${CSS.escape(number)}"]`));
  refreshBulk();
  foldTree();
}

start();
document.addEventListener("htmx:afterSettle", (event) => event.detail.elt?.id === "cases" && start());
addEventListener("pageshow", refreshBulk);
