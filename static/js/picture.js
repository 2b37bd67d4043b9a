// Draws redacted pictures and, crisply over them, the boxes. Text goes to the canvas only, never into HTML.

export const STALE_MS = 2000;
const COLOURS = ["#5fd0d8", "#f2c14e", "#9fd356", "#f58f7c", "#b79cf0", "#7fb2ff"];

function colourOf(label) {
  let sum = 0;
  for (const letter of label) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return COLOURS[sum % COLOURS.length];
}

/** Where the picture lies inside an element that shows it whole, in CSS pixels. */
export function fitted(width, height, imageWidth, imageHeight) {
  const scale = Math.min(width / imageWidth, height / imageHeight);
  const w = imageWidth * scale;
  const h = imageHeight * scale;
  return { x: (width - w) / 2, y: (height - h) / 2, w, h };
}

/** Size a canvas to its box times the device's pixel ratio; returns its context in CSS pixels. */
export function crisp(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth, clientHeight } = canvas;
  const width = Math.round(clientWidth * ratio);
  const height = Math.round(clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, clientWidth, clientHeight);
  return context;
}

function drawBox(context, place, box, words) {
  const [left, top, right, bottom] = box.box_xyxy;
  const x = place.x + left * place.w;
  const y = place.y + top * place.h;
  const w = (right - left) * place.w;
  const h = (bottom - top) * place.h;
  const colour = colourOf(box.label);
  context.lineWidth = 1.5;
  context.strokeStyle = colour;
  context.setLineDash(box.state === "coasting" ? [5, 4] : []);
  context.strokeRect(x, y, w, h);
  context.setLineDash([]);
  const names = [words[box.label] ?? box.label, ...(box.attributes ?? [])];
  const text = `${names.join(" · ")} ${Math.round(box.score * 100)} %`;
  context.font = "600 11px system-ui, sans-serif";
  const width = context.measureText(text).width + 8;
  if (place.w < 220) return;
  const labelX = Math.max(place.x, Math.min(x - 0.75, place.x + place.w - width));
  const labelY = y >= place.y + 17 ? y - 16 : Math.min(y, place.y + place.h - 16);
  context.fillStyle = colour;
  context.fillRect(labelX, labelY, width, 16);
  context.fillStyle = "#0b1016";
  context.textBaseline = "middle";
  context.fillText(text, labelX + 4, labelY + 8.5);
}

/** One live picture with its boxes; remembers when the newest one was captured. */
export class LivePicture {
  constructor(picture, boxes, labels) {
    this.picture = picture;
    this.boxes = boxes;
    this.labels = labels;
    this.header = null;
    this.receivedAt = 0;
    this.delayMs = 0;
    this.coveredSince = null;
    this.times = [];
    this.decoding = false;
    this.waiting = null;
    this.clearings = 0;
    new ResizeObserver(() => this.#drawBoxes()).observe(boxes);
  }

  /** Newest wins: while one picture is being decoded, only the last that came is kept. */
  async show(picture) {
    this.waiting = picture;
    if (this.decoding) return;
    this.decoding = true;
    try {
      while (this.waiting) {
        const next = this.waiting;
        this.waiting = null;
        await this.#draw(next);
      }
    } finally {
      this.decoding = false;
    }
  }

  async #draw({ header, ageMs, jpeg }) {
    const { clearings } = this;
    const image = await createImageBitmap(jpeg);
    if (clearings !== this.clearings) {
      image.close();
      return;
    }
    if (this.picture.width !== image.width || this.picture.height !== image.height) {
      Object.assign(this.picture, { width: image.width, height: image.height });
    }
    this.picture.getContext("2d").drawImage(image, 0, 0);
    image.close();
    this.header = header;
    this.receivedAt = performance.now();
    this.delayMs = ageMs;
    this.coveredSince = header.redaction === "mosaic" ? (this.coveredSince ?? this.receivedAt) : null;
    this.times.push(this.receivedAt);
    this.times = this.times.filter((at) => at > this.receivedAt - 4000);
    this.#drawBoxes();
  }

  /** Take the picture off the screen: nobody may look at this camera any more. */
  clear() {
    this.clearings += 1;
    this.waiting = null;
    this.header = null;
    this.coveredSince = null;
    this.times = [];
    for (const canvas of [this.picture, this.boxes]) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  }

  #drawBoxes() {
    if (!this.header || !this.boxes.clientWidth) return;
    const context = crisp(this.boxes);
    const place = fitted(this.boxes.clientWidth, this.boxes.clientHeight, this.header.width, this.header.height);
    for (const box of this.header.boxes) drawBox(context, place, box, this.labels);
  }

  /** Age of the picture on the screen in ms, from its capture; null before the first one. */
  age() {
    return this.header ? this.delayMs + performance.now() - this.receivedAt : null;
  }

  /** For how many ms nothing but pictures that are covered as a whole has come. */
  coveredMs() {
    return this.coveredSince === null ? 0 : performance.now() - this.coveredSince;
  }

  isStale() {
    const age = this.age();
    return age === null || performance.now() - this.receivedAt > STALE_MS;
  }

  fps() {
    const recent = this.times.filter((at) => at > performance.now() - 4000);
    return recent.length < 2 ? 0 : ((recent.length - 1) * 1000) / (recent.at(-1) - recent[0]);
  }
}
