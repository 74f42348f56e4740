// Settings of a shared step: title, short name, description and parameters; and taking steps out of a case into one.
import { postJson } from "../../core/csrf.js";
import { choices, say } from "./data.js";
import { announce, changed, clone, find, grow } from "./dom.js";
import { readScalar, showScalar } from "./values.js";

function makeParameter(name, told) {
  const node = clone("t-parameter");
  const [title, has, value, about] = ["parameter-name", "has-default", "default", "parameter-description"].map((one) => find(node, one));
  title.value = name;
  has.checked = "default" in told;
  value.value = has.checked ? showScalar(told.default) : "";
  about.value = told.description ?? "";
  const shown = value.value;
  const draw = () => (value.hidden = !has.checked);
  has.addEventListener("change", draw);
  draw();
  grow(value);
  return {
    node,
    name: () => title.value.trim(),
    focus: () => title.focus(),
    get: () => ({
      ...(has.checked ? { default: value.value === shown && "default" in told ? told.default : readScalar(value.value) } : {}),
      ...(about.value.trim() ? { description: about.value.trim() } : {}),
    }),
  };
}

function parameterList(root) {
  const list = find(root, "parameters");
  let rows = [];

  function add(name, told, focus = false) {
    const row = makeParameter(name, told);
    rows.push(row);
    list.append(row.node);
    if (focus) row.focus();
  }

  find(root, "add-parameter").addEventListener("click", () => {
    add("", {}, true);
    changed(list);
  });
  list.addEventListener("click", (event) => {
    if (!event.target.closest("[data-remove-row]")) return;
    const row = rows.find((one) => one.node.contains(event.target));
    rows = rows.filter((one) => one !== row);
    row.node.remove();
    changed(list);
  });
  return {
    fill(given) {
      rows = [];
      list.replaceChildren();
      for (const [name, told] of Object.entries(given)) add(name, told);
    },
    get: () => Object.fromEntries(rows.map((row) => [row.name(), row.get()])),
    troubles: () => rows.filter((row) => !row.name()).map((row) => ({ node: row.node, text: say("capture_name") })),
    locate: (name) => rows.find((row) => row.name() === name)?.node,
  };
}

/** Settings of a shared step below *root*: {fill, get, dataset, troubles, locate}. */
export function sharedSettings(root) {
  const part = (name) => root.querySelector(`[data-setting=${name}]`);
  const parameters = parameterList(root);
  let slug = "";
  return {
    dataset: () => undefined,
    troubles: parameters.troubles,
    locate: ([name, one]) => (name === "parameters" ? parameters.locate(one) : null),
    fill(definition) {
      part("title").value = definition.title ?? "";
      part("description").value = definition.description ?? "";
      grow(part("description"));
      slug = definition.slug ?? "";
      if (part("slug")) part("slug").value = slug;
      parameters.fill(definition.parameters ?? {});
    },
    get() {
      const named = part("slug") ? part("slug").value.trim() : slug;
      const told = parameters.get();
      return {
        title: part("title").value,
        ...(named ? { slug: named } : {}),
        ...(part("description").value.trim() ? { description: part("description").value } : {}),
        ...(Object.keys(told).length ? { parameters: told } : {}),
      };
    },
  };
}

/** A shared step is kept nowhere but by its short name. */
export function sharedPlace(root) {
  return () => ({ message: root.querySelector("[data-place=message]").value });
}

const namesIn = (step) => [
  ...Object.keys(step.capture ?? {}),
  ...Object.keys((step.kind === "set" && step.with?.values) || {}),
  ...(step.with?.steps ?? []).flatMap(namesIn),
  ...(step.with?.branches ?? []).flatMap((branch) => branch.steps ?? []).flatMap(namesIn),
];

/** Lets a card's “Share” take it, and steps behind it, out into a shared step; *given* reads the case. */
export function sharing(url, given) {
  const dialog = document.getElementById("share-dialog");
  const [name, count, problem, form] = ["share-name", "share-count", "share-problem", "share-form"].map((one) => find(dialog, one));
  let card = null;

  async function share() {
    const list = card.list;
    const from = list.index(card);
    const steps = list.get().slice(from, from + Number(count.value));
    const before = [...(given().setup ?? []), ...(given().steps ?? [])];
    const response = await postJson(url, { title: name.value, steps, known: before.flatMap(namesIn) });
    const answer = await response.json();
    if (!response.ok) {
      problem.textContent = [answer.detail, ...(answer.errors ?? []).slice(1).map((one) => `${one.field}: ${one.detail}`)].join(" ");
      problem.hidden = false;
      return;
    }
    choices.shared.push(answer.shared);
    list.swap(from, steps.length, answer.step);
    announce(say("shared", { name: answer.shared.title }));
    dialog.close();
  }

  form.addEventListener("submit", (event) => {
    if (event.submitter?.value !== "share") return;
    event.preventDefault();
    share().catch(() => {
      problem.textContent = say("not_sent");
      problem.hidden = false;
    });
  });

  return function ask(chosen) {
    card = chosen;
    name.value = card.title();
    count.value = "1";
    count.max = String(card.list.size() - card.list.index(card));
    problem.hidden = true;
    dialog.showModal();
    name.focus();
  };
}

