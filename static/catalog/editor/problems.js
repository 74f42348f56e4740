// What is wrong, shown at the field or card that it belongs to, and counted above.
import { say } from "./data.js";
import { freshId } from "./dom.js";
import { pathParts } from "./values.js";

const CONTROL = "input:not([type=hidden]), select, textarea";

function clear(root) {
  for (const note of root.querySelectorAll(".ed-error")) note.remove();
  for (const control of root.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
    control.classList.remove("is-invalid");
  }
  for (const card of root.querySelectorAll(".has-problem")) card.classList.remove("has-problem");
}

/** Put *text* at *place*; returns the control that it is about. */
function note(place, text) {
  const line = document.createElement("p");
  line.className = "ed-error invalid-feedback";
  line.id = freshId("problem");
  line.textContent = text;
  place.append(line);
  const control = place.matches(CONTROL) ? place : place.querySelector(CONTROL);
  if (control) {
    control.classList.add("is-invalid");
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", line.id);
  }
  const card = place.closest("[data-card]");
  card?.classList.add("has-problem");
  return control;
}

/** Shows problems in the form below *root*; ``locate(parts)`` gives the element of a path. */
export function problemBoard(root, locate) {
  const board = root.querySelector("[data-problems]");
  const title = root.querySelector("[data-problems-title]");
  const list = root.querySelector("[data-problems-list]");

  function hide() {
    clear(root);
    board.hidden = true;
    list.replaceChildren();
  }

  /** Problems that say their element (*node*) or their path (*field*); *unfold* opens the card that holds one. */
  function show(problems, unfold) {
    hide();
    let first = null;
    const unplaced = [];
    for (const problem of problems) {
      const place = problem.node ?? locate(pathParts(problem.field ?? ""));
      const text = problem.text ?? problem.detail;
      if (!place) {
        unplaced.push(problem);
        continue;
      }
      unfold(place);
      const control = note(place, text);
      first ??= control ?? place;
    }
    title.textContent = problems.length === 1 ? say("problem") : say("problems", { count: problems.length });
    list.replaceChildren(...unplaced.map((problem) => {
      const line = document.createElement("li");
      line.textContent = [problem.field, problem.text ?? problem.detail].filter(Boolean).join(": ");
      return line;
    }));
    board.hidden = problems.length === 0;
    (first ?? board).scrollIntoView({ block: "center" });
    first?.focus?.({ preventScroll: true });
  }

  return { show, hide };
}
