// Progress of redactions over the websocket. Where it is away, the page asks by itself (htmx).

import { LiveSocket } from "./socket.js";

const words = JSON.parse(document.getElementById("progress-words").textContent);

const ASK_EVERY_MS = 6000;

/**
 * Move every progress bar on the page. `changed` is called with the news when a redaction is in another
 * state, and with null every few seconds while the websocket is away.
 */
export function followRedactions(changed) {
  const socket = new LiveSocket();
  const states = new Map();
  socket.addEventListener("redaction", ({ detail }) => {
    move(detail);
    const before = states.get(detail.id) ?? shownState(detail.id);
    states.set(detail.id, key(detail));
    if (before !== undefined && before !== key(detail)) changed(detail);
  });
  let connected = false;
  socket.addEventListener("state", ({ detail }) => { connected = detail.state === "connected"; });
  setInterval(() => connected || changed(null), ASK_EVERY_MS);
  socket.connect();
  socket.followRedactions();
}

function key({ state, tracks_revision: tracks, ready_revision: ready }) {
  return `${state} ${tracks} ${ready}`;
}

function shownState(id) {
  return document.querySelector(`[data-redaction="${CSS.escape(id)}"]`)?.dataset.key;
}

/** A span of time in the language of the page, in its largest unit. */
function span(seconds) {
  const [unit, size] = seconds < 60 ? ["second", 1] : seconds < 3600 ? ["minute", 60] : ["hour", 3600];
  const form = new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "long" });
  return form.format(Math.max(1, Math.round(seconds / size)));
}

function move(news) {
  const box = document.querySelector(`[data-progress="${CSS.escape(news.id)}"]`);
  if (!box) return;
  const percent = Math.round(news.share * 100);
  box.querySelector("progress").value = percent;
  box.querySelector("[data-percent]").textContent = `${percent} %`;
  box.querySelector("[data-phase]").textContent =
    news.state === "paused" ? words.paused : news.waiting ? words.waiting : (words.phases[news.phase] ?? "");
  box.querySelector("[data-remaining]").textContent =
    news.remaining_s === null ? "" : ` · ${words.left.replace("{time}", span(news.remaining_s))}`;
}
