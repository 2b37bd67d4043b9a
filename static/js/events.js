// Announces new events above the list, without moving it.

import { LiveSocket } from "./socket.js";

const list = document.querySelector("[data-feed]");
const bar = document.getElementById("new-events");

if (list && bar) {
  const words = JSON.parse(document.getElementById("new-words").textContent);
  const most = String(Object.keys(words).length);
  const seen = new Set();
  const socket = new LiveSocket();
  socket.addEventListener("event", ({ detail }) => {
    if (detail.kind !== "event_created") return;
    seen.add(detail.event?.id ?? detail.seq);
    bar.textContent = words[String(seen.size)] ?? `${words[most]}+`;
    bar.hidden = false;
  });
  bar.addEventListener("click", () => {
    const url = new URL(location.href);
    url.searchParams.delete("cursor");
    location.assign(url);
  });
  socket.connect();
  socket.follow(Number(list.dataset.feed));
}
