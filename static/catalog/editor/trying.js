// Trying one step against an environment: a worker runs it, the answer comes as a part of the page.
import { choices, say } from "./data.js";
import { offer } from "./dom.js";
import { postJson } from "../../core/csrf.js";

const KEPT = "integhub.try.environment";

function words(text, css) {
  const line = document.createElement("p");
  line.className = css;
  line.textContent = text;
  return line;
}

async function refusal(response) {
  try {
    const problem = await response.json();
    return problem.detail;
  } catch {
    return say("not_sent");
  }
}

/** The tools below *root*; ``settings.dataset()`` says which rows can be chosen. Answers {tryStep, drawRows}. */
export function trying(root, url, settings) {
  const environment = root.querySelector("[data-try-environment]");
  const row = root.querySelector("[data-try-row]");
  const session = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
  const known = choices.environments.map((one) => [one.slug, one.name]);
  const kept = sessionStorage.getItem(KEPT);
  offer(environment, known, known.some(([slug]) => slug === kept) ? kept : known[0]?.[0]);
  environment.closest(".try-where").hidden = known.length === 0;
  environment.addEventListener("change", () => sessionStorage.setItem(KEPT, environment.value));

  function drawRows() {
    const rows = settings.dataset()?.rows ?? [];
    const chosen = row.value;
    offer(row, rows.map((one, index) => [String(index), one.label]), chosen && rows[Number(chosen)] ? chosen : "0");
    row.closest("label").hidden = rows.length === 0;
  }

  /** Run the step of *card*; values that the cards *before* it kept when they were tried can be named. */
  async function tryStep(card) {
    const slot = card.node.querySelector(":scope > [data-try-result]");
    if (known.length === 0 || slot.dataset.busy) return;
    slot.dataset.busy = "yes";
    slot.replaceChildren(words(say("trying"), "try-waiting"));
    try {
      const values = settings.dataset()?.rows[Number(row.value)]?.values ?? {};
      const response = await postJson(url, { environment: environment.value, step: card.get(), row: values, session });
      if (response.ok) globalThis.htmx.swap(slot, await response.text(), { swapStyle: "innerHTML" });
      else slot.replaceChildren(words(await refusal(response), "try-refused"));
    } catch {
      slot.replaceChildren(words(say("not_sent"), "try-refused"));
    } finally {
      delete slot.dataset.busy;
    }
  }

  return { tryStep, drawRows };
}
