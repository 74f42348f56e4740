// From layers and slots to places in px: columns as wide as the canvas allows, rows as high as their labels need.
import { textBox } from "./map-labels.js";

const SPREAD = 1.7; // room that labels need beyond their own area, because edges run at an angle
const between = (low, value, high) => Math.max(low, Math.min(value, high));

/** Area of the labels that stand between each layer and the next. */
function labelAreas(data, texts, size, font) {
  const layer = new Map(data.nodes.map((node) => [node.id, node.layer]));
  const areas = Array(Math.max(data.layers - 1, 0)).fill(0);
  for (const edge of data.edges) {
    const [a, b] = [layer.get(edge.source), layer.get(edge.target)];
    const { w, h } = textBox(texts.get(edge.id), { type: size.label, font });
    areas[Math.floor((a + b - 1) / 2)] += w * h;
  }
  return areas;
}

/** ``place({layer, slot})`` → {x, y} for a canvas of *wide* × *high*. */
export function places(data, texts, size, { wide, high, font }) {
  const across = between(size.across[0], (wide - 2 * size.rim - size.width) / Math.max(data.width - 1, 1), size.across[1]);
  const span = Math.max(data.width, 2) * across;
  const needs = labelAreas(data, texts, size, font).map((area) => Math.max(size.least, size.height + 34 + (SPREAD * area) / span));
  const needed = needs.reduce((sum, need) => sum + need, 0);
  const stretch = between(1, (high - 2 * size.rim - size.height) / needed, 1.35);
  const tops = [0];
  for (const need of needs) tops.push(tops.at(-1) + need * stretch);
  return ({ layer, slot }) => ({ x: slot * across, y: tops[layer] });
}
