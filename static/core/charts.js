// <canvas data-chart="id of json_script">: draws {kind, unit, labels, series: [{name, tone, values}]} with Chart.js,
// in the colours of the theme, and puts the same numbers in a table for screen readers.
import "../chartjs/chart.umd.min.js";

const { Chart } = globalThis;
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
const drawn = new Map();

function token(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

const tone = (name) => token(name === "accent" ? "--ih-accent" : `--ih-${name}-fill`);
const faded = (color) => `color-mix(in oklab, ${color} 16%, transparent)`;

const numbers = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
const withUnit = (value, unit) => (value == null ? "–" : `${numbers.format(value)}${unit ? ` ${unit}` : ""}`);

function dataset(series, kind) {
  const color = tone(series.tone ?? "accent");
  const common = { label: series.name, data: series.values, borderColor: color, backgroundColor: color };
  if (kind !== "line") return { ...common, borderWidth: 0, borderRadius: 2, maxBarThickness: 26, stack: kind === "stacked" ? "one" : undefined };
  return {
    ...common, backgroundColor: faded(color), borderWidth: 1.75, pointRadius: series.values.length > 40 ? 0 : 2,
    pointBackgroundColor: color, pointHoverRadius: 4, tension: 0.25, spanGaps: true, fill: Boolean(series.area),
    borderDash: series.dashed ? [4, 4] : undefined,
  };
}

function options(data) {
  const quiet = token("--ih-quiet");
  const line = token("--ih-line");
  const stacked = data.kind === "stacked";
  const axis = { ticks: { color: quiet, font: { size: 11 }, maxRotation: 0, autoSkipPadding: 12 }, border: { display: false } };
  return {
    animation: false, responsive: true, maintainAspectRatio: false, interaction: { mode: "index", intersect: false },
    scales: {
      x: { ...axis, stacked, grid: { display: false } },
      y: {
        ...axis, stacked, beginAtZero: true, grid: { color: line },
        ticks: { ...axis.ticks, maxTicksLimit: 5, precision: data.unit ? undefined : 0, callback: (value) => withUnit(value, data.unit) },
      },
    },
    plugins: {
      legend: { display: data.series.length > 1, position: "bottom", labels: { color: quiet, font: { size: 11 }, usePointStyle: true, pointStyle: data.kind === "line" ? "line" : "rectRounded", pointStyleWidth: data.kind === "line" ? 18 : 9, boxHeight: 8 } },
      tooltip: { callbacks: { label: (item) => ` ${item.dataset.label}: ${withUnit(item.raw, data.unit)}` } },
    },
  };
}

function cell(kind, text, scope) {
  const element = document.createElement(kind);
  element.textContent = text;
  if (scope) element.scope = scope;
  return element;
}

function table(canvas, data) {
  const box = document.createElement("table");
  box.createCaption().textContent = canvas.getAttribute("aria-label") ?? "";
  const head = box.createTHead().insertRow();
  head.append(document.createElement("td"), ...data.series.map((series) => cell("th", series.name, "col")));
  const body = box.createTBody();
  data.labels.forEach((label, index) => {
    const values = data.series.map((series) => cell("td", withUnit(series.values[index], data.unit)));
    body.insertRow().append(cell("th", label, "row"), ...values);
  });
  // A table itself does not shrink to one pixel: it would make the page wider and longer.
  const hidden = document.createElement("div");
  hidden.className = "visually-hidden";
  hidden.append(box);
  return hidden;
}

function draw(canvas) {
  const source = document.getElementById(canvas.dataset.chart);
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const type = data.kind === "line" ? "line" : "bar";
  const datasets = data.series.map((series) => dataset(series, data.kind));
  drawn.get(canvas)?.chart.destroy();
  drawn.get(canvas)?.table.remove();
  canvas.setAttribute("role", "img");
  const numbersTable = table(canvas, data);
  canvas.parentElement.after(numbersTable);
  drawn.set(canvas, { chart: new Chart(canvas, { type, data: { labels: data.labels, datasets }, options: options(data) }), table: numbersTable });
}

/** Draw every chart of *root* again; forget those that left the page. */
export function drawCharts(root = document) {
  for (const [canvas, { chart, table: numbersTable }] of drawn) {
    if (canvas.isConnected) continue;
    chart.destroy();
    numbersTable.remove();
    drawn.delete(canvas);
  }
  for (const canvas of root.querySelectorAll("canvas[data-chart]")) draw(canvas);
}

drawCharts();
document.addEventListener("htmx:afterSettle", (event) => drawCharts(event.detail.elt ?? document));
document.addEventListener("theme:changed", () => drawCharts());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => requestAnimationFrame(() => drawCharts()));
