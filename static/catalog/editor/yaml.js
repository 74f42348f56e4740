// The case as text: line numbers, and problems at their line and column, checked while one types.
import { say } from "./data.js";
import { postJson } from "../../core/csrf.js";

const WAIT = 500; // ms without a key

/** Where line *line*, column *column* (from 1) stands in *text*. */
function offset(text, line, column) {
  const lines = text.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return before + Math.min(column - 1, lines[line - 1]?.length ?? 0);
}

/** The text area below *root*; *url* converts. {get, fill, show, check, changed}. */
export function yamlPane(root, url) {
  const area = root.querySelector("[data-yaml]");
  const gutter = root.querySelector("[data-yaml-lines]");
  const status = root.querySelector("[data-yaml-status]");
  const list = root.querySelector("[data-yaml-problems]");
  let problems = [];
  let timer = 0;
  let asked = 0;

  function drawGutter() {
    const bad = new Set(problems.map((problem) => problem.line));
    const count = area.value.split("\n").length;
    if (gutter.childElementCount !== count) {
      gutter.replaceChildren(...Array.from({ length: count }, (_, index) => {
        const line = document.createElement("span");
        line.textContent = String(index + 1);
        return line;
      }));
    }
    [...gutter.children].forEach((line, index) => line.classList.toggle("is-bad", bad.has(index + 1)));
    area.rows = Math.max(count + 1, 18);
  }

  function jump(problem) {
    const at = offset(area.value, problem.line, problem.column);
    area.focus();
    area.setSelectionRange(at, at);
    gutter.children[problem.line - 1]?.scrollIntoView({ block: "center" });
  }

  function show(found) {
    problems = found;
    status.textContent = found.length === 0 ? say("valid") : found.length === 1 ? say("problem") : say("problems", { count: found.length });
    status.classList.toggle("is-bad", found.length > 0);
    area.setAttribute("aria-invalid", String(found.length > 0));
    list.replaceChildren(...found.map((problem) => {
      const line = document.createElement("li");
      const place = document.createElement("button");
      place.type = "button";
      place.className = "problem-place btn-plain";
      place.textContent = problem.line ? say("place", problem) : problem.field;
      place.addEventListener("click", () => jump(problem));
      const text = document.createElement("span");
      text.textContent = problem.detail;
      line.append(place, text);
      return line;
    }));
    drawGutter();
  }

  /** Ask the server what *text* says; answers {definition, form} or null when it is not valid. */
  async function check() {
    const number = (asked += 1);
    const response = await postJson(url, { yaml: area.value });
    const answer = await response.json();
    if (number !== asked) return null;
    show(answer.errors ?? (response.ok ? [] : [{ line: 0, column: 0, field: "", detail: answer.detail }]));
    return response.ok ? answer : null;
  }

  function later() {
    clearTimeout(timer);
    status.textContent = say("checking");
    status.classList.remove("is-bad");
    timer = setTimeout(() => check().catch(() => (status.textContent = say("not_sent"))), WAIT);
  }

  area.addEventListener("input", () => {
    drawGutter();
    later();
  });
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
    const line = area.value.slice(start, area.selectionStart);
    const indent = line.match(/^ */)[0] + (/^\s*- \S/.test(line) || line.trimEnd().endsWith(":") ? "  " : "");
    if (!indent) return;
    event.preventDefault();
    area.setRangeText(`\n${indent}`, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });

  return {
    check, show,
    get: () => area.value,
    focus: () => area.focus(),
    fill(text, found = []) {
      area.value = text;
      show(found);
    },
  };
}
