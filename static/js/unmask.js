// The clock of an open grant: tells the server every five seconds that the page is open, and shuts it in time.

const box = document.getElementById("unmask");
const timer = box.querySelector("[data-timer]");
const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
const TELL_MS = 5000;
const PREPARING_MS = 1500;
const LAST_S = 60;
const UNHEARD_MS = 12000; // the server counts at most 15 s since the last time that it was told
let heard = Date.now();
let until = Date.parse(box.dataset.until);

function shut() {
  const video = document.getElementById("video");
  if (video) {
    video.pause();
    video.removeAttribute("src");
    video.load();
  }
  window.location.reload();
}

async function tell() {
  const answer = await fetch(box.dataset.seen, { method: "POST", headers: { "X-CSRFToken": token } });
  if (!answer.ok) return shut();
  const news = await answer.json();
  heard = Date.now();
  until = Date.now() + news.left_s * 1000;
  if ("preparing" in box.dataset && !news.preparing) return window.location.reload();
}

function show() {
  const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
  timer.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  timer.toggleAttribute("data-last", left <= LAST_S);
  // What nobody can write down is not shown: a server that does not answer shuts it as the end does.
  if (left === 0 || Date.now() - heard > UNHEARD_MS) shut();
}

async function keepTelling() {
  for (;;) {
    await tell().catch(() => {});
    await new Promise((resume) => { setTimeout(resume, "preparing" in box.dataset ? PREPARING_MS : TELL_MS); });
  }
}

show();
setInterval(show, 500);
keepTelling();
