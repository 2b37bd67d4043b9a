// One tile of the wall: picture, age, rate, cover, model and the camera's state, all in words.

import { LivePicture, STALE_MS } from "./picture.js";

const EVENT_SHOWN_MS = 20000;
const COVERED_TOLD_MS = 5000; // a mosaic now and then is no news; one that stays needs its reason

export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_whole, name) => values[name] ?? "");
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export class Tile {
  constructor(element, words, state) {
    this.element = element;
    this.id = element.dataset.camera;
    this.name = element.dataset.name;
    this.words = words;
    this.state = state;
    this.stateAt = Date.now();
    this.eventAt = 0;
    this.refusal = "";
    const find = (selector) => element.querySelector(selector);
    this.live = new LivePicture(find(".tile__picture"), find(".tile__boxes"), words.labels);
    this.parts = {
      words: find("[data-words]"), small: find("[data-small]"), dot: find("[data-dot]"), age: find("[data-age-text]"),
      fps: find("[data-fps]"), cover: find("[data-cover]"), model: find("[data-model]"), event: find("[data-event]"),
    };
  }

  show(picture) {
    this.refusal = "";
    this.live.show(picture);
  }

  setState(state) {
    this.state = state;
    this.stateAt = Date.now();
  }

  setEvent(event) {
    this.eventAt = Date.now();
    this.parts.event.href = event.url;
    setText(this.parts.event, fill(this.words.text.new_event, { what: this.words.labels[event.label] ?? event.label }));
    this.parts.event.hidden = false;
  }

  setAlert(alert) {
    this.eventAt = Date.now();
    this.parts.event.href = alert.url;
    setText(this.parts.event, this.words.text.new_alert);
    this.parts.event.hidden = false;
  }

  refuse(message) {
    this.refusal = message;
    this.live.clear(); // the last picture would go on being looked at
  }

  inTrouble() {
    return Boolean(this.refusal) || !["streaming", "starting", "unknown"].includes(this.#code());
  }

  /** The camera's state; pictures that come prove more than reports that do not. */
  #code() {
    const code = this.state?.state ?? "unknown";
    return code === "silent" && this.live.age() !== null && !this.live.isStale() ? "streaming" : code;
  }

  /** 0: trouble, 1: a fresh event, 2: nothing special. */
  need() {
    if (this.inTrouble()) return 0;
    return Date.now() - this.eventAt < EVENT_SHOWN_MS ? 1 : 2;
  }

  /** Once or twice a second: what the clock changes. */
  tick() {
    if (this.state?.state === "withheld" && this.live.header) this.live.clear();
    const stale = this.live.isStale();
    const age = this.live.age();
    this.element.dataset.age = age === null ? "none" : stale ? "stale" : "fresh";
    this.element.dataset.need = ["trouble", "event", ""][this.need()];
    if (this.need() !== 1) this.parts.event.hidden = true;
    const late = age !== null && age > STALE_MS; // pictures that come may be old, too
    this.element.toggleAttribute("data-late", late);
    this.#tellAge(age, late);
    this.#tellState(age, stale);
    this.#tellFacts();
  }

  #tellAge(age, late) {
    const seconds = age === null ? "" : (age / 1000).toFixed(age < 9950 ? 1 : 0);
    const { text } = this.words;
    setText(this.parts.age, age === null ? "" : fill(late ? text.stale : text.age, { s: late ? Math.round(age / 1000) : seconds }));
  }

  #tellState(age, stale) {
    const code = this.#code();
    const running = code === "streaming" || code === "unknown";
    this.parts.dot.className = `dot dot--${running ? (stale ? "warn" : "ok") : code === "starting" ? "warn" : "bad"}`;
    let main = "";
    let small = "";
    if (this.refusal) main = this.refusal;
    else if (!running) main = this.words.states[code] ?? code;
    else if (age === null) main = this.words.text.waiting;
    else if (stale) main = fill(this.words.text.no_picture_since, { s: Math.round(age / 1000) });
    else if (this.live.coveredMs() > COVERED_TOLD_MS) {
      main = this.words.text.covered;
      small = this.words.text.covered_why;
    }
    setText(this.parts.words, main);
    setText(this.parts.small, main && !running ? this.#reason() : small);
  }

  #reason() {
    const reason = this.words.codes[this.state.code] ?? this.state.detail ?? "";
    if (typeof this.state.retry_in_s !== "number") return reason;
    const left = Math.ceil(this.state.retry_in_s - (Date.now() - this.stateAt) / 1000);
    const retry = left > 0 ? fill(this.words.text.retry_in, { s: left }) : this.words.text.retrying;
    return `${reason} ${retry}`.trim();
  }

  #tellFacts() {
    const header = this.live.header;
    setText(this.parts.fps, header ? fill(this.words.text.fps, { n: this.live.fps().toFixed(1) }) : "–");
    setText(this.parts.cover, header ? (this.words.redactions[header.redaction] ?? this.words.text.redaction_unknown) : "–");
    const models = header?.models ?? {};
    const name = (id) => this.words.models[id] ?? id.slice(0, 8);
    setText(this.parts.model, models.detect ? name(models.detect) : (Object.values(models).map(name)[0] ?? "–"));
    this.parts.model.title = Object.values(models).map(name).join(", ");
  }
}
