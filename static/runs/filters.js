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
