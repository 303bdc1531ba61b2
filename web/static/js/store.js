// The picture as the engine tells it. Frames are folded by the table that came with the snapshot;
// nothing here knows what a row means, and nothing computes a trading number.

/** @typedef {{fold: string, key: string, keep: number}} Topic */

const listeners = new Set();
let scheduled = false;

export const store = {
  /** @type {Record<string, any>} topic -> row, Map of rows, or lines of points */
  state: {},
  /** @type {Record<string, Topic>} */
  topics: {},
  session: "",
  seq: 0,
  /** connecting, live, silent (open, but nothing is told), lost, locked */
  link: "connecting",
  /** operator or viewer: what the daemon lets this browser do */
  role: "operator",
  lostAt: 0,
  /** Engine time (ms) of the newest frame, and when it arrived (performance.now). */
  engineAt: 0,
  heardAt: 0,
};

/** Ten pictures a second are as many as a person reads; frames may come far more often. */
const PICTURE_MS = 100;
let drawnAt = -PICTURE_MS;

/** Have `listener` called when something changed, at most once in PICTURE_MS. */
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function changed() {
  if (scheduled) return;
  scheduled = true;
  // A hidden tab gets no animation frames; it must still fold, and draws when it is seen again.
  const draw = () => {
    scheduled = false;
    drawnAt = performance.now();
    for (const listener of listeners) listener();
  };
  const wait = drawnAt + PICTURE_MS - performance.now();
  if (wait <= 0) requestAnimationFrame(draw);
  else setTimeout(() => requestAnimationFrame(draw), wait);
}

/** The engine's clock now, in ms: it runs `speed` times as fast as ours. */
export function engineNow() {
  const speed = store.state.status_update?.speed ?? 1;
  return store.engineAt + (performance.now() - store.heardAt) * speed;
}

/** A frame of the engine's time `timestamp` was told `ago` ms before now. */
export function heard(timestamp, ago) {
  const at = Date.parse(timestamp);
  if (Number.isNaN(at)) return;
  store.engineAt = at;
  store.heardAt = performance.now() - ago;
}

/** Replace everything. */
export function takeSnapshot(message) {
  const { session, topics, state } = message.data;
  store.session = session;
  store.topics = topics;
  store.seq = message.seq;
  store.state = {};
  for (const [name, topic] of Object.entries(topics)) {
    if (topic.fold === "replace") store.state[name] = state[name] ?? null;
    else if (topic.fold === "points") store.state[name] = new Map(Object.entries(state[name] ?? {}));
    else if (topic.fold === "upsert") {
      store.state[name] = new Map((state[name] ?? []).map((row) => [row[topic.key], row]));
    }
  }
  changed();
}

/** Fold one frame; false when one is missing before it. */
export function takeFrame(message) {
  if (message.seq !== store.seq + 1) return false;
  store.seq = message.seq;
  const topic = store.topics[message.type];
  if (topic) fold(message.type, topic, message.data);
  changed();
  return true;
}

function fold(name, topic, data) {
  if (topic.fold === "replace") {
    store.state[name] = data;
  } else if (topic.fold === "upsert") {
    const rows = new Map(store.state[name]);
    rows.set(data[topic.key], data);
    while (rows.size > topic.keep) rows.delete(rows.keys().next().value);
    store.state[name] = rows;
  } else if (topic.fold === "points") {
    const lines = new Map(store.state[name]);
    const points = (lines.get(data[topic.key]) ?? []).concat(data.points);
    lines.set(data[topic.key], points.slice(-topic.keep));
    store.state[name] = lines;
  }
}

// One array per picture of a topic, so that what did not change is not drawn again.
const lists = new WeakMap();
const NONE = [];

/** Rows of a topic, oldest first. */
export function oldest(rows) {
  if (!rows) return NONE;
  let list = lists.get(rows);
  if (!list) lists.set(rows, (list = [...rows.values()]));
  return list;
}

const reversed = new WeakMap();

/** Rows of a topic, newest first. */
export function newest(rows) {
  const list = oldest(rows);
  let turned = reversed.get(list);
  if (!turned) reversed.set(list, (turned = [...list].reverse()));
  return turned;
}
