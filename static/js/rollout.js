// The charts of the guards: both versions and the limit over time, asked for every few seconds.

const ASK_EVERY_MS = 5000;
const HEIGHT_PX = 170;

const box = document.getElementById("charts");
const plots = new Map();

/** The colours of the page, as this scheme has them: a canvas knows no custom properties. */
function colours() {
  const found = {};
  for (const sample of document.querySelectorAll("[data-colour]")) {
    found[sample.dataset.colour] = getComputedStyle(sample).color;
  }
  return found;
}

/** Times of this page are in UTC. */
function clock(at_s) {
  return new Date(at_s * 1000).toISOString().slice(11, 19);
}

function options(width) {
  const { base, candidate, limit, text, grid } = colours();
  const lines = { stroke: grid, width: 1 };
  const axis = { stroke: text, grid: lines, ticks: lines, font: "11px system-ui" };
  const hidden = { show: false };
  return {
    width,
    height: HEIGHT_PX,
    legend: hidden,
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _low, high) => [0, (high || 1) * 1.1] } },
    axes: [{ ...axis, space: 70, values: (_plot, moments) => moments.map(clock) }, { ...axis, size: 46 }],
    series: [
      {},
      { stroke: base, width: 2, points: hidden },
      { stroke: candidate, width: 2, points: hidden },
      { stroke: limit, width: 1.5, dash: [5, 4], points: hidden },
    ],
  };
}

function draw(figure, lines) {
  const place = figure.querySelector(".chart__plot");
  const data = [lines.at, lines.base, lines.candidate, lines.limit];
  const known = plots.get(figure);
  if (known) known.setData(data);
  else plots.set(figure, new uPlot(options(figure.clientWidth), data, place));
}

function redraw() {
  for (const plot of plots.values()) plot.destroy();
  plots.clear();
  return ask();
}

async function ask() {
  const answer = await fetch(box.dataset.series, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const series = await answer.json();
  for (const figure of box.querySelectorAll("[data-metric]")) {
    const lines = series[figure.dataset.metric];
    if (lines) draw(figure, lines);
  }
}

if (box) {
  ask();
  if ("live" in box.dataset) setInterval(() => document.hidden || ask(), ASK_EVERY_MS);
  new ResizeObserver(() => {
    for (const [figure, plot] of plots) plot.setSize({ width: figure.clientWidth, height: HEIGHT_PX });
  }).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
