// Dragging a card by its grip, with the browser's own drag and drop.
import { listOf } from "./list.js";

function below(list, y) {
  const cards = [...list.children].filter((node) => node.matches("[data-card]:not(.is-dragged)"));
  return cards.find((card) => {
    const box = card.getBoundingClientRect();
    return y < box.top + box.height / 2;
  });
}

/** Cards of *lists* (see steps.js) below *root* can be dragged; a line shows where one will stand. */
export function dragging(root, lists) {
  let dragged = null;
  const line = document.createElement("li");
  line.className = "drop-line";
  line.setAttribute("aria-hidden", "true");

  root.addEventListener("dragstart", (event) => {
    const grip = event.target.closest?.(".step-grip");
    if (!grip) return;
    dragged = lists.cardOf(grip);
    dragged.node.classList.add("is-dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.title());
    event.dataTransfer.setDragImage(dragged.node, 24, 20);
  });

  root.addEventListener("dragover", (event) => {
    const list = event.target.closest?.("[data-steps]");
    if (!dragged || !list || dragged.node.contains(list) || (dragged.kind.by_person && !listOf(list).byPerson)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    list.insertBefore(line, below(list, event.clientY) ?? null);
  });

  root.addEventListener("drop", (event) => {
    if (!dragged || !line.parentElement) return;
    event.preventDefault();
    const list = line.parentElement;
    const others = [...list.children].filter((node) => node !== dragged.node);
    lists.move(dragged, listOf(list), others.indexOf(line));
  });

  root.addEventListener("dragend", () => {
    dragged?.node.classList.remove("is-dragged");
    dragged = null;
    line.remove();
  });
}
