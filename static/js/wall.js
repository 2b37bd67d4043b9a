// The live wall: which tiles are shown, in which order, and the keys.

import { LiveSocket } from "./socket.js";
import { Tile } from "./tile.js";

const TICK_MS = 500;
const REORDER_MS = 4000; // a need has to last this long before tiles change places
const TILE_CAPTION_PX = 58;
const LAYOUT_KEY = "vidette.layout";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const wall = document.getElementById("wall");
const box = document.getElementById("wall-box");

function start() {
  const words = read("live-words");
  const states = read("live-states");
  const elements = [...wall.querySelectorAll(".tile")];
  const tiles = elements.map((element) => new Tile(element, words, states[element.dataset.camera]));
  new Wall(tiles, words).start();
}

class Wall {
  constructor(tiles, words) {
    this.tiles = tiles;
    this.words = words;
    this.byId = new Map(tiles.map((tile) => [tile.id, tile]));
    this.layout = localStorage.getItem(LAYOUT_KEY) ?? "auto";
    this.page = 0;
    this.focused = null;
    this.order = [...tiles];
    this.wantedSince = 0;
    this.socket = new LiveSocket();
  }

  start() {
    this.#listen();
    this.#bindButtons();
    document.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#arrange()).observe(document.documentElement);
    document.addEventListener("visibilitychange", () => this.#arrange());
    document.addEventListener("fullscreenchange", () => this.#arrange());
    this.order = this.#byNeed();
    this.#place();
    this.socket.connect();
    this.socket.follow();
    setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  #listen() {
    const on = (type, handle) => this.socket.addEventListener(type, (event) => handle(event.detail));
    on("state", (detail) => this.#connection(detail));
    on("picture", (picture) => this.byId.get(picture.header.camera_id)?.show(picture));
    on("camera", (message) => message.state && this.byId.get(message.camera_id)?.setState(message.state));
    on("event", (message) => {
      if (message.kind === "event_created" && message.event) this.byId.get(message.camera_id)?.setEvent(message.event);
    });
    on("alert", (message) => {
      if (message.kind === "alert_opened" && message.alert) this.byId.get(message.camera_id)?.setAlert(message.alert);
    });
    on("error", ({ camera_id, code, message }) => {
      if (camera_id) this.byId.get(camera_id)?.refuse(code === "not_found" ? this.words.text.not_open : message);
    });
  }

  #connection({ state }) {
    const element = document.getElementById("connection");
    const tone = { connected: "ok", connecting: "warn", reconnecting: "warn" }[state] ?? "bad";
    element.querySelector(".dot").className = `dot dot--${tone}`;
    element.querySelector("[data-text]").textContent = this.words.text[state];
    if (state === "signed_out") location.reload();
  }

  #bindButtons() {
    document.getElementById("layouts")?.addEventListener("click", (event) => {
      const { layout } = event.target.dataset;
      if (layout) this.#choose(layout);
    });
    document.getElementById("wall-pages")?.addEventListener("click", (event) => {
      const button = event.target.closest("[data-page]");
      if (button) this.#turn(Number(button.dataset.page));
    });
    document.getElementById("full")?.addEventListener("click", () => this.#fullScreen());
    wall.addEventListener("click", (event) => {
      const tile = event.target.closest(".tile__scene")?.closest(".tile");
      if (!tile) return;
      if ("single" in wall.dataset) this.#fullScreen();
      else this.#focus(this.focused === tile.dataset.camera ? null : tile.dataset.camera);
    });
  }

  #choose(layout) {
    this.layout = layout;
    this.page = 0;
    localStorage.setItem(LAYOUT_KEY, layout);
    this.#focus(null);
  }

  #turn(step) {
    this.page = Math.max(0, Math.min(this.page + step, Math.ceil(this.tiles.length / this.#perPage()) - 1));
    this.#arrange();
  }

  #focus(id) {
    this.focused = id;
    this.#arrange();
    const tile = id && this.byId.get(id);
    if (tile) tile.element.querySelector(".tile__scene").focus();
  }

  #fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else box.requestFullscreen();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog, details")) return;
    const layout = { 0: "auto", 1: "1", 4: "4", 9: "9", 6: "16" }[event.key];
    if (layout) this.#choose(layout);
    else if (event.key === "f" || event.key === "F") this.#fullScreen();
    else if (event.key === "Escape" && this.focused) this.#focus(null);
    else if (event.key.startsWith("Arrow")) this.#move(event);
  }

  #move(event) {
    const shown = this.#shown();
    const at = shown.findIndex((tile) => tile.element.contains(document.activeElement));
    const columns = Number(wall.style.getPropertyValue("--cols")) || 1;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (this.focused) {
      const all = this.order;
      const next = all[(all.findIndex((tile) => tile.id === this.focused) + Math.sign(step) + all.length) % all.length];
      this.#focus(next.id);
    } else {
      const next = shown[at < 0 ? 0 : Math.max(0, Math.min(at + step, shown.length - 1))];
      next?.element.querySelector(".tile__scene").focus();
    }
    event.preventDefault();
  }

  #perPage() {
    if (this.focused) return 1;
    return this.layout === "auto" ? Math.min(16, this.tiles.length) : Number(this.layout);
  }

  #shown() {
    if (this.focused) return [this.byId.get(this.focused)];
    return this.order.slice(this.page * this.#perPage(), (this.page + 1) * this.#perPage());
  }

  #arrange() {
    const shown = new Set(this.#shown());
    for (const tile of this.tiles) {
      tile.element.hidden = !shown.has(tile);
      tile.element.classList.toggle("is-focused", tile.id === this.focused);
    }
    wall.classList.toggle("is-focused", Boolean(this.focused));
    this.#fit(shown.size);
    this.#tellLayout();
    this.socket.watch(document.hidden ? [] : [...shown].map((tile) => tile.id));
  }

  /** As many columns as make the pictures largest without scrolling, where that is possible. */
  #fit(count) {
    const width = box.clientWidth;
    const height = window.innerHeight - (document.fullscreenElement ? 20 : box.getBoundingClientRect().top + window.scrollY + 20);
    let best = { columns: 1, width: 0 };
    for (let columns = 1; columns <= count; columns += 1) {
      const rows = Math.ceil(count / columns);
      const byHeight = ((height - (rows - 1) * 10) / rows - TILE_CAPTION_PX) * (16 / 9);
      const tile = Math.min((width - (columns - 1) * 10) / columns, byHeight);
      if (tile > best.width) best = { columns, width: tile };
    }
    const tile = Math.max(best.width, Math.min(240, width));
    wall.style.setProperty("--cols", best.columns);
    wall.style.setProperty("--wall-width", `${Math.ceil(best.columns * tile + (best.columns - 1) * 10)}px`);
    wall.toggleAttribute("data-dense", best.width < 300);
  }

  #tellLayout() {
    for (const button of document.querySelectorAll("#layouts [data-layout]")) {
      button.setAttribute("aria-pressed", String(button.dataset.layout === this.layout));
    }
    const pages = document.getElementById("wall-pages");
    if (!pages) return; // the page of one camera
    const per = this.#perPage();
    pages.hidden = Boolean(this.focused) || per >= this.tiles.length;
    const from = this.page * per + 1;
    const values = { from, to: Math.min(from + per - 1, this.tiles.length), all: this.tiles.length };
    pages.querySelector("[data-range]").textContent = this.words.text.range.replace(/\{(\w+)\}/g, (_all, name) => values[name]);
  }

  #byNeed() {
    return [...this.tiles].sort((a, b) => a.need() - b.need() || a.name.localeCompare(b.name));
  }

  #place() {
    for (const tile of this.order) wall.append(tile.element);
    this.#arrange();
  }

  /** Tiles change places only when trouble lasts, never under the pointer or the keyboard. */
  #reorder() {
    const wanted = this.#byNeed();
    const same = wanted.every((tile, index) => tile === this.order[index]);
    if (same || this.focused || wall.matches(":hover, :focus-within")) {
      this.wantedSince = 0;
      return;
    }
    this.wantedSince ||= Date.now();
    if (Date.now() - this.wantedSince < REORDER_MS) return;
    this.wantedSince = 0;
    this.order = wanted;
    this.#place();
  }

  #tick() {
    for (const tile of this.#shown()) tile.tick();
    this.#reorder();
  }
}

if (wall) start();
