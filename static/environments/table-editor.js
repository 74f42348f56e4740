// The editor of a data set: 50 rows at a time of a table kept in memory, saved as a whole.
import { postJson } from "../core/csrf.js";
import { cellKind, pastedRows } from "./cells.js";
import { Table } from "./table-model.js";

const PAGE = 50;

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

class Editor {
  constructor(box, sent) {
    this.box = box;
    this.text = box.dataset;
    this.seenAt = sent.seen_at;
    this.table = new Table(sent, { rows: Number(box.dataset.mostRows), columns: Number(box.dataset.mostColumns) });
    if (!this.table.columns.length) this.table.addColumn(this.text.textColumnName);
    if (!this.table.rows.length) this.table.addRow();
    this.first = 0;
    this.dirty = false;
    this.grid = this.part("grid");
    this.listen();
    this.draw();
  }

  part(name) {
    return this.box.querySelector(`[data-${name}]`);
  }

  // Drawing
  draw() {
    const { rows, columns } = this.table;
    this.first = Math.max(0, Math.min(this.first, PAGE * Math.floor((rows.length - 1) / PAGE)));
    const last = Math.min(this.first + PAGE, rows.length);
    const head = element("thead", {}, this.head());
    const body = element("tbody", {}, ...rows.slice(this.first, last).map((_, index) => this.row(this.first + index)));
    this.grid.replaceChildren(head, body);
    this.part("size").textContent = filled(this.text.textSize, { rows: rows.length, columns: columns.length });
    this.part("pager").hidden = rows.length <= PAGE;
    this.part("page").textContent = filled(this.text.textPage, { first: this.first + 1, last, rows: rows.length });
    this.part("previous").disabled = this.first === 0;
    this.part("next").disabled = last === rows.length;
    this.part("dirty").textContent = this.dirty ? this.text.textDirty : "";
  }

  head() {
    const names = this.table.columns.map((name, column) => {
      const label = filled(this.text.textColumn, { column: column + 1 });
      const remove = this.removeButton(filled(this.text.textRemoveColumn, { column: name }), { column });
      return element("th", { scope: "col" }, element("div", { className: "editor-head" }, this.field(-1, column, name, label), remove));
    });
    const label = element("th", { scope: "col", textContent: this.text.textHeadLabel });
    return element("tr", {}, element("th", { className: "num", textContent: "#" }), label, ...names, element("th"));
  }

  row(index) {
    const { label, cells } = this.table.rows[index];
    const row = index + 1;
    const boxes = cells.map((text, column) => {
      const cell = element("td", {}, this.field(index, column, text, filled(this.text.textCell, { row, column: this.table.columns[column] })));
      cell.dataset.kind = cellKind(text);
      return cell;
    });
    const name = element("td", { className: "editor-label" }, this.field(index, -1, label, filled(this.text.textLabel, { row })));
    const remove = element("td", { className: "fit" }, this.removeButton(filled(this.text.textRemoveRow, { row }), { row: index }));
    return element("tr", {}, element("td", { className: "num text-secondary", textContent: row }), name, ...boxes, remove);
  }

  field(row, column, value, label) {
    const input = element("input", { value, spellcheck: false, autocomplete: "off" });
    input.setAttribute("aria-label", label);
    input.dataset.row = row;
    input.dataset.column = column;
    return input;
  }

  removeButton(label, place) {
    const button = element("button", { type: "button", className: "btn btn-icon btn-sm btn-ghost-secondary", tabIndex: -1 });
    button.setAttribute("aria-label", label);
    button.title = label;
    Object.assign(button.dataset, { remove: "", ...place });
    button.append(this.part("remove-icon").content.cloneNode(true));
    return button;
  }

  // Editing
  listen() {
    this.grid.addEventListener("input", (event) => this.typed(event.target));
    this.grid.addEventListener("keydown", (event) => this.pressed(event));
    this.grid.addEventListener("paste", (event) => this.pasted(event));
    this.grid.addEventListener("click", (event) => this.removed(event.target.closest("[data-remove]")));
    this.part("add-row").addEventListener("click", () => this.grown(() => this.table.addRow(), () => [this.table.rows.length - 1, -1]));
    this.part("add-column").addEventListener("click", () => this.grown(() => this.table.addColumn(this.text.textColumnName), () => [-1, this.table.columns.length - 1]));
    this.part("previous").addEventListener("click", () => this.turn(-PAGE));
    this.part("next").addEventListener("click", () => this.turn(PAGE));
    this.part("save").addEventListener("click", () => this.save());
    document.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== "s") return;
      event.preventDefault();
      this.save();
    });
    window.addEventListener("beforeunload", (event) => this.dirty && event.preventDefault());
  }

  changed() {
    this.dirty = true;
    this.part("dirty").textContent = this.text.textDirty;
  }

  typed(input) {
    this.table.put(Number(input.dataset.row), Number(input.dataset.column), input.value);
    if (input.parentElement.dataset.kind) input.parentElement.dataset.kind = cellKind(input.value);
    input.removeAttribute("aria-invalid");
    this.changed();
  }

  pressed(event) {
    const step = { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.isComposing || event.altKey || !event.target.matches("input")) return;
    event.preventDefault();
    const [row, column] = [Number(event.target.dataset.row) + step, Number(event.target.dataset.column)];
    if (row >= this.table.rows.length) {
      if (event.key !== "Enter" || !this.table.addRow()) return;
      this.changed();
    }
    this.focus(row, column);
  }

  pasted(event) {
    const text = event.clipboardData.getData("text/plain");
    if (!event.target.matches("input") || !/[\t\n\r]/.test(text.trim())) return;
    event.preventDefault();
    const [row, column] = [Number(event.target.dataset.row), Number(event.target.dataset.column)];
    const whole = this.table.paste(pastedRows(text), row, column, this.text.textColumnName);
    this.changed();
    this.draw();
    this.focus(row, column);
    if (!whole) this.say([this.limits()]);
  }

  removed(button) {
    if (!button) return;
    if (button.dataset.row !== undefined) this.table.removeRow(Number(button.dataset.row));
    else this.table.removeColumn(Number(button.dataset.column));
    this.changed();
    this.draw();
  }

  grown(add, place) {
    if (!add()) return this.say([this.limits()]);
    this.changed();
    this.draw();
    return this.focus(...place());
  }

  turn(by) {
    this.first += by;
    this.draw();
    this.focus(this.first, -1);
  }

  focus(row, column) {
    const outside = row >= 0 && (row < this.first || row >= this.first + PAGE);
    if (outside) this.first = PAGE * Math.floor(row / PAGE);
    if (outside || !this.find(row, column)) this.draw();
    const input = this.find(row, column);
    input?.focus();
    input?.select();
  }

  find(row, column) {
    return this.grid.querySelector(`input[data-row="${row}"][data-column="${column}"]`);
  }

  // Saving
  limits() {
    return filled(this.text.textFull, { rows: this.table.mostRows, columns: this.table.mostColumns });
  }

  say(lines) {
    const errors = this.part("errors");
    errors.hidden = lines.length === 0;
    errors.replaceChildren(element("ul", {}, ...lines.map((line) => element("li", { textContent: line }))));
    if (lines.length) errors.scrollIntoView({ block: "nearest" });
  }

  async save() {
    const button = this.part("save");
    button.disabled = true;
    try {
      const { columns, rows } = this.table;
      const answer = await postJson(this.box.dataset.tableEditor, { columns, rows, seen_at: this.seenAt });
      const body = await answer.json();
      if (answer.ok) {
        this.dirty = false;
        location.assign(body.url);
        return;
      }
      this.refused(body);
    } catch {
      this.say([this.text.textLost]);
    }
    button.disabled = false;
  }

  refused({ detail, errors = [] }) {
    this.say(errors.length ? errors.map((error) => error.detail) : [detail]);
    const places = errors.map(({ row, column }) => [row === undefined ? -1 : row - 1, column === undefined ? -1 : this.table.columns.indexOf(column)]);
    if (places.length) this.focus(...places[0]);
    for (const place of places) this.find(...place)?.setAttribute("aria-invalid", "true");
  }
}

async function start(box) {
  const answer = await fetch(box.dataset.tableEditor, { headers: { Accept: "application/json" } });
  new Editor(box, await answer.json());
}

for (const box of document.querySelectorAll("[data-table-editor]")) start(box);
