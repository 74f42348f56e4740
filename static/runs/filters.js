// <form data-filters hx-get>: the URL keeps its other parameters, loses empty ones, and starts at the first page.
document.addEventListener("htmx:configRequest", (event) => {
  const form = event.target;
  if (!form.matches?.("form[data-filters]")) return;
  const parameters = event.detail.parameters;
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (name !== "page" && !(name in form.elements)) parameters[name] = value;
  }
  for (const name of Object.keys(parameters)) {
    if (parameters[name] === "") delete parameters[name];
  }
});

// An answer to what was in the field before would replace what has been typed since; the next question is on its way.
document.addEventListener("htmx:beforeSwap", (event) => {
  const form = event.detail.requestConfig?.elt;
  if (!form?.matches?.("form[data-filters]")) return;
  const asked = event.detail.requestConfig.parameters;
  const typed = [...form.elements].filter((field) => field.type === "search");
  if (typed.some((field) => field.value !== (asked[field.name] ?? ""))) event.detail.shouldSwap = false;
});
