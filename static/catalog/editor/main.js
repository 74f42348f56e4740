// The editor of a case: the form and the YAML of the same case, saving, and what happens in between.
import { confirmed } from "../../core/confirm.js";
import { postJson } from "../../core/csrf.js";
import { showConflict } from "./conflict.js";
import { opened, say } from "./data.js";
import { grow } from "./dom.js";
import { dragging } from "./drag.js";
import { problemBoard } from "./problems.js";
import { casePlace, caseSettings } from "./settings.js";
import { sharedPlace, sharedSettings, sharing } from "./shared.js";
import { stepLists } from "./steps.js";
import { trying } from "./trying.js";
import { yamlPane } from "./yaml.js";

const PHASES = new Set(["setup", "steps", "teardown"]);
const MANY = 3; // steps from which a case opens with folded cards, to be seen as a whole

function start(root) {
  const { saveUrl, convertUrl, tryUrl } = root.dataset;
  const isShared = root.dataset.editor === "shared";
  const settings = isShared ? sharedSettings(root) : caseSettings(root);
  const place = isShared ? sharedPlace(root) : casePlace(root, opened);
  const lists = stepLists(root);
  const yaml = yamlPane(root, convertUrl);
  const tries = trying(root, tryUrl, settings);
  const board = problemBoard(root, locate);
  const saveButton = document.querySelector("[data-save]");
  const mark = document.querySelector("[data-dirty-mark]");
  let mode = "";
  let basedOn = opened.based_on;
  let clean = "";

  function locate(parts) {
    if (PHASES.has(parts[0])) return lists.locate(parts) ?? null;
    const own = settings.locate?.(parts);
    if (own) return own;
    const named = root.querySelectorAll(`[data-path="${CSS.escape(String(parts[0] ?? ""))}"]`);
    return [...named].find((place) => !place.closest("[data-card]")) ?? null;
  }

  const definition = () => ({ ...settings.get(), ...lists.get() });
  const content = () => (mode === "yaml" ? { yaml: yaml.get() } : { definition: definition() });
  const state = () => JSON.stringify([content(), place()]);
  const unfold = (element) => {
    for (let card = lists.cardOf(element); card; card = lists.cardOf(card.node.parentElement)) card.fold(false);
    const details = element.closest("details");
    if (details) details.open = true;
  };

  function fill(given) {
    settings.fill(given);
    lists.fill(given);
    tries.drawRows();
  }

  function show(next) {
    mode = next;
    for (const tab of root.querySelectorAll("[data-mode]")) {
      tab.setAttribute("aria-selected", String(tab.dataset.mode === mode));
      tab.tabIndex = tab.dataset.mode === mode ? 0 : -1;
    }
    for (const pane of root.querySelectorAll("[data-pane]")) pane.hidden = pane.dataset.pane !== mode;
    for (const part of root.querySelectorAll("[data-form-only]")) part.hidden = mode === "yaml";
  }

  function troubled() {
    const troubles = mode === "form" ? [...(settings.troubles?.() ?? []), ...lists.troubles()] : [];
    if (troubles.length) board.show(troubles, unfold);
    return troubles.length > 0;
  }

  async function toYaml() {
    if (troubled()) return;
    const response = await postJson(convertUrl, { definition: definition() });
    const answer = await response.json();
    if (!response.ok) return board.show(answer.errors ?? [answer], unfold);
    board.hide();
    yaml.fill(answer.yaml, answer.errors);
    rebase("yaml");
    if (answer.errors.length) await yaml.check();
  }

  async function toForm() {
    const answer = await yaml.check();
    if (!answer) return yaml.focus();
    if (!answer.form) return board.show([{ detail: say("no_form") }], unfold);
    fill(answer.definition);
    rebase("form");
    if (answer.errors.length) board.show(answer.errors, unfold);
    else board.hide();
  }

  // Changing the way of editing changes nothing of the case.
  function rebase(next) {
    const dirty = state() !== clean;
    show(next);
    if (!dirty) clean = state();
  }

  async function choose(next) {
    if (next === mode) return;
    try {
      await (next === "yaml" ? toYaml() : toForm());
    } catch {
      board.show([{ detail: say("not_sent") }], unfold);
    }
  }

  async function save() {
    if (saveButton.disabled || troubled()) return;
    saveButton.disabled = true;
    try {
      const response = await postJson(saveUrl, { ...content(), ...place(), based_on: basedOn });
      const answer = await response.json();
      if (response.ok) {
        clean = state();
        location.assign(answer.url);
      } else refused(answer);
    } catch {
      board.show([{ detail: say("not_sent") }], unfold);
    } finally {
      saveButton.disabled = false;
    }
  }

  function refused(answer) {
    if (answer.theirs) {
      board.hide();
      showConflict(root.querySelector("[data-conflict]"), answer, {
        over: (current) => {
          basedOn = current;
          save();
        },
        reload: async () => {
          if (!(await confirmed(say("leave")))) return;
          clean = state();
          location.reload();
        },
      });
      return;
    }
    const errors = answer.errors ?? [{ detail: answer.detail }];
    if (mode === "yaml" && errors.some((error) => error.line)) yaml.show(errors);
    else board.show(errors, unfold);
  }

  let waiting = 0;
  function note() {
    clearTimeout(waiting);
    waiting = setTimeout(() => (mark.hidden = state() === clean), 150);
  }

  for (const type of ["input", "change"]) root.addEventListener(type, note);
  root.addEventListener("input", (event) => event.target.matches("[data-grow]") && grow(event.target));
  root.querySelector("[data-setting=dataset]")?.addEventListener("change", tries.drawRows);
  const share = sharing(root.dataset.extractUrl, definition);
  root.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-mode]");
    if (tab) choose(tab.dataset.mode);
    else if (event.target.closest("[data-fold-all]")) lists.foldAll(true);
    else if (event.target.closest("[data-unfold-all]")) lists.foldAll(false);
    else if (event.target.closest("[data-do=try]")) tries.tryStep(lists.cardOf(event.target));
    else if (event.target.closest("[data-do=share]")) share(lists.cardOf(event.target));
  });
  root.addEventListener("keydown", (event) => {
    const other = { ArrowRight: "yaml", ArrowLeft: "form" }[event.key];
    if (other && event.target.matches("[data-mode]")) choose(other).then(() => root.querySelector(`[data-mode=${mode}]`).focus());
    const card = event.key === "Enter" && (event.ctrlKey || event.metaKey) ? lists.cardOf(event.target) : null;
    if (!card || card.kind.by_person) return;
    event.preventDefault();
    tries.tryStep(card);
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s" || event.altKey) return;
    event.preventDefault();
    save();
  });
  saveButton.addEventListener("click", save);
  addEventListener("beforeunload", (event) => state() !== clean && event.preventDefault());

  dragging(root, lists);
  if (opened.form) {
    fill(opened.definition);
    if (opened.definition.steps.length > MANY) lists.foldAll(true);
  }
  else {
    yaml.fill(opened.yaml);
    board.show([{ detail: say("no_form") }], unfold);
  }
  show(opened.form ? "form" : "yaml");
  clean = state();
  root.dataset.ready = "yes";
  root.inert = false; // what was typed before this would have been lost
}

const root = document.querySelector("[data-editor]");
if (root) start(root);
