// One step as a card: its name, the form of its kind, checks, captures and options.
import { captureList } from "./captures.js";
import { checkList } from "./checks.js";
import { choices, format, kindOf, say } from "./data.js";
import { clone, find, kindIcon, offer } from "./dom.js";
import { fieldSet } from "./fields.js";
import { glance, inWords } from "./glance.js";
import { stepOptions } from "./options.js";

// What a card has of its own; looked for before cards of steps inside it stand in it.
const PARTS = ["with", "checks", "checks-part", "captures", "captures-part", "implied", "name", "point", "glance", "number"];

function drawImplied(place, kind, checks) {
  const looksAt = (check) => (check.any ?? check.all)?.flatMap(looksAt) ?? [check.check];
  const checked = new Set(checks.get().flatMap(looksAt));
  const implied = kind.implied.filter((check) => !checked.has(check.check)).map((check) => inWords(kind, check, format.operators));
  place.textContent = implied.length ? say("implied", { checks: implied.join(", ") }) : "";
}

function dress(node, own, kind, step) {
  node.querySelector("[data-kind-icon]").append(kindIcon(kind.name));
  find(node, "kind-label").textContent = kind.label;
  own.name.value = step.name ?? "";
  own["checks-part"].hidden = kind.by_person && !step.expect?.length;
  own["captures-part"].hidden = kind.by_person && !Object.keys(step.capture ?? {}).length;
  node.querySelector("[data-do=try]").hidden = kind.by_person;
  node.querySelector("[data-do=share]").hidden = kind.by_person || kind.name === "call";
  const points = [["", say("none")], ...choices.points.map((point) => [point.slug, point.name])];
  offer(own.point, points, step.point ?? "", (slug) => say("unknown", { name: slug }));
}

/** A card for *step*: {node, get, locate, troubles, fold, setNumber, focus, kind}. */
export function stepCard(step) {
  const kind = kindOf(step.kind);
  const node = clone("t-step");
  const own = Object.fromEntries(PARTS.map((part) => [part, find(node, part)]));
  const places = Object.fromEntries([...node.querySelectorAll("[data-path]")].map((place) => [place.dataset.path, place]));
  dress(node, own, kind, step);
  const options = stepOptions(node, kind, step);
  const fields = fieldSet(kind.fields, kind.choices, step.with ?? {});
  const checks = checkList(own.checks, kind, step.expect ?? []);
  const captures = captureList(own.captures, kind, step.capture ?? {});
  own.with.append(fields.node);

  function get() {
    const expect = checks.get();
    const capture = captures.get();
    return {
      name: own.name.value,
      kind: kind.name,
      ...(own.point.value ? { point: own.point.value } : {}),
      ...options.get(),
      with: fields.get(),
      ...(expect.length ? { expect } : {}),
      ...(Object.keys(capture).length ? { capture } : {}),
    };
  }

  function fold(folded) {
    node.classList.toggle("is-folded", folded);
    node.querySelector("[data-do=fold]").setAttribute("aria-expanded", String(!folded));
    own.glance.textContent = glance(kind, fields.get());
  }

  const parts = {
    with: (rest) => (rest.length ? fields.locate(rest) : own.with),
    expect: ([index, ...rest]) => checks.locate(index, rest) ?? own["checks-part"],
    capture: ([one]) => captures.locate(one) ?? own["captures-part"],
    retry: (rest) => options.locate(rest) ?? places.retry,
  };

  node.addEventListener("click", (event) => {
    if (event.target.closest("[data-card]") !== node) return;
    if (event.target.closest("[data-add-check]")) checks.add({}, true);
    else if (event.target.closest("[data-add-group]")) checks.add({ any: [{}] }, true);
    else if (event.target.closest("[data-add-capture]")) captures.add("", {}, true);
  });
  for (const type of ["input", "change"]) node.addEventListener(type, () => drawImplied(own.implied, kind, checks));
  drawImplied(own.implied, kind, checks);
  fold(false);

  return {
    node, kind, get, fold,
    folded: () => node.classList.contains("is-folded"),
    focus: () => own.name.focus(),
    title: () => own.name.value.trim(),
    setNumber: (number) => (own.number.textContent = String(number)),
    troubles: () => [...fields.troubles(), ...checks.troubles(), ...captures.troubles(), ...options.troubles()],
    locate: ([part, ...rest]) => (parts[part] ? parts[part](rest) : places[part]) ?? places.name,
  };
}
