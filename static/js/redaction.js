// The page of one redacted file: player, timeline, edits. Every edit goes to the server; nothing is kept here.

import { toast } from "./app.js";
import { FilmView } from "./redaction_film.js";
import { followRedactions } from "./redaction_news.js";
import { Timeline } from "./redaction_timeline.js";
import { clock, decoded } from "./redaction_tracks.js";

const editor = document.getElementById("editor");
const byId = (id) => document.getElementById(id);

/** What the person looked at, kept over the reload that an edit ends in. */
const memory = {
  key: `redaction ${location.pathname}`,
  read() {
    const text = sessionStorage.getItem(this.key);
    sessionStorage.removeItem(this.key);
    return text ? JSON.parse(text) : null;
  },
  write(value) {
    sessionStorage.setItem(this.key, JSON.stringify(value));
  },
};

async function tracksOf(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer.json();
}

function gapsOf(document) {
  return document.segments.flatMap((segment) => segment.damage_s ?? []);
}

class Editor {
  constructor(film, document, words) {
    this.film = film;
    this.words = words;
    this.timeline = new Timeline(byId("timeline"), {
      tracks: document.tracks,
      duration: Number(editor.dataset.duration),
      gaps: gapsOf(document),
      words,
    });
    film.show({ tracks: document.tracks });
    film.addEventListener("moved", ({ detail }) => this.#moved(detail));
    film.addEventListener("choose", ({ detail }) => this.timeline.choose(detail));
    this.timeline.addEventListener("choose", ({ detail }) => this.#chosen(detail.track));
    this.timeline.addEventListener("go", ({ detail }) => film.go(detail));
    this.timeline.addEventListener("step", ({ detail }) => film.step(detail));
    this.#player();
    if ("editable" in editor.dataset) this.#tools();
    this.#remember();
  }

  #remember() {
    const before = memory.read();
    if (!before) return;
    this.film.go(before.at);
    const track = this.timeline.tracks.find(({ id }) => id === before.track);
    if (track) this.timeline.choose(track);
  }

  leave() {
    memory.write({ at: this.film.now, track: this.timeline.chosen?.id });
    location.reload();
  }

  get isDrawing() {
    return this.film.region !== null;
  }

  #moved(at) {
    this.timeline.moveTo(at);
    const seek = byId("seek");
    if (!seek) return;
    seek.value = at;
    byId("clock").textContent = clock(at);
  }

  #chosen(track) {
    this.film.show({ chosen: track });
    byId("chosen").textContent = track ? this.timeline.words_of(track) : this.words.none;
    for (const id of ["edit-drop", "edit-keep"]) {
      if (byId(id)) byId(id).disabled = !track || track.state !== "covered";
    }
  }

  #player() {
    const play = byId("play");
    if (!play) return;
    const { media } = this.film;
    play.addEventListener("click", () => (media.paused ? media.play() : media.pause()));
    for (const kind of ["play", "pause"]) {
      media.addEventListener(kind, () => {
        play.textContent = media.paused ? play.dataset.play : play.dataset.pause;
        play.setAttribute("aria-pressed", !media.paused);
      });
    }
    byId("frame-back").addEventListener("click", () => this.film.step(-1));
    byId("frame-on").addEventListener("click", () => this.film.step(1));
    byId("seek").addEventListener("input", (event) => this.film.go(Number(event.target.value)));
    byId("show-tracks").addEventListener("change", (event) => this.film.show({ withTracks: event.target.checked }));
  }

  #tools() {
    byId("edit-drop").addEventListener("click", () => this.#edit({ kind: "drop", track_id: this.timeline.chosen.id }));
    byId("edit-keep").addEventListener("click", () => this.#keep(this.timeline.chosen.id));
    byId("edit-add").addEventListener("click", () => this.#draw(this.isDrawing ? null : [0.4, 0.4, 0.6, 0.6]));
    byId("region-cancel").addEventListener("click", () => this.#draw(null));
    byId("region-save").addEventListener("click", () => this.#saveRegion());
    this.sides = [...document.querySelectorAll("[data-side]")];
    this.film.addEventListener("region", ({ detail }) => this.#sidesSay(detail));
    for (const side of this.sides) side.addEventListener("input", () => this.#typed());
  }

  /** Uncovering somebody is asked twice. */
  #keep(track) {
    if (window.confirm(this.words.sure_keep)) this.#edit({ kind: "keep", track_id: track });
  }

  #draw(region) {
    this.film.drawRegion(region);
    byId("region").hidden = region === null;
    byId("edit-add").setAttribute("aria-pressed", region !== null);
    if (region) {
      this.#sidesSay(region);
      this.sides[0].focus();
    }
  }

  #sidesSay(region) {
    this.sides.forEach((side, place) => { side.value = (region[place] * 100).toFixed(1); });
  }

  #typed() {
    const region = this.sides.map((side) => Math.max(0, Math.min(1, Number(side.value) / 100)));
    if (region[2] > region[0] && region[3] > region[1]) this.film.drawRegion(region);
  }

  #saveRegion() {
    const box = decoded(this.film.region, this.film.rotation);
    this.#edit({ kind: "add", at_s: this.film.now, box_xyxy: box });
  }

  async #edit(body) {
    try {
      const answer = await fetch(editor.dataset.edits, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "X-CSRFToken": document.querySelector("input[name=csrfmiddlewaretoken]").value,
        },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error((await answer.json()).detail);
    } catch (error) {
      toast(this.words.failed.replace("{why}", error.message || this.words.lost), "bad");
      return;
    }
    this.leave();
  }
}

let made = null;
if (editor) {
  const words = JSON.parse(byId("editor-words").textContent);
  const { rotation, fps } = editor.dataset;
  const film = new FilmView(byId("film"), { rotation: Number(rotation), fps: Number(fps) });
  tracksOf(editor.dataset.tracks).then(
    (document) => { made = new Editor(film, document, words); },
    (error) => toast(words.failed.replace("{why}", error.message), "bad"),
  );
}
followRedactions((news) => {
  const here = document.querySelector("[data-redaction]").dataset.redaction;
  if (news && news.id !== here) return;
  if (!news && !document.querySelector("[data-progress]")) return; // nothing moves here: no need to ask
  if (made) {
    if (!made.isDrawing) made.leave();
  } else location.reload();
});
