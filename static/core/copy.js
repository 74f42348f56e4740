// data-copy="text" copies it; an empty data-copy copies the element's own text.
import { toast } from "./toast.js";

document.addEventListener("click", async (event) => {
  const source = event.target.closest("[data-copy]");
  if (!source) return;
  event.preventDefault();
  const text = source.dataset.copy || source.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyBySelection(text);
  }
  toast(`${document.getElementById("toasts")?.dataset.copied ?? ""} ${text.length > 40 ? "" : text}`.trim());
});

// Where the clipboard API is refused (plain http on another host).
function copyBySelection(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
