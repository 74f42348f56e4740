// One step as a card: its name, the form of its kind, checks, captures and options.
import { captureList } from "./captures.js";
import { checkList } from "./checks.js";
import { choices, format, kindOf, say } from "./data.js";
import { clone, find, kindIcon, offer } from "./dom.js";
import { fieldSet } from "./fields.js";
import { glance, inWords } from "./glance.js";
import { readNumber } from "./values.js";

const { step_timeout: LIMIT, retry_every: EVERY } = format.defaults;

function options(node, step) {
  const [optional, timeout, retryFor, retryEvery] = ["optional", "timeout", "retry-for", "retry-every"].map((name) => find(node, name));
  optional.checked = Boolean(step.optional);
  timeout.placeholder = String(LIMIT);
  timeout.value = step.timeout ?? "";
  retryEvery.placeholder = String(EVERY);
  retryFor.value = step.retry?.for ?? "";
  retryEvery.value = step.retry?.every ?? "";
  return () => ({
    ...(timeout.value.trim() ? { timeout: readNumber(timeout.value) } : {}),
    ...(optional.checked ? { optional: true } : {}),
    ...(retryFor.value.trim() || retryEvery.value.trim()
      ? { retry: { for: readNumber(retryFor.value) ?? "", every: readNumber(retryEvery.value) ?? EVERY } }
      : {}),
  });
}

function drawImplied(node, kind, checks) {
  const checked = new Set(checks.get().map((check) => check.check));
  const implied = kind.implied.filter((check) => !checked.has(check.check)).map((check) => inWords(kind, check, format.operators));
  find(node, "implied").textContent = implied.length ? say("implied", { checks: implied.join(", ") }) : "";
}

function dress(node, kind, step) {
  node.querySelector("[data-kind-icon]").append(kindIcon(kind.name));
  find(node, "kind-label").textContent = kind.label;
  find(node, "name").value = step.name ?? "";
  find(node, "checks-part").hidden = kind.by_person && !step.expect?.length;
  find(node, "captures-part").hidden = kind.by_person && !Object.keys(step.capture ?? {}).length;
  node.querySelector("[data-do=try]").hidden = kind.by_person;
  const points = [["", say("none")], ...choices.points.map((point) => [point.slug, point.name])];
  offer(find(node, "point"), points, step.point ?? "", (slug) => say("unknown", { name: slug }));
}

/** A card for *step*: {node, get, locate, troubles, fold, setNumber, focus, kind}. */
export function stepCard(step) {
  const kind = kindOf(step.kind);
  const node = clone("t-step");
  dress(node, kind, step);
  const fields = fieldSet(kind.fields, kind.choices, step.with ?? {});
  find(node, "with").append(fields.node);
  const checks = checkList(find(node, "checks"), kind, step.expect ?? []);
  const captures = captureList(find(node, "captures"), kind, step.capture ?? {});
  const readOptions = options(node, step);
  const name = find(node, "name");
  const point = find(node, "point");

  function get() {
    const expect = checks.get();
    const capture = captures.get();
    return {
      name: name.value,
      kind: kind.name,
      ...(point.value ? { point: point.value } : {}),
      ...readOptions(),
      with: fields.get(),
      ...(expect.length ? { expect } : {}),
      ...(Object.keys(capture).length ? { capture } : {}),
    };
  }

  function fold(folded) {
    node.classList.toggle("is-folded", folded);
    node.querySelector("[data-do=fold]").setAttribute("aria-expanded", String(!folded));
    find(node, "glance").textContent = glance(kind, fields.get());
  }

  const parts = {
    with: (rest) => (rest.length ? fields.locate(rest) : find(node, "with")),
    expect: ([index]) => checks.locate(index) ?? find(node, "checks-part"),
    capture: ([one]) => captures.locate(one) ?? find(node, "captures-part"),
  };

  node.addEventListener("click", (event) => {
    if (event.target.closest("[data-add-check]")) checks.add({}, true);
    else if (event.target.closest("[data-add-capture]")) captures.add("", {}, true);
  });
  node.addEventListener("input", () => drawImplied(node, kind, checks));
  node.addEventListener("change", () => drawImplied(node, kind, checks));
  drawImplied(node, kind, checks);
  fold(false);

  return {
    node, kind, get, fold,
    folded: () => node.classList.contains("is-folded"),
    focus: () => name.focus(),
    title: () => name.value.trim(),
    setNumber: (number) => (find(node, "number").textContent = String(number)),
    troubles: () => [...fields.troubles(), ...checks.troubles(), ...captures.troubles()],
    locate: ([part, ...rest]) => (parts[part] ? parts[part](rest) : node.querySelector(`[data-path="${part}"]`)) ?? node.querySelector('[data-path="name"]'),
  };
}
