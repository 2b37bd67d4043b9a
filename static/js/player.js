// Plays the segments of a camera one after the other. Nothing is fetched before somebody asks: each file is on record.

const stage = document.getElementById("player");
const video = document.getElementById("video");
const list = JSON.parse(document.getElementById("playlist").textContent);
const clock = stage.querySelector("[data-clock]");
const words = stage.querySelector("[data-words]");
const said = Object.fromEntries([...document.getElementById("player-words").content.querySelectorAll("[data-key]")]
  .map((part) => [part.dataset.key, part.textContent]));
const format = new Intl.DateTimeFormat(document.documentElement.lang, {
  dateStyle: "medium", timeStyle: "medium", timeZone: stage.dataset.zone,
});
let place = Number(stage.dataset.first);
let loaded = -1;

function show(next, { play = true } = {}) {
  if (next < 0 || next >= list.length) return;
  place = next;
  if (loaded !== place) {
    video.src = list[place].url;
    loaded = place;
  }
  mark();
  words.textContent = "";
  clock.textContent = format.format(list[place].start);
  if (play) video.play().catch(() => {});
}

function mark() {
  let current = null;
  for (const button of document.querySelectorAll(".clip-row")) {
    button.removeAttribute("aria-current");
    if (Number(button.dataset.place) <= place) current = button;
  }
  current?.setAttribute("aria-current", "true");
}

video.addEventListener("timeupdate", () => {
  clock.textContent = format.format(list[place].start + video.currentTime * 1000);
});
video.addEventListener("ended", () => {
  if (place + 1 < list.length) show(place + 1);
  else words.textContent = said.end;
});
video.addEventListener("error", () => { words.textContent = said.gone; });
video.addEventListener("play", () => { if (loaded < 0) show(place); });
stage.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]");
  if (step) show(place + Number(step.dataset.step));
});
document.getElementById("clips")?.addEventListener("click", (event) => {
  const clip = event.target.closest(".clip-row");
  if (clip) show(Number(clip.dataset.place));
});
stage.querySelector(".player__stage").addEventListener("pointerdown", () => { if (loaded < 0) show(place); }, { capture: true });
video.addEventListener("keydown", (event) => {
  if ((event.key === " " || event.key === "Enter") && loaded < 0) { event.preventDefault(); show(place); }
});
