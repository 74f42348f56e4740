// The manual runner. P F B S give the verdict, N goes to the note, Esc leaves it, Ctrl+Enter sends what was chosen.
// Text, files and a verdict on its way are kept on this device until the server has them.
import * as drafts from "./drafts.js";
import { Refused, send } from "./sending.js";
import * as uploads from "./uploads.js";

const NEEDS_NOTE = new Set(["failed", "blocked"]);

const current = () => document.querySelector("form[data-runner]");

function say(form, text) {
  const box = form.querySelector("[data-said]");
  box.textContent = text;
  box.hidden = !text;
}

function begin() {
  const form = current();
  if (!form || form.dataset.begun) return;
  form.dataset.begun = "yes";
  document.querySelector(".runner-steps [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  const draft = drafts.save(form.dataset.runner, { begun: drafts.load(form.dataset.runner).begun ?? Date.now() });
  if (draft.note) {
    form.note.value = draft.note;
    form.querySelector("[data-saved]").hidden = false;
  }
  uploads.resume(form);
  if (draft.pending) deliver(form, draft.pending);
}

function choose(form, verdict) {
  form.dataset.chosen = verdict;
  for (const button of form.querySelectorAll("button[name=verdict]")) {
    button.setAttribute("aria-pressed", String(button.value === verdict));
  }
}

async function deliver(form, verdict) {
  const id = form.dataset.runner;
  const said = form.querySelector("[data-said]").dataset;
  choose(form, verdict);
  form.dataset.sending = "yes";
  say(form, said.textSending);
  const place = { action: form.action, attempt: form.attempt.value, step: form.step.value, title: form.dataset.title };
  const draft = drafts.load(id);
  const seconds = draft.pending ? draft.seconds : drafts.seconds(draft); // not those that it waits to be sent
  drafts.save(id, { ...place, note: form.note.value, pending: verdict, seconds });
  try {
    if (!navigator.onLine) say(form, said.textOffline);
    await uploads.idle();
    const body = () => new URLSearchParams({
      attempt: form.attempt.value, step: form.step.value, verdict, note: form.note.value, seconds: seconds ?? "",
    });
    await send(form.action, body, { waiting: () => say(form, said.textOffline), signedOut: said.textSignedOut });
    drafts.clear(id);
    form.dataset.sent = "yes";
    refresh();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    drafts.save(id, { pending: null });
    delete form.dataset.sending;
    say(form, error.message);
  }
}

let refreshing = false;
let again = false;

// Fetches where the execution stands now; news that comes meanwhile is looked at afterwards, unless there is a step to do
// by then: it is never replaced under somebody's hands.
async function refresh() {
  again = refreshing;
  if (refreshing) return;
  refreshing = true;
  do {
    again = false;
    await window.htmx.ajax("GET", location.pathname, { target: "#runner", swap: "outerHTML" }).catch(() => {});
  } while (again && !current());
  refreshing = false;
}

// A step that somebody is doing is never replaced under their hands.
function news() {
  if (refreshing || !current() || current().dataset.sent) refresh();
}

document.body.addEventListener("execution:changed", news);
document.body.addEventListener("live:poll", news);
addEventListener("online", news);

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form !== current()) return;
  event.preventDefault();
  if (form.dataset.sending) return;
  const verdict = event.submitter?.value ?? form.dataset.chosen;
  if (!verdict) return;
  if (NEEDS_NOTE.has(verdict) && !form.note.value.trim()) {
    choose(form, verdict);
    say(form, form.querySelector("[data-said]").dataset.textNote);
    form.note.focus();
  } else deliver(form, verdict);
});

document.addEventListener("input", (event) => {
  const form = current();
  if (event.target !== form?.note) return;
  drafts.save(form.dataset.runner, { note: form.note.value });
  form.querySelector("[data-saved]").hidden = false;
});

document.addEventListener("keydown", (event) => {
  const form = current();
  if (event.target !== form?.note) return;
  if (event.key === "Escape") form.note.blur();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form.dataset.chosen) {
    form.requestSubmit(form.querySelector(`button[value="${form.dataset.chosen}"]`));
  }
});

document.addEventListener("paste", (event) => {
  const form = current();
  if (form && event.clipboardData.files.length) {
    event.preventDefault();
    uploads.add(form, event.clipboardData.files);
  }
});

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-files]")) return;
  uploads.add(current(), event.target.files);
  event.target.value = "";
});

function tick() {
  const form = current();
  const seconds = form && drafts.seconds(drafts.load(form.dataset.runner));
  if (typeof seconds !== "number") return;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const clock = `${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  form.querySelector("[data-timer]").textContent = hours ? `${hours}:${clock}` : clock;
}

drafts.tidy();
begin();
document.addEventListener("htmx:afterSettle", begin);
setInterval(tick, 1000);
tick();
