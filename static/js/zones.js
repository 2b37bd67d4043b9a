// The zone editor: points by mouse or touch on the redacted live picture, or typed into a list.

import { crisp } from "./picture.js";
import { LiveSocket } from "./socket.js";

const COLOURS = { watch: "#4fc3cf", ignore: "#9aa7b5", read_text: "#e8b93c", privacy_mask: "#ef6f6c", cover: "#c792ea" };
const GRAB_PX = 14;

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const editor = document.getElementById("editor");
const over = editor.querySelector("[data-over]");
const picture = editor.querySelector("[data-picture]");
const form = document.getElementById("zone-form");
const list = document.getElementById("points");
const words = read("point-words");
const others = read("other-zones");

const field = form.elements.polygon;
let points = field.value ? JSON.parse(field.value) : [];
let dragged = -1;

const within = (share) => Math.max(0, Math.min(1, share));
const rounded = (share) => Math.round(share * 10000) / 10000;

function outline(context, polygon, colour, active) {
  const { clientWidth: width, clientHeight: height } = over;
  context.beginPath();
  polygon.forEach(([x, y], index) => (index ? context.lineTo(x * width, y * height) : context.moveTo(x * width, y * height)));
  context.closePath();
  context.lineWidth = active ? 2 : 1.5;
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.setLineDash(active ? [] : [6, 5]);
  context.globalAlpha = active ? 0.22 : 0.1;
  context.fill();
  context.globalAlpha = 1;
  context.stroke();
  context.setLineDash([]);
}

function draw() {
  const context = crisp(over);
  const { clientWidth: width, clientHeight: height } = over;
  for (const zone of others) outline(context, zone.polygon, COLOURS[zone.kind], false);
  const colour = COLOURS[form.elements.kind.value] ?? COLOURS.watch;
  if (points.length > 1) outline(context, points, colour, true);
  for (const [x, y] of points) {
    context.beginPath();
    context.arc(x * width, y * height, 5.5, 0, 2 * Math.PI);
    context.fillStyle = "#ffffff";
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = colour;
    context.stroke();
  }
}

function numberInput(index, axis) {
  const input = document.createElement("input");
  Object.assign(input, { type: "number", min: 0, max: 100, step: 0.1, value: (points[index][axis] * 100).toFixed(1) });
  input.setAttribute("aria-label", (axis ? words.y : words.x).replace("{n}", index + 1));
  input.addEventListener("input", () => {
    points[index][axis] = within(Number(input.value) / 100);
    changed(false);
  });
  return input;
}

function removeButton(index) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "button button--icon button--plain", textContent: "×" });
  button.setAttribute("aria-label", words.remove.replace("{n}", index + 1));
  button.addEventListener("click", () => {
    points.splice(index, 1);
    changed();
  });
  return button;
}

function showList() {
  list.replaceChildren(...points.map((_point, index) => {
    const row = document.createElement("li");
    const number = document.createElement("span");
    number.textContent = index + 1;
    row.append(number, numberInput(index, 0), numberInput(index, 1), removeButton(index));
    return row;
  }));
}

function changed(withList = true) {
  field.value = points.length ? JSON.stringify(points.map((point) => point.map(rounded))) : "";
  if (points.length >= 3) document.getElementById("points-problem").hidden = true;
  if (withList) showList();
  draw();
}

function shareOf(event) {
  const area = over.getBoundingClientRect();
  return [within((event.clientX - area.left) / area.width), within((event.clientY - area.top) / area.height)];
}

function near([x, y]) {
  return points.findIndex(([px, py]) => Math.hypot((px - x) * over.clientWidth, (py - y) * over.clientHeight) < GRAB_PX);
}

over.addEventListener("pointerdown", (event) => {
  const place = shareOf(event);
  dragged = near(place);
  if (dragged < 0) dragged = points.push(place) - 1;
  over.setPointerCapture(event.pointerId);
  changed();
});
over.addEventListener("pointermove", (event) => {
  if (dragged < 0) return;
  points[dragged] = shareOf(event);
  changed();
});
for (const ending of ["pointerup", "pointercancel"]) over.addEventListener(ending, () => { dragged = -1; });

document.getElementById("point-add").addEventListener("click", () => {
  points.push([0.5, 0.5]);
  changed();
  list.lastElementChild.querySelector("input").select();
});
document.getElementById("points-clear").addEventListener("click", () => {
  points = [];
  changed();
});
form.elements.kind.addEventListener("change", draw);
form.addEventListener("submit", (event) => {
  if (points.length >= 3 || event.submitter?.hasAttribute("formnovalidate")) return;
  document.getElementById("points-problem").hidden = false;
  event.preventDefault();
});
new ResizeObserver(draw).observe(over);

if (editor.dataset.camera) {
  const socket = new LiveSocket();
  socket.addEventListener("picture", async ({ detail }) => {
    const image = await createImageBitmap(detail.jpeg);
    if (picture.width !== image.width || picture.height !== image.height) {
      Object.assign(picture, { width: image.width, height: image.height });
    }
    picture.getContext("2d").drawImage(image, 0, 0);
    image.close();
  });
  socket.connect();
  socket.watch([editor.dataset.camera]);
}
changed();
