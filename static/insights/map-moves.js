// Components are moved by hand: dragged, or by the arrow keys the one that the panel shows. Where they are put is kept
// for the whole team: by one request when a drag has ended, and one when the keys have come to rest.
import { confirmed } from "../core/confirm.js";
import { csrfToken, postJson } from "../core/csrf.js";
import { toast } from "../core/toast.js";

const REST = 600; // ms without a further key
const STEP = 0.25; // of a column or row; with Shift a whole one
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * ``canvas[data-places]`` is the address that keeps places; without it the person may only look.
 * *graph()* is {cy, toPixels, fromPixels}; *chosen()* the id of the component that the keys move; *put(id, place)* is
 * told of each move, *settled()* when all is kept, *refused()* when something was not.
 */
export class Moves {
  count = 0; // grows with each move, so that whoever asked for the map before knows that the answer is old
  #waiting = new Map();
  #timer = 0;
  #sending = false;
  #held = false;
  #hooks;

  constructor(canvas, hooks) {
    this.canvas = canvas;
    this.allowed = Boolean(canvas.dataset.places);
    this.byTouch = !matchMedia("(pointer: coarse)").matches; // there a finger scrolls the page until the button is pressed
    this.#hooks = hooks;
    for (const type of ["touchmove", "touchend"]) canvas.addEventListener(type, (event) => this.#letScroll(event), true);
    if (!this.allowed) return;
    document.addEventListener("keydown", (event) => this.#press(event));
    document.addEventListener("click", ({ target }) => {
      if (target.closest("[data-map-arrange]")) this.#forget();
      const toggle = target.closest("[data-map-move]");
      if (toggle) this.#toggle(toggle);
    });
    addEventListener("pagehide", () => this.#send());
  }

  /** Whether something is being moved, or is moved and not kept yet. */
  get busy() {
    return this.#held || this.#sending || this.#waiting.size > 0;
  }

  get grabbable() {
    return this.allowed && this.byTouch;
  }

  /** A graph that has been drawn anew. */
  watch(cy) {
    cy.on("drag", "node", ({ target }) => {
      if (!this.#held) straighten(target);
      this.#held = true;
    });
    cy.on("free", "node", ({ target }) => {
      if (!this.#held) return;
      this.#held = false;
      this.#moved(target);
      this.#send();
    });
  }

  // Cytoscape keeps the page from scrolling under a finger that came down on a component or a line, also when it can do
  // nothing with it. Two fingers and components that are being moved stay its own, and so do taps.
  #letScroll(event) {
    const scrolls = event.type === "touchmove" && event.touches.length === 1 && !this.grabbable;
    if (scrolls || !event.cancelable) event.preventDefault = () => {};
  }

  #moved(node) {
    const place = this.#hooks.graph().fromPixels(node.position());
    this.count += 1;
    this.#waiting.set(node.id(), place);
    this.#hooks.put(node.id(), place);
  }

  #press(event) {
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.metaKey || event.altKey || this.#held) return;
    if (event.target !== this.canvas && !event.target.matches?.(".map-title")) return;
    const { cy, toPixels, fromPixels } = this.#hooks.graph();
    const node = cy.getElementById(this.#hooks.chosen());
    if (node.empty()) return;
    event.preventDefault();
    const from = fromPixels(node.position());
    const by = event.shiftKey ? 1 : STEP;
    straighten(node);
    node.position(toPixels({ x: from.x + by * arrow[0], y: from.y + by * arrow[1] }));
    show(cy, node);
    this.#moved(node);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), REST);
  }

  async #send() {
    clearTimeout(this.#timer);
    if (this.#sending || !this.#waiting.size) return;
    const names = [...this.#waiting.keys()].map((id) => this.#hooks.graph().cy.getElementById(id).data("name"));
    const places = Object.fromEntries(this.#waiting);
    this.#waiting.clear();
    this.#sending = true;
    const answer = await postJson(this.canvas.dataset.places, { places }, { keepalive: true }).catch(() => null);
    this.#sending = false;
    if (answer?.ok) this.#kept(names);
    else await this.#refused(answer);
    if (this.#waiting.size) this.#send(); // moved while the request was on its way
  }

  #kept(names) {
    for (const button of document.querySelectorAll("[data-map-arrange]")) button.hidden = false;
    const said = document.getElementById("map-said");
    said.textContent = said.dataset.textMoved.replace("{name}", names.join(", "));
    if (!this.busy) this.#hooks.settled();
  }

  async #refused(answer) {
    const problem = await answer?.json().catch(() => null);
    const why = problem?.errors?.[0]?.detail ?? problem?.detail ?? document.getElementById("toasts").dataset.unreachable;
    toast(`${this.canvas.dataset.textUnsaved} ${why}`);
    this.#waiting.clear();
    this.#hooks.refused();
  }

  async #forget() {
    const { question, yes } = document.querySelector("[data-map-arrange]").dataset;
    if (!(await confirmed(question, yes))) return;
    const answer = await fetch(this.canvas.dataset.places, {
      method: "DELETE", headers: { Accept: "application/json", "X-CSRFToken": csrfToken() },
    }).catch(() => null);
    if (!answer?.ok) return void (await this.#refused(answer));
    this.count += 1;
    for (const button of document.querySelectorAll("[data-map-arrange]")) button.hidden = true;
    this.canvas.focus();
    this.#hooks.settled();
  }

  #toggle(button) {
    this.byTouch = !this.byTouch;
    button.setAttribute("aria-pressed", String(this.byTouch));
    this.canvas.classList.toggle("is-moving", this.byTouch);
    this.#hooks.graph().cy.autoungrabify(!this.byTouch);
  }
}

// The bends went round components between its old place and its neighbours.
function straighten(node) {
  node.connectedEdges().removeClass("bent");
}

function show(cy, node) {
  const box = node.renderedBoundingBox({ includeLabels: false });
  if (box.x1 < 0 || box.y1 < 0 || box.x2 > cy.width() || box.y2 > cy.height()) cy.center(node);
}
