// The lists of cards of a case (setup, steps, teardown), and what the mouse and the keys do with any card.
import { cardList, cardOf, cardsBelow, listOf, moveCard } from "./list.js";

const PHASES = ["setup", "steps", "teardown"];

/** The lists below *root*: {fill, get, locate, troubles, cardOf, move, foldAll}. */
export function stepLists(root) {
  const lists = {};
  for (const phase of PHASES) {
    const node = root.querySelector(`[data-steps=${phase}]`);
    if (!node) continue;
    const details = node.closest("details");
    const drawn = (count) => details && (details.open ||= count > 0);
    lists[phase] = cardList(node, { byPerson: phase === "steps" && "byPerson" in node.dataset, drawn });
  }
  const each = (read) => Object.values(lists).flatMap(read);

  const shift = (card, by) => {
    const index = card.list.index(card) + by;
    if (index >= 0 && index < card.list.size()) moveCard(card, card.list, index);
  };

  const verbs = {
    up: (card) => shift(card, -1),
    down: (card) => shift(card, 1),
    duplicate: (card) => card.list.copy(card),
    remove: (card) => card.list.remove(card),
    fold: (card) => card.fold(!card.folded()),
  };

  root.addEventListener("click", (event) => {
    const adder = event.target.closest("[data-add-step]");
    if (adder) return void listOf(adder.closest(".steps-add").parentElement.querySelector(":scope > [data-steps]")).add();
    const verb = verbs[event.target.closest("[data-do]")?.dataset.do];
    if (verb) verb(cardOf(event.target));
    else if (event.target.closest(".step-edit-head") && !event.target.closest("button, input")) verbs.fold(cardOf(event.target));
  });

  root.addEventListener("keydown", (event) => {
    const card = event.altKey && !event.ctrlKey && !event.metaKey ? cardOf(event.target) : null;
    if (!card) return;
    if (event.key === "ArrowUp") shift(card, -1);
    else if (event.key === "ArrowDown") shift(card, 1);
    else if (event.code === "KeyN") card.list.add(card.list.index(card) + 1);
    else return;
    event.preventDefault();
  });

  return {
    cardOf,
    move: moveCard,
    fill: (definition) => each((list) => list.fill(definition[list.node.dataset.steps] ?? [])),
    get: () => Object.fromEntries(Object.entries(lists)
      .filter(([phase, list]) => phase === "steps" || list.size())
      .map(([phase, list]) => [phase, list.get()])),
    troubles: () => each((list) => list.troubles()),
    locate: ([phase, ...rest]) => lists[phase]?.locate(rest),
    foldAll: (folded) => cardsBelow(root).forEach((card) => card.fold(folded)),
  };
}
