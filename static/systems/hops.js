// The path of a workflow as an ordered list: add, remove, move by buttons, keys (Alt+Up, Alt+Down) and dragging.
function setUp(box) {
  const list = box.querySelector("[data-hops-list]");
  const choice = box.querySelector("[data-hops-choice]");
  const said = box.querySelector("[data-hops-said]");

  const hops = () => [...list.children];
  const renumber = () => box.classList.toggle("is-empty", list.children.length === 0);
  const say = (hop) => {
    const place = { n: hops().indexOf(hop) + 1, all: list.children.length };
    said.textContent = said.dataset.textMoved.replace(/\{(\w+)\}/g, (_, name) => place[name]);
  };

  function move(hop, step) {
    const target = hops()[hops().indexOf(hop) + step];
    if (!target) return;
    if (step < 0) target.before(hop);
    else target.after(hop);
    say(hop);
  }

  function add() {
    const template = box.querySelector(`template[data-hop="${CSS.escape(choice.value)}"]`);
    if (!template) return void choice.focus();
    list.append(template.content.cloneNode(true));
    renumber();
    choice.value = "";
    choice.focus();
    say(list.lastElementChild);
  }

  function remove(hop) {
    const next = hop.nextElementSibling ?? hop.previousElementSibling ?? choice;
    hop.remove();
    renumber();
    next.focus();
    said.textContent = said.dataset.textRemoved;
  }

  box.addEventListener("click", (event) => {
    const hop = event.target.closest(".hop");
    const pressed = (name) => event.target.closest(`[data-hop-${name}]`);
    if (event.target.closest("[data-hops-add]")) add();
    else if (pressed("up")) (move(hop, -1), pressed("up").focus());
    else if (pressed("down")) (move(hop, 1), pressed("down").focus());
    else if (pressed("remove")) remove(hop);
  });

  box.addEventListener("keydown", (event) => {
    const hop = event.target.closest(".hop");
    if (event.target === choice && event.key === "Enter") return void (event.preventDefault(), add());
    if (!hop || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    move(hop, event.key === "ArrowUp" ? -1 : 1);
    event.target.focus();
  });

  let dragged = null;
  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest(".hop");
    dragged?.classList.add("is-dragged");
    event.dataTransfer.effectAllowed = "move";
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest(".hop");
    if (!dragged || !over) return;
    event.preventDefault();
    if (over === dragged) return;
    const { top, height } = over.getBoundingClientRect();
    if (event.clientY < top + height / 2) over.before(dragged);
    else over.after(dragged);
  });
  list.addEventListener("dragend", () => {
    dragged?.classList.remove("is-dragged");
    if (dragged) say(dragged);
    dragged = null;
  });
  renumber();
}

for (const box of document.querySelectorAll("[data-hops]")) setUp(box);
