// A request of htmx that failed is never silent: the server's refusal is shown above the page, anything else is noted.
import { toast } from "./toast.js";

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.isError || detail.xhr.getResponseHeader("HX-Retarget") !== "#messages") return;
  detail.shouldSwap = true;
  detail.isError = false;
  document.getElementById("messages")?.scrollIntoView({ block: "nearest" });
});

// Live regions are fetched again with the next event; saying so each time would only disturb.
const isLive = (detail) => detail.requestConfig?.triggeringEvent?.type?.startsWith("live:");

for (const [name, word] of [["htmx:responseError", "broken"], ["htmx:sendError", "unreachable"], ["htmx:timeout", "unreachable"]]) {
  document.addEventListener(name, ({ detail }) => {
    if (!isLive(detail)) toast(document.getElementById("toasts").dataset[word]);
  });
}
