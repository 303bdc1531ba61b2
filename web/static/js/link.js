// The one socket: snapshot, then frames in order. Whatever breaks, it comes back and starts from a
// whole picture, or from where it stood when the daemon still has the rest.
import { changed, heard, store, takeFrame, takeSnapshot } from "./store.js";

const SILENCE_MS = 3500;
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 4000;

let socket = null;
let attempts = 0;
let retry = 0;

export function connect() {
  clearTimeout(retry);
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const resume = store.session ? `?session=${store.session}&since=${store.seq}` : "";
  const mine = new WebSocket(`${scheme}://${location.host}/ws${resume}`);
  socket = mine;
  mine.onmessage = (event) => {
    if (mine === socket) receive(JSON.parse(event.data));
  };
  mine.onclose = () => {
    if (mine === socket) lose();
  };
}

/** Look for silence: a socket that says nothing is as dead as one that is closed. */
export function watch() {
  setInterval(() => {
    if (store.link === "live" && performance.now() - store.heardAt > SILENCE_MS) lose();
  }, 500);
  addEventListener("online", () => store.link !== "live" && connect());
}

function receive(message) {
  if (message.type === "snapshot") {
    heard(message.timestamp);
    takeSnapshot(message);
    live();
  } else if (message.type === "resumed") {
    heard(message.timestamp);
    live();
  } else if (message.seq !== undefined) {
    heard(message.timestamp);
    if (!takeFrame(message)) resynchronise();
  }
}

function live() {
  attempts = 0;
  store.link = "live";
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
