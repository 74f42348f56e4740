// The page of a run while it is under way: numbers, bar and states of the rows that are shown follow the news at once;
// what else is in the regions is fetched with them now and then (data-live-every).
const BAR = ["passed", "failed", "blocked", "skipped", "cancelled", "waiting", "queued"];
let latest = null;
const since = new Map(); // states heard since the list of executions was last asked for

function counts(detail) {
  const queued = Math.max(detail.total - detail.done - detail.waiting, 0);
  return { ...detail, queued };
}

function showProgress(detail) {
  const panel = document.getElementById("progress");
  if (!panel) return;
  const found = counts(detail);
  const parts = new Map([...panel.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
  panel.querySelector("[data-done]").textContent = detail.done;
  let x = 0;
  for (const state of BAR) {
    const width = (Number(panel.dataset.bar) * found[state]) / Math.max(detail.total, 1);
    const part = parts.get(state);
    part?.setAttribute("x", x);
    part?.setAttribute("width", width);
    x += width;
  }
  for (const place of document.querySelectorAll("[data-count]")) place.textContent = found[place.dataset.count] ?? "";
  // A state that was not there before has no place yet: the region is fetched now rather than later.
  const places = new Set([...panel.querySelectorAll("[data-count]")].map((place) => place.dataset.count));
  if (BAR.some((state) => found[state] && !places.has(state))) ask("live:progress", detail);
}

function showStates(changes) {
  const marks = document.getElementById("state-marks")?.content;
  for (const [id, state] of changes) {
    const cell = document.querySelector(`[data-row="${id}"] [data-state-cell]`);
    const mark = marks?.querySelector(`[data-state="${state}"]`);
    if (cell && mark && cell.firstElementChild?.dataset.state !== state) cell.replaceChildren(mark.cloneNode(true));
  }
}

let asked = 0;
function ask(name, detail) {
  if (performance.now() - asked < 250) return;
  asked = performance.now();
  document.body.dispatchEvent(new CustomEvent(name, { detail }));
}

document.body.addEventListener("news:progress", ({ detail }) => {
  latest = detail;
  showProgress(detail);
});
document.body.addEventListener("news:executions", ({ detail }) => {
  if (detail.many) ask("live:executions", detail);
  else {
    for (const [id, state] of detail.changes) since.set(id, state);
    showStates(detail.changes);
  }
});

// A region that was rendered before the last news must not take them back.
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.target?.id === "executions") since.clear();
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const done = Number(document.querySelector("#progress [data-done]")?.textContent);
  if (latest && detail.target?.id === "progress" && latest.done > done) showProgress(latest);
  if (detail.target?.id === "executions") showStates(since);
});
