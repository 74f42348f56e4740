// How the system map looks: the page's own tokens, read at the moment, because Cytoscape paints on a canvas.

/** Measures of the drawing in px. */
export function sizes(compact) {
  return compact
    ? { compact, width: 72, height: 44, type: 10.5, label: 12, icon: 0, rim: 8, mostZoom: 1.2, across: [78, 118], least: 66 }
    : { compact, width: 136, height: 44, type: 13, label: 11.5, icon: 16, rim: 18, mostZoom: 1.1, across: [160, 230], least: 100 };
}

const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

// Cytoscape reads rgb() only; the tokens are oklch() and light-dark().
function token(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  pixel.fillStyle = getComputedStyle(probe).color;
  probe.remove();
  pixel.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pixel.getImageData(0, 0, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}

function iconUrl(kind, color) {
  const drawing = document.querySelector(`template[data-kind-icon="${kind}"]`)?.content.querySelector("svg")?.cloneNode(true);
  if (!drawing) return "none";
  const look = { xmlns: "http://www.w3.org/2000/svg", width: 24, height: 24, fill: "none", stroke: color, "stroke-width": 1.75, "stroke-linecap": "round", "stroke-linejoin": "round" };
  for (const [name, value] of Object.entries(look)) drawing.setAttribute(name, value);
  return `data:image/svg+xml,${encodeURIComponent(drawing.outerHTML)}`;
}

const SHAPES = { service: "round-rectangle", database: "barrel", queue: "round-tag", third_party: "round-rectangle", client: "round-octagon" };

function nodes(size, color) {
  const base = {
    label: "data(label)", width: size.width, height: size.height, "background-color": color.surface, "border-color": color.quiet,
    "border-width": 1.25, color: color.text, "font-size": size.type, "font-weight": 600, "line-height": 1.25, "font-family": color.font,
    "text-valign": "center", "text-wrap": "wrap", "text-max-width": size.width - (size.icon ? size.icon + 24 : 6), "text-margin-x": size.icon / 2, "overlay-opacity": 0,
  };
  const kinds = Object.entries(SHAPES).map(([kind, shape]) => ({
    selector: `node.${kind}`,
    style: {
      shape,
      ...(size.icon ? {
        "background-image": iconUrl(kind, color.quiet), "background-width": `${size.icon}px`, "background-height": `${size.icon}px`, "background-position-x": "11px",
      } : {}),
    },
  }));
  return [
    { selector: "node", style: base },
    ...kinds,
    { selector: "node.queue", style: size.compact ? {} : { width: size.width * 1.12, "text-margin-x": size.icon / 3 } },
    { selector: "node.third_party", style: { "border-style": "dashed", "border-width": 1.5 } },
    { selector: "node.client", style: { "background-color": color.sunken } },
    { selector: "node.chosen", style: { "border-color": color.accent, "border-width": 3, "border-style": "solid" } },
  ];
}

const TONES = ["passed", "failed", "blocked", "unknown"];

function edges(size, color) {
  const tones = TONES.map((tone) => ({
    selector: `edge[tone = "${tone}"]`,
    style: { "line-color": color.fill[tone], "target-arrow-color": color.fill[tone], color: color.ink[tone], "text-border-color": color.fill[tone] },
  }));
  return [
    {
      selector: "edge",
      style: {
        width: 1.75, "curve-style": "bezier", "control-point-step-size": size.compact ? 34 : 74, "target-arrow-shape": "triangle", "arrow-scale": 0.9,
        label: "data(text)", "font-size": size.label, "font-family": color.font, "font-weight": size.compact ? 700 : 500, "text-wrap": "wrap",
        "text-max-width": 260, "line-height": 1.35, "text-margin-x": "data(shiftX)", "text-margin-y": "data(shiftY)", "text-background-color": color.surface, "text-background-opacity": 0.94,
        "text-background-shape": "roundrectangle", "text-background-padding": 4, "text-border-width": 1, "text-border-opacity": 0.55, "overlay-opacity": 0,
      },
    },
    { selector: "edge.bent", style: { "curve-style": "round-segments", "segment-weights": "data(weights)", "segment-distances": "data(distances)", "segment-radii": 40, "edge-distances": "node-position" } },
    ...tones,
    { selector: "edge.dashed", style: { "line-style": "dashed", "line-dash-pattern": [7, 4] } },
    { selector: "edge.dotted", style: { "line-style": "dotted" } },
    { selector: "edge.heavy", style: { width: 3 } },
    { selector: "edge.quiet", style: { opacity: 0.22 } },
    { selector: "edge.chosen, edge.pointed", style: { opacity: 1, width: 4, "underlay-color": color.accent, "underlay-opacity": 0.22, "underlay-padding": 6, "z-index": 9 } },
  ];
}

/** Cytoscape's style sheet in the colours of the present theme. */
export function mapStyle(size) {
  const each = (suffix) => Object.fromEntries(TONES.map((tone) => [tone, token(`--ih-${tone === "unknown" ? "skipped" : tone}${suffix}`)]));
  const color = {
    text: token("--ih-text"), quiet: token("--ih-quiet"), surface: token("--ih-surface"), sunken: token("--ih-sunken"), accent: token("--ih-accent"),
    fill: each("-fill"), ink: each(""), font: getComputedStyle(document.body).fontFamily,
  };
  return [...nodes(size, color), ...edges(size, color)];
}
