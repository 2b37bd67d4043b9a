// Uploads by choosing or dropping files, one after the other, and progress that moves while one watches.

import { toast } from "./app.js";
import { followRedactions } from "./redaction_news.js";

const form = document.getElementById("upload");
const drop = document.getElementById("drop");
const files = document.getElementById("files");
const sending = document.getElementById("sending");
const words = JSON.parse(document.getElementById("upload-words").textContent);
const queue = document.getElementById("queue");

const waiting = [];
let busy = false;

function line(file) {
  const row = document.createElement("li");
  const name = document.createElement("bdi");
  const state = document.createElement("span");
  const bar = document.createElement("progress");
  name.textContent = file.name;
  state.className = "hint figure";
  Object.assign(bar, { max: 100, value: 0 });
  bar.setAttribute("aria-label", file.name);
  row.append(name, state, bar);
  sending.append(row);
  return { row, state, bar };
}

function fields(file) {
  const data = new FormData();
  for (const [name, value] of new FormData(form)) {
    if (name !== "csrfmiddlewaretoken") data.append(name, value);
  }
  if (!form.elements.editable.checked) data.set("editable", "false");
  data.append("file", file, file.name); // last, so that the choices are read before the film arrives
  return data;
}

function send(file, shown) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.dataset.url);
    request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
    request.setRequestHeader("X-Vidette-Purpose", form.dataset.purpose);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      const percent = Math.floor((100 * event.loaded) / event.total);
      shown.bar.value = percent;
      shown.state.textContent = words.uploading.replace("{percent}", percent);
    });
    request.addEventListener("load", () => resolve(answered(request)));
    request.addEventListener("error", () => resolve(words.lost));
    request.send(fields(file));
  });
}

/** Empty when the file was taken, else the sentence that says why not. */
function answered(request) {
  if (request.status === 202) return "";
  try {
    return JSON.parse(request.responseText).detail;
  } catch {
    return `${request.status} ${request.statusText}`;
  }
}

async function sendAll() {
  if (busy) return;
  busy = true;
  while (waiting.length) {
    const { file, shown } = waiting.shift();
    const problem = refused(file) || (await send(file, shown));
    if (problem) {
      shown.bar.remove();
      shown.state.className = "problem";
      shown.state.textContent = problem;
    } else {
      shown.row.remove();
      toast(`${file.name}: ${words.stored}`, "ok");
      refresh();
    }
  }
  busy = false;
}

function refused(file) {
  if (!file.size) return words.empty;
  return file.size > Number(form.dataset.maxBytes) ? words.too_large : "";
}

function take(list) {
  for (const file of list) waiting.push({ file, shown: line(file) });
  sendAll();
}

function refresh() {
  window.htmx?.ajax("GET", queue.dataset.rows, { target: "#queue", swap: "innerHTML" });
}

files.addEventListener("change", () => {
  take(files.files);
  files.value = "";
});
form.addEventListener("submit", (event) => event.preventDefault());
for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
}
for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("is-over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  take(event.dataTransfer.files);
});
window.addEventListener("beforeunload", (event) => {
  if (busy) event.preventDefault();
});

followRedactions(refresh);
