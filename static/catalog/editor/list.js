// One list of step cards, at the top of the case or inside another step: add, copy, remove, move.
import { stepCard } from "./card.js";
import { say } from "./data.js";
import { announce, changed, clone } from "./dom.js";
import { stepsBy } from "./fields.js";
import { pickKind } from "./picker.js";

const cardsByNode = new WeakMap();
const listsByNode = new WeakMap();

/** The innermost card that holds *element*. */
export const cardOf = (element) => cardsByNode.get(element?.closest?.("[data-card]"));

/** The innermost list that holds *element*. */
export const listOf = (element) => listsByNode.get(element?.closest?.("[data-steps]"));

/** Every card below *root*, those inside others, too. */
export const cardsBelow = (root) => [...root.querySelectorAll("[data-card]")].map((node) => cardsByNode.get(node));

/** The cards in *node* (an ``ol``); a step *byPerson* can stand in it or not. *drawn* is told when their number changes. */
export function cardList(node, { byPerson = false, drawn = () => {} } = {}) {
  let cards = [];

  function number() {
    cards.forEach((card, index) => card.setNumber(index + 1));
    drawn(cards.length);
  }

  function put(card, index) {
    card.list = list;
    cards.splice(index, 0, card);
    node.insertBefore(card.node, cards[index + 1]?.node ?? null);
    number();
    changed(node);
  }

  function make(step) {
    const card = stepCard(step);
    cardsByNode.set(card.node, card);
    return card;
  }

  const nameOf = (card) => card.title() || say("unnamed", { number: cards.indexOf(card) + 1 });

  async function add(index = cards.length) {
    const kind = await pickKind({ byPerson });
    if (!kind) return;
    const card = make({ name: "", kind: kind.name, with: {} });
    put(card, index);
    card.focus();
    announce(say("added", { name: kind.label }));
  }

  function copy(card) {
    const made = make(structuredClone(card.get()));
    put(made, cards.indexOf(card) + 1);
    made.focus();
    announce(say("copied", { name: nameOf(card) }));
  }

  function remove(card) {
    const index = cards.indexOf(card);
    const name = nameOf(card);
    take(card);
    changed(node);
    const next = cards[index] ?? cards[index - 1];
    (next ? next.node.querySelector("[data-name]") : adder()).focus();
    announce(say("removed", { name }));
  }

  const adder = () => node.parentElement.querySelector(":scope > .steps-add > [data-add-step]");

  /** Take *card* out, without a word. */
  function take(card) {
    cards = cards.filter((other) => other !== card);
    card.node.remove();
    number();
  }

  const list = {
    node, byPerson, add, copy, remove, take, put,
    /** Put *step* in the place of *count* steps from *index* on. */
    swap(index, count, step) {
      for (const card of cards.slice(index, index + count)) take(card);
      const card = make(step);
      put(card, index);
      card.focus();
    },
    index: (card) => cards.indexOf(card),
    size: () => cards.length,
    fill(steps) {
      cards = steps.map(make);
      for (const card of cards) card.list = list;
      node.replaceChildren(...cards.map((card) => card.node));
      number();
    },
    get: () => cards.map((card) => card.get()),
    troubles: () => cards.flatMap((card) => card.troubles()),
    locate: ([index, ...rest]) => cards[index]?.locate(rest),
  };
  listsByNode.set(node, list);
  return list;
}

/** Put *card* at *index* of *list*: not into itself, and a person's step only where one can stand. */
export function moveCard(card, list, index) {
  if (index < 0 || card.node.contains(list.node) || (card.kind.by_person && !list.byPerson)) return;
  const focused = document.activeElement;
  card.list.take(card);
  list.put(card, Math.min(index, list.size()));
  if (card.node.contains(focused)) focused.focus();
  card.node.scrollIntoView({ block: "nearest" });
  announce(say("moved", { number: list.index(card) + 1, count: list.size() }));
}

/** The control of a field that holds steps: a list of its own with a button below. */
function insideSteps(value) {
  const node = clone("t-inside");
  const list = cardList(node.querySelector("[data-steps]"));
  list.fill(value ?? []);
  return {
    node,
    focus: () => (node.querySelector("[data-name]") ?? node.querySelector("[data-add-step]")).focus(),
    get: () => list.get(),
    troubles: list.troubles,
    locate: (parts) => (parts.length ? list.locate(parts) : null) ?? node,
  };
}

stepsBy(insideSteps);
