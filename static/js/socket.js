// One websocket to the server, kept alive: subscriptions and the feed survive a lost connection.
// Protocol: docs/websocket.md.

const SIGNED_OUT = 4401; // the only end that a new connection cannot mend
const NO_RECORD = 4503;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 8000;
const SILENCE_MS = 20000;

export class LiveSocket extends EventTarget {
  #socket = null;
  #cameras = new Set();
  #seq = null;
  #retryMs = FIRST_RETRY_MS;
  #closed = false;
  #heardAt = 0;
  #follows = false;
  #followsRedactions = false;

  constructor(url = LiveSocket.address()) {
    super();
    this.url = url;
    /** The server's clock minus ours: ages are told by the clock that stamped the pictures. */
    this.clockOffsetMs = 0;
    setInterval(() => this.#keepAlive(), 5000);
  }

  static address() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    return `${scheme}//${location.host}/ws/v1/`;
  }

  connect() {
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#ended(socket, event.code);
    this.#socket = socket;
    this.#heardAt = performance.now();
    this.#tell("state", { state: "connecting" });
  }

  /** Follow the feed from behind `after`; null starts at the newest entry. */
  follow(after = null) {
    this.#follows = true;
    this.#seq = after;
    this.#send(after === null ? { type: "events" } : { type: "catch_up", after });
  }

  /** Follow the progress of redacted files. */
  followRedactions() {
    this.#followsRedactions = true;
    this.#send({ type: "redactions" });
  }

  /** Watch exactly these cameras. */
  watch(ids) {
    const wanted = new Set(ids);
    for (const id of this.#cameras) if (!wanted.has(id)) this.#send({ type: "unsubscribe", camera_id: id });
    for (const id of wanted) if (!this.#cameras.has(id)) this.#send({ type: "subscribe", camera_id: id });
    this.#cameras = wanted;
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #keepAlive() {
    if (this.#closed || !this.#socket) return;
    if (performance.now() - this.#heardAt > SILENCE_MS) this.#socket.close();
    this.#send({ type: "ping" });
  }

  #receive(data) {
    this.#heardAt = performance.now();
    if (data instanceof ArrayBuffer) {
      this.#picture(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "ready") this.#ready(message);
    // A number that does not continue ours means that something was missed: read it again.
    if (["event", "camera", "alert"].includes(message.type) && this.#seq !== null && message.after > this.#seq) {
      this.#send({ type: "catch_up", after: this.#seq });
      return;
    }
    if (typeof message.seq === "number" && message.type !== "ready") this.#seq = message.seq;
    this.#tell(message.type, message);
  }

  #ready(message) {
    this.clockOffsetMs = message.at * 1000 - Date.now();
    this.#retryMs = FIRST_RETRY_MS;
    this.#tell("state", { state: "connected" });
    for (const id of this.#cameras) this.#send({ type: "subscribe", camera_id: id });
    if (this.#follows) this.follow(this.#seq);
    if (this.#followsRedactions) this.followRedactions();
  }

  #picture(buffer) {
    const size = new DataView(buffer).getUint32(0);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
    const ageMs = Math.max(0, Date.now() + this.clockOffsetMs - header.grabbed_at * 1000);
    this.#tell("picture", { header, ageMs, jpeg: new Blob([new Uint8Array(buffer, 4 + size)], { type: "image/jpeg" }) });
  }

  #ended(socket, code) {
    if (socket !== this.#socket) return;
    this.#closed = code === SIGNED_OUT;
    this.#tell("state", { state: { [SIGNED_OUT]: "signed_out", [NO_RECORD]: "no_record" }[code] ?? "reconnecting" });
    if (this.#closed) return;
    if (code === NO_RECORD) this.#retryMs = LAST_RETRY_MS;
    setTimeout(() => this.connect(), this.#retryMs);
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
