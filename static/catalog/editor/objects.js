// A list of forms: parts of a body, messages of a conversation. Each can be removed; one is added at the end.
import { changed, clone } from "./dom.js";
import { say } from "./data.js";

/** The list of *field*'s forms within *node*, filled with *value*; *make* gives the form of one. */
export function objectList(field, value, node, make) {
  const rows = clone("t-rows");
  const list = rows.querySelector("ul");
  const more = rows.querySelector(".ed-more");
  let parts = [];
  list.classList.add("ed-objects");
  more.querySelector("span").textContent = say("add", { name: field.item });
  node.querySelector(".ed-control").append(rows);

  function name() {
    parts.forEach((part, index) => part.remove.setAttribute("aria-label", say("remove", { name: `${field.label} ${index + 1}` })));
  }

  function add(given) {
    const item = clone("t-object");
    const form = make(given);
    const part = { item, form, remove: item.querySelector("[data-remove-object]") };
    item.append(form.node);
    part.remove.addEventListener("click", () => {
      const index = parts.indexOf(part);
      parts = parts.filter((other) => other !== part);
      item.remove();
      name();
      (parts[Math.max(index - 1, 0)]?.form ?? more).focus();
      changed(node);
    });
    parts.push(part);
    list.append(item);
    name();
    return part;
  }

  more.addEventListener("click", () => {
    add({}).form.focus();
    changed(node);
  });
  for (const given of value?.length ? value : [{}]) add(given);
  return {
    field,
    node,
    focus: () => (parts[0]?.form ?? more).focus(),
    get: () => (parts.length ? parts.map((part) => part.form.get()) : undefined),
    trouble: () => "",
    troubles: () => parts.flatMap((part) => part.form.troubles()),
    locate: ([index, ...rest]) => parts[index]?.form.locate(rest) ?? parts[index]?.item ?? node,
  };
}
