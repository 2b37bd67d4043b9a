// One model with its side file; the page of the new version shows the checks.

const form = document.getElementById("model-upload");
const file = document.getElementById("file");
const side = document.getElementById("side");
const problem = document.getElementById("problem");
const progress = document.getElementById("progress");
const words = JSON.parse(document.getElementById("upload-words").textContent);
const button = form.querySelector("button");

function say(text) {
  problem.textContent = text;
  problem.hidden = !text;
  progress.hidden = true;
  button.disabled = false;
}

async function fields() {
  const data = new FormData();
  for (const [name, value] of new FormData(form)) {
    if (name !== "csrfmiddlewaretoken" && value) data.append(name, value);
  }
  if (side.files.length) data.append("side_file", await side.files[0].text());
  data.append("file", file.files[0], file.files[0].name); // last, so that the words are read before the bytes
  return data;
}

function refused() {
  if (!file.files.length) return words.choose;
  if (!file.files[0].size) return words.empty;
  return file.files[0].size > Number(form.dataset.maxBytes) ? words.too_large : "";
}

/** The sentence that says why the file was not taken. */
function answered(request) {
  try {
    const told = JSON.parse(request.responseText);
    const named = (told.errors ?? []).map((error) => `${error.field ?? ""}: ${error.message ?? ""}`);
    return [told.detail, ...named].filter(Boolean).join(" ");
  } catch {
    return `${request.status} ${request.statusText}`;
  }
}

function send(data) {
  const request = new XMLHttpRequest();
  request.open("POST", form.dataset.url);
  request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
  request.setRequestHeader("Accept", "application/json");
  request.upload.addEventListener("progress", (event) => {
    const percent = Math.floor((100 * event.loaded) / event.total);
    progress.querySelector("progress").value = percent;
    document.getElementById("progress-words").textContent = words.uploading.replace("{percent}", percent);
  });
  request.addEventListener("load", () => {
    if (request.status !== 202) return say(answered(request));
    window.location.assign(`${form.dataset.next}${JSON.parse(request.responseText).id}/`);
  });
  request.addEventListener("error", () => say(words.lost));
  request.send(data);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const why = refused();
  say(why);
  if (why) return;
  button.disabled = true;
  progress.hidden = false;
  send(await fields());
});
