// Draws the system map with Cytoscape. What it shows is said by the list beside it, too; a click asks for the panel.
import cytoscape from "../cytoscape/cytoscape.esm.min.mjs";
import { placeLabels } from "./map-labels.js";
import { Moves } from "./map-moves.js";
import { grid } from "./map-places.js";
import { mapStyle, sizes } from "./map-style.js";

const canvas = document.querySelector("[data-map]");
let drawn = document.getElementById(canvas.dataset.map).textContent;
let data = JSON.parse(drawn);
const panel = document.getElementById("map-panel");
const NARROW = 560; // px of the graph below which it is drawn compactly

const isNarrow = () => canvas.clientWidth < NARROW;
let size = {};
let cy = null;
let measured = null; // the grid of the present size
let byHand = false; // zoomed or moved: a resize keeps what the person looks at

// Cytoscape wants bends as distances from the straight line and weights along it.
function bends(edge, ends, place) {
  const [from, to] = [ends.get(edge.source), ends.get(edge.target)];
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const points = edge.bends.map(place).map(({ x, y }) => [x - from.x, y - from.y]);
  return {
    weights: points.map(([x, y]) => (x * dx + y * dy) / length ** 2),
    distances: points.map(([x, y]) => (-x * dy + y * dx) / length),
  };
}

function elements(font) {
  const texts = new Map(data.edges.map((edge) => [edge.id, text(edge)]));
  measured = grid(data, texts, size, { wide: canvas.clientWidth, high: canvas.clientHeight, font });
  const ends = new Map(data.nodes.map((node) => [node.id, measured.toPixels(node)]));
  const nodes = data.nodes.map((node) => ({
    data: { ...node, label: node.version && !size.compact ? `${node.name}\n${node.version}` : node.name },
    position: ends.get(node.id),
    classes: node.kind,
  }));
  const edges = data.edges.map((edge) => ({
    data: { ...edge, text: texts.get(edge.id), shiftX: 0, shiftY: 0, ...bends(edge, ends, measured.toPixels) },
    classes: [edge.line, edge.heavy && "heavy", edge.quiet && "quiet", edge.bends.length && "bent"].filter(Boolean).join(" "),
  }));
  return [...nodes, ...edges];
}

const text = (edge) => (size.compact ? edge.short : edge.label);

function fit() {
  byHand = false;
  cy.fit(cy.elements(), size.rim);
  if (cy.zoom() > size.mostZoom) cy.zoom(size.mostZoom);
  cy.center();
}

function draw() {
  cy?.destroy();
  size = sizes(isNarrow());
  const font = getComputedStyle(document.body).fontFamily;
  cy = cytoscape({
    container: canvas,
    elements: elements(font),
    style: mapStyle(size),
    layout: { name: "preset" },
    minZoom: 0.15,
    maxZoom: 3,
    autoungrabify: !moves.grabbable,
    autounselectify: true,
    boxSelectionEnabled: false,
    userZoomingEnabled: false, // the wheel scrolls the page; Ctrl and the wheel, buttons and keys zoom
    userPanningEnabled: !matchMedia("(pointer: coarse)").matches,
  });
  cy.on("tap", "node", ({ target }) => ask({ component: target.id() }));
  cy.on("tap", "edge", ({ target }) => ask(chosen(target.data())));
  cy.on("mouseover", "node, edge", () => canvas.classList.add("is-pointing"));
  cy.on("mouseout", "node, edge", () => canvas.classList.remove("is-pointing"));
  cy.on("viewport", () => (byHand = true));
  moves.watch(cy);
  placeLabels(cy, { type: size.label, font });
  fit();
  mark();
}

const chosen = ({ points, source, target }) => (points.length === 1 ? { point: points[0] } : { from: source, to: target });

function ask(selection) {
  const query = new URLSearchParams(canvas.dataset.kept);
  for (const [name, value] of Object.entries(selection)) query.set(name, value);
  window.htmx.ajax("GET", `${canvas.dataset.panel}?${query}`, { target: panel, swap: "innerHTML" });
}

// What the panel shows is marked in the graph.
function mark() {
  const shown = panel.querySelector("[data-selected-point], [data-selected-component], [data-selected-from]")?.dataset ?? {};
  cy.elements().removeClass("chosen");
  if (shown.selectedComponent) cy.getElementById(shown.selectedComponent).addClass("chosen");
  else if (shown.selectedFrom) cy.getElementById(`${shown.selectedFrom}>${shown.selectedTo}`).addClass("chosen");
  else if (shown.selectedPoint) withPoint(shown.selectedPoint).addClass("chosen");
}

const withPoint = (slug) => cy.edges().filter((edge) => edge.data("points").includes(slug));

function zoom(by) {
  const center = { x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 };
  cy.zoom({ level: cy.zoom() * by, renderedPosition: center });
  cy.userPanningEnabled(true);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-zoom]");
  if (!button) return;
  if (button.dataset.zoom === "fit") fit();
  else zoom(button.dataset.zoom === "in" ? 1.3 : 1 / 1.3);
});
canvas.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  zoom(Math.exp(-event.deltaY / 300));
}, { passive: false });

function point(event, lit) {
  const row = event.target.closest?.("[data-seam]");
  if (row) withPoint(row.dataset.seam).toggleClass("pointed", lit);
}
panel.addEventListener("pointerover", (event) => point(event, true));
panel.addEventListener("pointerout", (event) => point(event, false));
panel.addEventListener("focusin", (event) => point(event, true));
panel.addEventListener("focusout", (event) => point(event, false));
panel.addEventListener("htmx:afterSettle", () => {
  cy.edges().removeClass("pointed");
  mark();
  panel.scrollTop = 0;
  panel.querySelector(".map-title")?.focus({ preventScroll: true });
  if (!matchMedia("(min-width: 1100px)").matches) panel.scrollIntoView({ block: "start", behavior: "smooth" });
});

let waiting = 0;
new ResizeObserver(() => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(() => {
    if (isNarrow() !== size.compact) draw();
    else if (!byHand) fit();
  });
}).observe(canvas);

// A component was moved here: what is drawn next, and compared with news, has it in its new place.
function put(id, place) {
  Object.assign(data.nodes.find((node) => node.id === id), place);
  for (const edge of data.edges) if (edge.source === id || edge.target === id) edge.bends = [];
  byHand = true;
  placeLabels(cy, { type: size.label, font: getComputedStyle(document.body).fontFamily });
}

const moves = new Moves(canvas, {
  graph: () => ({ cy, ...measured }),
  chosen: () => panel.querySelector("[data-selected-component]")?.dataset.selectedComponent ?? "",
  put,
  settled: refresh,
  refused: () => (redraw(drawn), refresh()),
});

// News of runs and of places: the page is asked for again, and only what changed is shown anew; focus, scroll and zoom
// stay. What was asked before a component was moved here would throw it back: it is asked again when that is kept.
async function refresh() {
  if (moves.busy) return;
  const { count } = moves;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(canvas.dataset.map)?.textContent;
  if (!fresh || moves.busy) return;
  if (moves.count !== count) return void refresh();
  if (JSON.stringify(data) === JSON.stringify(JSON.parse(fresh))) drawn = fresh;
  else redraw(fresh);
  for (const part of [".map-legend", "[data-map-arrange]"]) document.querySelector(part)?.replaceWith(page.querySelector(part));
  if (panel.contains(document.activeElement)) return;
  const scrolled = panel.scrollTop;
  panel.replaceChildren(...page.getElementById("map-panel").childNodes);
  window.htmx.process(panel);
  panel.scrollTop = scrolled;
  mark();
}

function redraw(fresh) {
  const view = byHand && { zoom: cy.zoom(), pan: { ...cy.pan() } };
  drawn = fresh;
  data = JSON.parse(fresh);
  draw();
  if (view) cy.viewport(view);
}

for (const news of ["live:runs", "live:map"]) document.body.addEventListener(news, refresh);
document.body.addEventListener("live:poll", refresh);
document.addEventListener("theme:changed", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => requestAnimationFrame(draw));
draw();
