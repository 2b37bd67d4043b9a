// The plan of a site: cameras where they hang. Administrators drag them, or use Shift and the arrow keys.

import { toast } from "./app.js";

const STEP = 0.02;
const DRAG_FROM_PX = 5;
const SAVE_AFTER_MS = 900;

const within = (share) => Math.max(0.04, Math.min(0.96, share));
const placeOf = (pin) => [Number(pin.dataset.x), Number(pin.dataset.y)];

function put(pin, [x, y]) {
  [pin.dataset.x, pin.dataset.y] = [within(x), within(y)];
  pin.style.left = `${pin.dataset.x * 100}%`;
  pin.style.top = `${pin.dataset.y * 100}%`;
}

async function save(pin) {
  const [x, y] = placeOf(pin);
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const response = await fetch(pin.dataset.move, {
    method: "POST",
    headers: { "X-CSRFToken": token, "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ x, y }),
  });
  if (!response.ok) toast((await response.json()).message ?? response.statusText, "bad");
}

function bindPointer(pin, plan) {
  let moved = false;
  pin.addEventListener("pointerdown", (down) => {
    moved = false;
    const move = (event) => {
      if (!moved && Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) < DRAG_FROM_PX) return;
      if (!moved) pin.setPointerCapture(down.pointerId);
      moved = true;
      pin.classList.add("is-dragging");
      const area = plan.getBoundingClientRect();
      put(pin, [(event.clientX - area.left) / area.width, (event.clientY - area.top) / area.height]);
    };
    const end = () => {
      pin.removeEventListener("pointermove", move);
      pin.classList.remove("is-dragging");
      if (moved) save(pin);
    };
    pin.addEventListener("pointermove", move);
    pin.addEventListener("pointerup", end, { once: true });
    pin.addEventListener("pointercancel", end, { once: true });
  });
  pin.addEventListener("dragstart", (event) => event.preventDefault());
  pin.addEventListener("click", (event) => {
    if (moved) event.preventDefault();
  });
}

function bindKeys(pin) {
  let waiting = 0;
  pin.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (!step || !event.shiftKey) return;
    event.preventDefault();
    const [x, y] = placeOf(pin);
    put(pin, [x + step[0], y + step[1]]);
    clearTimeout(waiting);
    waiting = setTimeout(() => save(pin), SAVE_AFTER_MS);
  });
}

for (const plan of document.querySelectorAll("[data-plan]")) {
  for (const pin of plan.querySelectorAll(".pin")) {
    put(pin, placeOf(pin));
    if (!plan.hasAttribute("data-editable")) continue;
    bindPointer(pin, plan);
    bindKeys(pin);
  }
}
