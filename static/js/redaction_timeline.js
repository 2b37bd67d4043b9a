// The tracks of a film on a timeline: one row each, drawn as SVG, chosen by pointer or keyboard.

import { clock } from "./redaction_tracks.js";

const ROW_PX = 24;
const LABEL_PX = 96;
const NS = "http://www.w3.org/2000/svg";

function element(name, attributes, ...children) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export class Timeline extends EventTarget {
  constructor(box, { tracks, duration, gaps, words }) {
    super();
    Object.assign(this, { box, tracks, duration: duration || 1, gaps, words, chosen: null, now: 0 });
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("click", (event) => this.#click(event));
    new ResizeObserver(() => this.draw()).observe(box);
  }

  draw() {
    const width = this.box.clientWidth;
    const height = Math.max(1, this.tracks.length) * ROW_PX;
    if (!width) return;
    this.scale = (width - LABEL_PX - 8) / this.duration;
    const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
    svg.append(...this.gaps.map(([from, until]) => this.#bar("timeline__gap", from, until, 0, height)));
    svg.append(...this.tracks.map((track, index) => this.#row(track, index, width)));
    this.line = element("line", { class: "timeline__now", y1: 0, y2: height });
    svg.append(this.line);
    this.box.replaceChildren(svg);
    this.moveTo(this.now);
    this.#point();
  }

  moveTo(seconds) {
    this.now = seconds;
    if (!this.line) return;
    const x = this.#x(Math.min(seconds, this.duration));
    this.line.setAttribute("x1", x);
    this.line.setAttribute("x2", x);
  }

  choose(track, byHand = true) {
    this.chosen = track;
    for (const row of this.box.querySelectorAll(".timeline__row")) {
      const mine = track !== null && row.dataset.track === track.id;
      row.classList.toggle("is-chosen", mine);
      row.setAttribute("aria-selected", mine);
    }
    this.#point();
    this.dispatchEvent(new CustomEvent("choose", { detail: { track, byHand } }));
  }

  #x(seconds) {
    return LABEL_PX + seconds * this.scale;
  }

  #bar(kind, from, until, y, height) {
    const width = Math.max(2, (until - from) * this.scale);
    return element("rect", { class: kind, x: this.#x(from), y, width, height, rx: 2 });
  }

  #row(track, index, width) {
    const y = index * ROW_PX;
    const label = element("text", { x: 8, y: y + 16 });
    label.textContent = `${this.words[track.kind] ?? track.kind} ${track.id}`.slice(0, 15);
    const classes = ["timeline__row", track.state !== "covered" && "is-off", track.uncertain && "is-unsure"];
    const row = element(
      "g",
      { class: classes.filter(Boolean).join(" "), role: "option", id: `track-${index}`, "aria-label": this.words_of(track) },
      element("rect", { class: "timeline__back", x: 0, y, width, height: ROW_PX }),
      label,
      this.#bar("timeline__span", track.covered_from_s, track.covered_until_s, y + 5, ROW_PX - 10),
      this.#bar("timeline__seen", track.from_s, track.until_s, y + 9, ROW_PX - 18),
    );
    row.dataset.track = track.id;
    row.setAttribute("aria-selected", this.chosen?.id === track.id);
    if (this.chosen?.id === track.id) row.classList.add("is-chosen");
    return row;
  }

  /** One track in words. */
  words_of(track) {
    const state = track.uncertain ? `${this.words[track.state]}, ${this.words.uncertain}` : this.words[track.state];
    return this.words.track
      .replace("{kind}", this.words[track.kind] ?? track.kind)
      .replace("{id}", track.id)
      .replace("{from}", clock(track.covered_from_s))
      .replace("{until}", clock(track.covered_until_s))
      .replace("{state}", state ?? track.state);
  }

  #point() {
    const index = this.tracks.indexOf(this.chosen);
    if (index < 0) this.box.removeAttribute("aria-activedescendant");
    else {
      this.box.setAttribute("aria-activedescendant", `track-${index}`);
      const top = index * ROW_PX;
      if (top < this.box.scrollTop) this.box.scrollTop = top;
      if (top + ROW_PX > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = top + ROW_PX - this.box.clientHeight;
    }
  }

  #click(event) {
    const row = event.target.closest(".timeline__row");
    const area = this.box.getBoundingClientRect();
    const at = (event.clientX - area.left - LABEL_PX) / this.scale;
    if (at >= 0) this.#go(Math.min(at, this.duration));
    if (row) this.choose(this.tracks.find((track) => track.id === row.dataset.track));
  }

  #go(seconds) {
    this.dispatchEvent(new CustomEvent("go", { detail: seconds }));
  }

  #key(event) {
    const index = this.tracks.indexOf(this.chosen);
    const rows = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: this.tracks.length - 1 };
    if (event.key in rows && this.tracks.length) {
      this.choose(this.tracks[Math.max(0, Math.min(this.tracks.length - 1, rows[event.key]))]);
    } else if (event.key === "Enter" && this.chosen) {
      this.#go(this.chosen.from_s);
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      this.dispatchEvent(new CustomEvent("step", { detail: event.key === "ArrowLeft" ? -1 : 1 }));
    } else if (event.key === "Escape") {
      this.choose(null);
    } else return;
    event.preventDefault();
  }
}
