// The comment field: `@` offers the people of the team, Ctrl+Enter sends, and what was typed is kept in this tab
// until it has been sent.
const MOST = 6;
const HANDLE = /(^|[\s(])@([\w.+-]*)$/;

function people(field) {
  const source = document.getElementById(field.dataset.mentions);
  return source ? JSON.parse(source.textContent) : [];
}

/** People whose handle or name begins with *typed*, or has a word that does. */
export function offered(all, typed) {
  const wanted = typed.toLowerCase();
  const fits = ({ handle, name }) => [handle, ...name.split(" ")].some((word) => word.toLowerCase().startsWith(wanted));
  return all.filter(fits).slice(0, MOST);
}

function typed(field) {
  return field.value.slice(0, field.selectionStart).match(HANDLE);
}

class Offer {
  constructor(field) {
    this.field = field;
    this.all = people(field);
    this.list = Object.assign(document.createElement("ul"), { className: "mention-list", id: "mention-list", hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", field.labels[0].textContent);
    field.parentElement.append(this.list);
    field.setAttribute("aria-controls", this.list.id);
    field.setAttribute("aria-autocomplete", "list");
    field.addEventListener("input", () => this.show());
    field.addEventListener("keydown", (event) => this.key(event));
    field.addEventListener("blur", () => setTimeout(() => this.hide(), 150));
  }

  show() {
    const match = typed(this.field);
    this.shown = match ? offered(this.all, match[2]) : [];
    this.list.replaceChildren(...this.shown.map((person, index) => this.option(person, index)));
    this.list.hidden = !this.shown.length;
    this.choose(0);
  }

  option({ handle, name }, index) {
    const line = Object.assign(document.createElement("li"), { id: `mention-${index}`, textContent: name });
    line.setAttribute("role", "option");
    line.append(Object.assign(document.createElement("small"), { textContent: `@${handle}` }));
    line.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.take(index);
    });
    return line;
  }

  choose(index) {
    if (!this.shown.length) return this.field.removeAttribute("aria-activedescendant");
    this.chosen = (index + this.shown.length) % this.shown.length;
    [...this.list.children].forEach((line, at) => line.setAttribute("aria-selected", String(at === this.chosen)));
    return this.field.setAttribute("aria-activedescendant", `mention-${this.chosen}`);
  }

  key(event) {
    if (this.list.hidden) return;
    if (event.key === "ArrowDown") this.choose(this.chosen + 1);
    else if (event.key === "ArrowUp") this.choose(this.chosen - 1);
    else if (event.key === "Enter" || event.key === "Tab") this.take(this.chosen);
    else if (event.key === "Escape") this.hide();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  take(index) {
    const end = this.field.selectionStart;
    const start = end - typed(this.field)[2].length;
    this.field.setRangeText(`${this.shown[index].handle} `, start, end, "end");
    this.hide();
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  hide() {
    this.list.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
  }
}

function keep(form, field) {
  const key = `comment ${location.pathname}`;
  field.value ||= sessionStorage.getItem(key) ?? "";
  field.addEventListener("input", () => sessionStorage.setItem(key, field.value));
  form.addEventListener("submit", () => sessionStorage.removeItem(key));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}

for (const field of document.querySelectorAll("textarea[data-mentions]")) {
  new Offer(field);
  keep(field.form, field);
}
