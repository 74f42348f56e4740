// From places in widths of a component and layers to px: columns as wide as the canvas allows, rows as high as their
// labels need. Rows are measured by where the layout puts components: moving one by hand moves no other.
import { textBox } from "./map-labels.js";

const SPREAD = 1.7; // room that labels need beyond their own area, because edges run at an angle
const between = (low, value, high) => Math.max(low, Math.min(value, high));
const rounded = (value) => Math.round(value * 1000) / 1000;

/** Area of the labels that stand between each layer and the next. */
function labelAreas(data, texts, size, font) {
  const row = new Map(data.nodes.map((node) => [node.id, node.row]));
  const areas = Array(Math.max(data.layers - 1, 0)).fill(0);
  for (const edge of data.edges) {
    const [a, b] = [row.get(edge.source), row.get(edge.target)];
    const { w, h } = textBox(texts.get(edge.id), { type: size.label, font });
    areas[Math.floor((a + b - 1) / 2)] += w * h;
  }
  return areas;
}

/** The grid of a canvas of *wide* × *high*: ``toPixels({x, y})`` of the data, and back with ``fromPixels``. */
export function grid(data, texts, size, { wide, high, font }) {
  const across = between(size.across[0], (wide - 2 * size.rim - size.width) / Math.max(data.width - 1, 1), size.across[1]);
  const span = Math.max(data.width, 2) * across;
  const needs = labelAreas(data, texts, size, font).map((area) => Math.max(size.least, size.height + 34 + (SPREAD * area) / span));
  const needed = needs.reduce((sum, need) => sum + need, 0);
  const stretch = needed ? between(1, (high - 2 * size.rim - size.height) / needed, 1.35) : 1;
  const tops = [0];
  for (const need of needs.length ? needs : [size.least]) tops.push(tops.at(-1) + need * stretch);
  const last = tops.length - 2; // the row that begins the last room; above and below the rows go on as at the ends
  const top = (y) => {
    const row = between(0, Math.floor(y), last);
    return tops[row] + (y - row) * (tops[row + 1] - tops[row]);
  };
  const layer = (pixels) => {
    const row = between(0, tops.findLastIndex((one) => one <= pixels), last);
    return row + (pixels - tops[row]) / (tops[row + 1] - tops[row]);
  };
  return {
    toPixels: ({ x, y }) => ({ x: x * across, y: top(y) }),
    fromPixels: ({ x, y }) => ({ x: rounded(x / across), y: rounded(layer(y)) }),
  };
}
