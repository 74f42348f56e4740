// Files of a manual step: pasted or chosen, kept on this device and sent one after the other, each until it is there.
import { drop, keep, waiting } from "./kept-files.js";
import { Refused, send } from "./sending.js";

let line = Promise.resolve();

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

async function upload(form, kept) {
  const list = form.querySelector("[data-uploads]");
  const { item, say } = entry(list, kept.name);
  say(list.dataset.textSending);
  const body = () => {
    const data = new FormData();
    data.append("file", kept.file, kept.name);
    return data;
  };
  try {
    const response = await send(form.dataset.attach, body, { waiting: () => say(list.dataset.textWaiting) });
    await drop(kept);
    window.htmx.swap("#runner-files", await response.text(), { swapStyle: "outerHTML" });
    item.remove();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (!error.signedOut) await drop(kept);
    refuse(item, say, error.message);
  }
}

function refuse(item, say, text) {
  item.classList.add("upload-refused");
  say(text);
  setTimeout(() => item.remove(), 12_000);
}

/** Queue *files* for the step of *form*. */
export async function add(form, files) {
  const list = form.querySelector("[data-uploads]");
  for (const file of [...files]) {
    const name = file.name && file.name !== "image.png" ? file.name : `screenshot-${stamp()}.${file.type.split("/")[1] ?? "png"}`;
    if (file.size > Number(form.dataset.largest)) {
      const { item, say } = entry(list, name);
      refuse(item, say, list.dataset.textLarge);
      continue;
    }
    const kept = keep(form.dataset.runner, file, name);
    line = line.then(async () => upload(form, await kept));
  }
}

/** Queue what an earlier page could not send for the step of *form*. */
export function resume(form) {
  line = line.then(async () => {
    for (const kept of await waiting(form.dataset.runner)) await upload(form, kept);
  });
}

let last = "";
let same = 0;

// Names of one second differ, too: 093015, 093015-2.
function stamp() {
  const now = new Date().toTimeString().slice(0, 8).replaceAll(":", "");
  same = now === last ? same + 1 : 1;
  last = now;
  return same === 1 ? now : `${now}-${same}`;
}
