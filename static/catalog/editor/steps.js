// The two lists of cards (steps and teardown): add, copy, remove, move, fold.
import { stepCard } from "./card.js";
import { say } from "./data.js";
import { announce, changed } from "./dom.js";
import { pickKind } from "./picker.js";

const PHASES = ["steps", "teardown"];

/** Both lists below *root*: {fill, get, locate, troubles, cardOf, move, foldAll}. */
export function stepLists(root) {
  const lists = Object.fromEntries(PHASES.map((phase) => [phase, root.querySelector(`[data-steps=${phase}]`)]));
  const cards = { steps: [], teardown: [] };

  function draw() {
    for (const phase of PHASES) {
      lists[phase].replaceChildren(...cards[phase].map((card) => card.node));
      number(phase);
    }
  }

  function number(phase) {
    cards[phase].forEach((card, index) => card.setNumber(index + 1));
    if (phase === "teardown") root.querySelector("[data-teardown]").open ||= cards.teardown.length > 0;
  }

  const phaseOf = (card) => PHASES.find((phase) => cards[phase].includes(card));
  const cardOf = (element) => PHASES.flatMap((phase) => cards[phase]).find((card) => card.node.contains(element));
  const nameOf = (card) => card.title() || say("unnamed", { number: cards[phaseOf(card)].indexOf(card) + 1 });

  function insert(phase, index, step) {
    const card = stepCard(step);
    cards[phase].splice(index, 0, card);
    lists[phase].insertBefore(card.node, lists[phase].children[index] ?? null);
    number(phase);
    changed(lists[phase]);
    return card;
  }

  async function add(phase, index = cards[phase].length) {
    const kind = await pickKind({ byPerson: phase === "steps" });
    if (!kind) return;
    const card = insert(phase, index, { name: "", kind: kind.name, with: {} });
    card.focus();
    announce(say("added", { name: kind.label }));
  }

  function copy(card) {
    const phase = phaseOf(card);
    const made = insert(phase, cards[phase].indexOf(card) + 1, structuredClone(card.get()));
    made.focus();
    announce(say("copied", { name: nameOf(card) }));
  }

  function remove(card) {
    const phase = phaseOf(card);
    const index = cards[phase].indexOf(card);
    const name = nameOf(card);
    cards[phase].splice(index, 1);
    card.node.remove();
    number(phase);
    changed(lists[phase]);
    const next = cards[phase][index] ?? cards[phase][index - 1];
    (next ? next.node.querySelector("[data-name]") : root.querySelector(`[data-add-step=${phase}]`)).focus();
    announce(say("removed", { name }));
  }

  /** Put *card* at *index* of *phase*; a person's step cannot stand in the teardown. */
  function move(card, phase, index) {
    if (index < 0 || (phase === "teardown" && card.kind.by_person)) return;
    const from = phaseOf(card);
    const focused = document.activeElement;
    cards[from].splice(cards[from].indexOf(card), 1);
    cards[phase].splice(Math.min(index, cards[phase].length), 0, card);
    const place = cards[phase].indexOf(card);
    lists[phase].insertBefore(card.node, cards[phase][place + 1]?.node ?? null);
    PHASES.forEach(number);
    changed(lists[phase]);
    if (card.node.contains(focused)) focused.focus();
    card.node.scrollIntoView({ block: "nearest" });
    announce(say("moved", { number: place + 1, count: cards[phase].length }));
  }

  const shift = (card, by) => {
    const phase = phaseOf(card);
    const index = cards[phase].indexOf(card) + by;
    if (index >= 0 && index < cards[phase].length) move(card, phase, index);
  };

  const verbs = {
    up: (card) => shift(card, -1),
    down: (card) => shift(card, 1),
    duplicate: copy,
    remove,
    fold: (card) => card.fold(!card.folded()),
  };

  root.addEventListener("click", (event) => {
    const phase = event.target.closest("[data-add-step]")?.dataset.addStep;
    if (phase) return void add(phase);
    const verb = verbs[event.target.closest("[data-do]")?.dataset.do];
    if (verb) verb(cardOf(event.target));
    else if (event.target.closest(".step-edit-head") && !event.target.closest("button, input")) verbs.fold(cardOf(event.target));
  });

  root.addEventListener("keydown", (event) => {
    const card = event.altKey && !event.ctrlKey && !event.metaKey ? cardOf(event.target) : null;
    if (!card) return;
    if (event.key === "ArrowUp") shift(card, -1);
    else if (event.key === "ArrowDown") shift(card, 1);
    else if (event.code === "KeyN") add(phaseOf(card), cards[phaseOf(card)].indexOf(card) + 1);
    else return;
    event.preventDefault();
  });

  return {
    cardOf,
    move,
    place: (card) => ({ phase: phaseOf(card), index: cards[phaseOf(card)].indexOf(card) }),
    before: (card) => (phaseOf(card) === "steps" ? cards.steps.slice(0, cards.steps.indexOf(card)) : cards.steps),
    fill(definition) {
      for (const phase of PHASES) cards[phase] = (definition[phase] ?? []).map(stepCard);
      draw();
    },
    get: () => ({
      steps: cards.steps.map((card) => card.get()),
      ...(cards.teardown.length ? { teardown: cards.teardown.map((card) => card.get()) } : {}),
    }),
    troubles: () => PHASES.flatMap((phase) => cards[phase]).flatMap((card) => card.troubles()),
    locate: ([phase, index, ...rest]) => cards[phase]?.[index]?.locate(rest),
    foldAll: (folded) => PHASES.flatMap((phase) => cards[phase]).forEach((card) => card.fold(folded)),
  };
}
