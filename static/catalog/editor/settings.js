// What stands beside the steps: title, tags, data set and so on (in the definition), and where the case is kept.
import { choices, format, say } from "./data.js";
import { changed, clone, grow, offer } from "./dom.js";
import { readNumber, readTags } from "./values.js";

const unknown = (name) => say("unknown", { name });

/** Points that the case covers besides those of its steps: a list of chips, and a select that adds to it. */
function pointList(root, select) {
  const list = root.querySelector("[data-points-chosen]");
  let chosen = [];

  function draw() {
    list.replaceChildren(...chosen.map((slug) => {
      const line = clone("t-chosen");
      line.querySelector("code").textContent = slug;
      line.querySelector("button").addEventListener("click", () => {
        chosen = chosen.filter((one) => one !== slug);
        draw();
        select.focus();
        changed(list);
      });
      return line;
    }));
    const left = choices.points.filter((point) => !chosen.includes(point.slug));
    offer(select, [["", say("none")], ...left.map((point) => [point.slug, point.name])], "");
    select.options[0].text = "…";
  }

  select.addEventListener("change", () => {
    if (select.value) chosen.push(select.value);
    draw();
  });
  return {
    get: () => [...chosen],
    fill(slugs) {
      chosen = [...slugs];
      draw();
    },
  };
}

/** Settings below *root*: {fill, get, dataset}. */
export function caseSettings(root) {
  const part = (name) => root.querySelector(`[data-setting=${name}]`);
  const points = pointList(root, part("points"));
  const columns = root.querySelector("[data-dataset-columns]");

  const dataset = () => choices.datasets.find((one) => one.slug === part("dataset").value);

  function drawColumns() {
    columns.textContent = dataset()?.columns.map((name) => `{{ ${name} }}`).join("  ") ?? "";
    columns.hidden = !dataset();
  }
  part("dataset").addEventListener("change", drawColumns);

  return {
    dataset,
    fill(definition) {
      part("title").value = definition.title ?? "";
      part("description").value = definition.description ?? "";
      grow(part("description"));
      offer(part("priority"), choices.priorities.map((one) => [one.name, one.label]), definition.priority ?? format.defaults.priority);
      part("tags").value = (definition.tags ?? []).join(", ");
      offer(part("dataset"), [["", say("none")], ...choices.datasets.map((one) => [one.slug, one.name])], definition.dataset ?? "", unknown);
      part("timeout").placeholder = String(format.defaults.case_timeout);
      part("timeout").value = definition.timeout ?? "";
      part("retries").value = definition.retries ?? "";
      part("exclusive").value = (definition.exclusive ?? []).join(", ");
      points.fill(definition.points ?? []);
      drawColumns();
    },
    get() {
      const tags = readTags(part("tags").value);
      const exclusive = readTags(part("exclusive").value);
      return {
        title: part("title").value,
        ...(part("description").value.trim() ? { description: part("description").value } : {}),
        ...(part("priority").value === format.defaults.priority ? {} : { priority: part("priority").value }),
        ...(tags.length ? { tags } : {}),
        ...(points.get().length ? { points: points.get() } : {}),
        ...(part("dataset").value ? { dataset: part("dataset").value } : {}),
        ...(part("timeout").value.trim() ? { timeout: readNumber(part("timeout").value) } : {}),
        ...(part("retries").value.trim() ? { retries: readNumber(part("retries").value) } : {}),
        ...(exclusive.length ? { exclusive } : {}),
      };
    },
  };
}

/** Where the case is kept, which is no part of its definition: suite, status, workflow; and why it was changed. */
export function casePlace(root, opened) {
  const part = (name) => root.querySelector(`[data-place=${name}]`);
  const suites = choices.suites.map((suite) => [String(suite.id), suite.name]);
  offer(part("suite"), suites, opened.suite == null ? suites[0][0] : String(opened.suite));
  part("status").value = opened.status;
  offer(part("workflow"), [["", say("none")], ...choices.workflows.map((one) => [one.slug, one.name])], opened.workflow);
  return () => ({
    suite: Number(part("suite").value),
    status: part("status").value,
    workflow: part("workflow").value,
    message: part("message").value,
  });
}
