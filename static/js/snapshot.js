// The path, the box and the zones of an event over its snapshot.

import { crisp } from "./picture.js";

const stage = document.getElementById("snapshot");
const ZONE_COLOURS = { watch: "#5fd0d8", ignore: "#9aa7b5", read_text: "#f2c14e", privacy_mask: "#f58f7c", cover: "#c9a3f0" };

function trace(context, points, width, height) {
  context.beginPath();
  points.forEach(([x, y], index) => (index ? context.lineTo(x * width, y * height) : context.moveTo(x * width, y * height)));
}

function draw(canvas, drawing, withPath) {
  const context = crisp(canvas);
  const { clientWidth: width, clientHeight: height } = canvas;
  for (const zone of drawing.zones) {
    trace(context, zone.polygon, width, height);
    context.closePath();
    context.strokeStyle = ZONE_COLOURS[zone.kind] ?? "#ffffff";
    context.setLineDash([6, 5]);
    context.stroke();
  }
  context.setLineDash([]);
  if (!withPath || !drawing.path.length) return;
  context.lineWidth = 2;
  context.strokeStyle = "#5fd0d8";
  trace(context, drawing.path, width, height);
  context.stroke();
  const [x, y] = drawing.path.at(-1);
  context.beginPath();
  context.arc(x * width, y * height, 4, 0, 2 * Math.PI);
  context.fillStyle = "#5fd0d8";
  context.fill();
}

if (stage) {
  const drawing = JSON.parse(document.getElementById("drawing").textContent);
  const canvas = stage.querySelector("canvas");
  const withPath = document.getElementById("show-path");
  const redraw = () => draw(canvas, drawing, withPath.checked);
  withPath.addEventListener("change", redraw);
  new ResizeObserver(redraw).observe(canvas);
}
