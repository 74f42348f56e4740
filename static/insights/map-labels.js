// Puts the label of each edge where it covers no component and no other label, as near to the middle as it can be.
const ALONG = [0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73, 0.2, 0.8]; // share of the way, in the order in which it is tried
const ASIDE = [0, -0.25, 0.25]; // share of the label's own width
const PADDING = 6;

const pen = document.createElement("canvas").getContext("2d");

/** Width and height of a label of several lines. */
export function textBox(text, { type, font }) {
  pen.font = `600 ${type}px ${font}`;
  const lines = text.split("\n");
  return { w: Math.max(...lines.map((line) => pen.measureText(line).width)) + 2 * PADDING, h: lines.length * type * 1.35 + 2 * PADDING };
}

/** The way of an edge as points: its ends, and bends or the points of a curve between. */
function way(edge) {
  const [from, to] = [edge.sourceEndpoint(), edge.targetEndpoint()];
  const bends = edge.segmentPoints();
  if (bends) return [from, ...bends, to];
  const [control] = edge.controlPoints() ?? [];
  if (!control) return [from, to];
  const curve = (t) => ({
    x: (1 - t) ** 2 * from.x + 2 * t * (1 - t) * control.x + t ** 2 * to.x,
    y: (1 - t) ** 2 * from.y + 2 * t * (1 - t) * control.y + t ** 2 * to.y,
  });
  return Array.from({ length: 13 }, (_, index) => curve(index / 12));
}

/** The point at the share *t* of the length of a way. */
export function along(points, t) {
  const lengths = points.slice(1).map((point, index) => Math.hypot(point.x - points[index].x, point.y - points[index].y));
  let left = t * lengths.reduce((sum, length) => sum + length, 0);
  for (const [index, length] of lengths.entries()) {
    if (left > length && index < lengths.length - 1) {
      left -= length;
      continue;
    }
    const [from, to, share] = [points[index], points[index + 1], length ? left / length : 0];
    return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
  }
  return points[0];
}

const box = ({ x, y }, { w, h }) => ({ x1: x - w / 2, y1: y - h / 2, x2: x + w / 2, y2: y + h / 2 });

function overlap(a, b) {
  return Math.max(0, Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1)) * Math.max(0, Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1));
}

/** The place of *size* along *points* that covers least of *taken*; ties go to the one nearer to the middle. */
export function bestPlace(points, size, taken) {
  let best = null;
  for (const aside of ASIDE) {
    for (const t of ALONG) {
      const { x, y } = along(points, t);
      const place = { x: x + aside * size.w, y };
      const area = box(place, size);
      const covered = taken.reduce((sum, other) => sum + overlap(area, other), 0);
      if (!best || covered < best.covered - 0.5) best = { place, area, covered };
      if (!covered) return best;
    }
  }
  return best;
}

/** Move all labels; *look* is their {type: size in px, font}. Heavy edges choose first, then the largest labels. */
export function placeLabels(cy, look) {
  const taken = cy.nodes().map((node) => node.boundingBox({ includeLabels: false, includeOverlays: false }));
  const labels = cy.edges().map((edge) => ({ edge, size: textBox(edge.data("text"), look) }));
  const weight = ({ edge, size }) => Number(edge.data("heavy")) * 1e9 + size.w * size.h;
  labels.sort((a, b) => weight(b) - weight(a) || a.edge.id().localeCompare(b.edge.id()));
  cy.batch(() => {
    for (const { edge, size } of labels) {
      const middle = edge.midpoint();
      const { place, area } = bestPlace(way(edge), size, taken);
      taken.push(area);
      edge.data({ shiftX: place.x - middle.x, shiftY: place.y - middle.y });
    }
  });
}
