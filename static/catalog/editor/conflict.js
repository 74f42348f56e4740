// Somebody else saved the case meanwhile: both changes side by side, and what to do about it.
import { clone, find } from "./dom.js";

const KINDS = { "+": "ins", "-": "del", "@": "span" };

function diffLines(lines) {
  return lines.map((line) => {
    const node = document.createElement(KINDS[line[0]] ?? "span");
    node.textContent = line[0] === "@" ? "⋯" : line.slice(1);
    if (line[0] === "@") node.className = "diff-gap";
    return node;
  });
}

/** Show *problem* (409 of saving) in *slot*; *over* saves all the same, *reload* takes what they saved. */
export function showConflict(slot, problem, { over, reload }) {
  const node = clone("t-conflict");
  find(node, "detail").textContent = problem.detail;
  find(node, "theirs").replaceChildren(...diffLines(problem.theirs));
  find(node, "yours").replaceChildren(...diffLines(problem.yours));
  find(node, "mine").addEventListener("click", () => {
    slot.replaceChildren();
    over(problem.current);
  });
  find(node, "reload").addEventListener("click", reload);
  find(node, "later").addEventListener("click", () => slot.replaceChildren());
  slot.replaceChildren(node);
  node.focus();
  node.scrollIntoView({ block: "start" });
}
