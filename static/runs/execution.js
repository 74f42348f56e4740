// The execution page: keeps the opened step in the URL, and passes on only the news about this execution.
document.addEventListener("toggle", (event) => {
  const step = event.target.closest?.("details[data-step]");
  if (step !== event.target) return;
  const url = new URL(location.href);
  if (step.open) url.searchParams.set("step", step.dataset.step);
  else if (url.searchParams.get("step") === step.dataset.step) url.searchParams.delete("step");
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}, true);

document.body.addEventListener("news:executions", ({ detail }) => {
  const watched = document.querySelector("[data-execution]");
  if (!watched) return;
  const id = Number(watched.dataset.execution);
  if (detail.many || detail.changes.some(([changed]) => changed === id)) {
    document.body.dispatchEvent(new CustomEvent("execution:changed"));
  }
});

// Steps that were opened before htmx listened: it does so when the document is there.
addEventListener("DOMContentLoaded", () => {
  for (const step of document.querySelectorAll("details[data-step][open][hx-get]")) window.htmx.trigger(step, "toggle");
});
