// The one socket: snapshot, then frames in order. Whatever breaks, it comes back and starts from a
// whole picture, or from where it stood when the daemon still has the rest.
import { changed, heard, store, takeFrame, takeSnapshot } from "./store.js";

const SILENCE_MS = 3500;
const DOUBT_MS = 10_000;
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 4000;

let socket = null;
let attempts = 0;
let retry = 0;
let connectedAt = 0;

export function connect() {
  clearTimeout(retry);
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const resume = store.session ? `?session=${store.session}&since=${store.seq}` : "";
  const begun = early();
  const mine = begun?.socket ?? new WebSocket(`${scheme}://${location.host}/ws${resume}`);
  const before = socket;
  socket = mine;
  before?.close();
  connectedAt = performance.now();
  mine.onmessage = (event) => {
    if (mine === socket) receive(JSON.parse(event.data), performance.now() - event.timeStamp);
  };
  mine.onclose = () => {
    if (mine === socket) lose();
  };
  for (const event of begun?.told ?? []) mine.onmessage(event);
}

/** The socket that was opened while the modules were on their way; once, and only while it lives. */
function early() {
  const page = /** @type {any} */ (window);
  const begun = page.early;
  page.early = undefined;
  return begun && begun.socket.readyState <= WebSocket.OPEN ? begun : null;
}

/**
 * Look for silence: a daemon that tells nothing is not the present, however open the socket. After a
 * while the socket itself is doubted and another one opened; the page stays covered meanwhile.
 */
export function watch() {
  setInterval(() => {
    if (store.link === "live" && quiet() > SILENCE_MS) {
      store.link = "silent";
      changed();
    }
    if (store.link === "silent" && performance.now() - connectedAt > DOUBT_MS) connect();
  }, 250);
  addEventListener("online", () => store.link === "lost" && connect());
}

const quiet = () => performance.now() - store.heardAt;

/** One message, which came `late` ms ago. */
function receive(message, late) {
  if (message.type === "snapshot" || message.type === "resumed") {
    const { age, role } = message.data;
    store.role = role;
    heard(message.timestamp, age === null ? Infinity : age * 1000 + late);
    if (message.type === "snapshot") takeSnapshot(message);
    joined();
  } else if (message.seq !== undefined) {
    heard(message.timestamp, late);
    if (!takeFrame(message)) resynchronise();
    else if (store.link !== "live") joined();
  }
}

function joined() {
  attempts = 0;
  store.link = quiet() > SILENCE_MS ? "silent" : "live";
  changed();
}

function resynchronise() {
  store.session = "";
  connect();
}

async function lose() {
  const dying = socket;
  socket = null;
  dying?.close();
  if (store.link !== "lost" && store.link !== "locked") {
    store.link = "lost";
    store.lostAt = performance.now();
  }
  changed();
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts++);
  retry = setTimeout(connect, pause * (0.5 + Math.random() / 2));
  if (await refused()) {
    store.link = "locked";
    changed();
  }
}

/** Whether the daemon is there but no longer knows this browser. */
async function refused() {
  try {
    return (await fetch("/api/status", { cache: "no-store" })).status === 401;
  } catch {
    return false;
  }
}
