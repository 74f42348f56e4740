// Files of a manual step: pasted or chosen, sent one after the other as soon as they are there.
import { Refused, send } from "./sending.js";

let line = Promise.resolve();
let open = 0;

/** Resolves when nothing is being sent any more. */
export function idle() {
  return line;
}

function entry(list, name) {
  const item = document.createElement("li");
  item.innerHTML = "<b></b> <span class='text-secondary'></span>";
  item.firstChild.textContent = name;
  list.append(item);
  return { item, say: (text) => (item.lastChild.textContent = text) };
}

async function upload(form, file, name) {
  const list = form.querySelector("[data-uploads]");
  const { item, say } = entry(list, name);
  if (file.size > Number(form.dataset.largest)) return void refuse(item, say, list.dataset.textLarge);
  say(list.dataset.textSending);
  open += 1;
  const body = () => {
    const data = new FormData();
    data.append("file", file, name);
    return data;
  };
  try {
    const response = await send(form.dataset.attach, body, { waiting: () => say(list.dataset.textWaiting) });
    window.htmx.swap("#runner-files", await response.text(), { swapStyle: "outerHTML" });
    item.remove();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refuse(item, say, error.message);
  } finally {
    open -= 1;
  }
}

function refuse(item, say, text) {
  item.classList.add("upload-refused");
  say(text);
  setTimeout(() => item.remove(), 12_000);
}

/** Queue *files* for the step of *form*. */
export function add(form, files) {
  for (const file of files) {
    const name = file.name && file.name !== "image.png" ? file.name : `screenshot-${stamp()}.${file.type.split("/")[1] ?? "png"}`;
    line = line.then(() => upload(form, file, name));
  }
}

function stamp() {
  return new Date().toTimeString().slice(0, 8).replaceAll(":", "");
}

addEventListener("beforeunload", (event) => {
  if (open) event.preventDefault();
});
