// Verdicts that could not be sent from the page where they were given: any page that loads this sends them, each once.
// <div data-outbox="id of the person" data-text-sent data-text-refused hidden>
import { toast } from "../core/toast.js";
import * as drafts from "./drafts.js";
import { waiting as filesWaiting } from "./kept-files.js";
import { Refused, send } from "./sending.js";

const box = document.querySelector("[data-outbox]");

async function deliver({ id, pending, action, attempt, step, note, seconds, title }) {
  if ((await filesWaiting(id)).length) return; // they go first, from the page of the step
  try {
    const body = { attempt, step, verdict: pending, note: note ?? "", seconds: seconds ?? "" };
    await send(action, () => new URLSearchParams(body));
    drafts.clear(id);
    toast(`${box.dataset.textSent} ${title}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (!error.signedOut) drafts.save(id, { pending: null });
    toast(`${box.dataset.textRefused} ${title}: ${error.message}`);
  }
}

if (box) {
  const here = document.querySelector("form[data-runner]")?.dataset.runner; // its own page sends it
  for (const draft of drafts.pending(box.dataset.outbox)) if (draft.id !== here) deliver(draft);
}
