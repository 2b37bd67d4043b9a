// The redacted film or picture with what is drawn over it: tracks, and the region that somebody draws.

import { crisp, fitted } from "./picture.js";
import { boxAt, shown } from "./redaction_tracks.js";

const COLOURS = { covered: "#5fd0d8", dropped: "#f58f7c", kept: "#9fd356", manual: "#f2c14e" };
const LEAST = 0.004;

export class FilmView extends EventTarget {
  constructor(box, { rotation, fps }) {
    super();
    this.box = box;
    this.media = box.querySelector("video, img");
    this.canvas = box.querySelector("canvas");
    Object.assign(this, { rotation, fps: fps || 25, tracks: [], chosen: null, region: null, withTracks: true });
    this.isFilm = this.media instanceof HTMLVideoElement;
    if (this.isFilm) {
      this.media.muted = !("sound" in this.media.dataset);
      for (const kind of ["seeked", "loadeddata", "timeupdate", "pause"]) this.media.addEventListener(kind, () => this.#moved());
      this.#everyFrame();
    }
    this.canvas.addEventListener("pointerdown", (event) => this.#down(event));
    this.canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of ["pointerup", "pointercancel"]) this.canvas.addEventListener(kind, () => { this.corner = null; });
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    this.media.addEventListener("load", () => this.draw());
  }

  get now() {
    return this.isFilm ? this.media.currentTime : 0;
  }

  go(seconds) {
    if (this.isFilm) this.media.currentTime = Math.max(0, Math.min(seconds, this.media.duration || seconds));
  }

  step(frames) {
    if (!this.isFilm) return;
    this.media.pause();
    this.go(this.now + frames / this.fps);
  }

  show({ tracks = this.tracks, chosen = this.chosen, withTracks = this.withTracks }) {
    Object.assign(this, { tracks, chosen, withTracks });
    this.box.classList.toggle("is-choosing", withTracks && tracks.length > 0);
    this.draw();
  }

  /** `region` as shares of what is seen; null ends the drawing. */
  drawRegion(region) {
    this.region = region;
    this.box.classList.toggle("is-drawing", region !== null);
    if (this.isFilm && region) this.media.pause();
    this.draw();
  }

  draw() {
    if (!this.canvas.clientWidth) return;
    const context = crisp(this.canvas);
    const place = this.#place();
    if (this.withTracks) for (const track of this.tracks) this.#track(context, place, track);
    if (this.region) this.#box(context, place, this.region, COLOURS.manual, 2.5, []);
  }

  #place() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const { videoWidth, videoHeight, naturalWidth, naturalHeight } = this.media;
    return fitted(width, height, videoWidth || naturalWidth || width, videoHeight || naturalHeight || height);
  }

  #track(context, place, track) {
    const box = boxAt(track, this.now);
    if (!box) return;
    const mine = track === this.chosen;
    const colour = COLOURS[track.state === "covered" && track.kind === "manual" ? "manual" : track.state];
    this.#box(context, place, shown(box, this.rotation), colour, mine ? 3 : 1.5, mine ? [] : [5, 4]);
  }

  #box(context, place, [left, top, right, bottom], colour, width, dash) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.setLineDash(dash);
    context.strokeRect(place.x + left * place.w, place.y + top * place.h, (right - left) * place.w, (bottom - top) * place.h);
    context.setLineDash([]);
  }

  #everyFrame() {
    if (!this.media.requestVideoFrameCallback) return;
    const frame = () => {
      this.#moved();
      this.media.requestVideoFrameCallback(frame);
    };
    this.media.requestVideoFrameCallback(frame);
  }

  #moved() {
    this.draw();
    this.dispatchEvent(new CustomEvent("moved", { detail: this.now }));
  }

  #shareOf(event) {
    const area = this.canvas.getBoundingClientRect();
    const place = this.#place();
    const share = (at, start, size) => Math.max(0, Math.min(1, (at - start) / size));
    return [share(event.clientX - area.left, place.x, place.w), share(event.clientY - area.top, place.y, place.h)];
  }

  #down(event) {
    const at = this.#shareOf(event);
    if (!this.region) {
      this.dispatchEvent(new CustomEvent("choose", { detail: this.#trackAt(at) }));
      return;
    }
    this.corner = at;
    this.canvas.setPointerCapture(event.pointerId);
  }

  #move(event) {
    if (!this.corner) return;
    const [x, y] = this.#shareOf(event);
    const [a, b] = this.corner;
    const region = [Math.min(a, x), Math.min(b, y), Math.max(a, x), Math.max(b, y)];
    if (region[2] - region[0] < LEAST || region[3] - region[1] < LEAST) return;
    this.region = region;
    this.draw();
    this.dispatchEvent(new CustomEvent("region", { detail: region }));
  }

  /** The smallest box under a point: what lies in front is smaller as a rule. */
  #trackAt([x, y]) {
    let best = null;
    let least = Infinity;
    for (const track of this.tracks) {
      const at = boxAt(track, this.now);
      if (!at) continue;
      const [left, top, right, bottom] = shown(at, this.rotation);
      const area = (right - left) * (bottom - top);
      if (x >= left && x <= right && y >= top && y <= bottom && area < least) [best, least] = [track, area];
    }
    return best;
  }
}
