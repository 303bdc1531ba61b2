// What must not be missed: fills, refusals, results, halts. Each is told once; what was there before
// the page came is not told. While the page is hidden its title counts them.
import { cents, contracts, gain } from "./format.js";
import { brief, windowName } from "./names.js";
import { changed, newest, store, subscribe } from "./store.js";

/** How long a notice stands, in ms; what is bad stands until it is closed. */
const LIFE_MS = { good: 6000, plain: 6000, warn: 12_000, bad: 0 };
const MOST = 3;
/** Rows that are looked at: more do not change between two pictures. */
const LOOKED = 30;
const KEPT = 400;

/** @typedef {{id: string, tone: string, title: string, text: string}} Notice */

export const notices = {
  /** @type {Notice[]} oldest first */
  list: [],
  /** How many came while nobody could see the page. */
  unseen: 0,
};

/** @type {Set<string>|null} */
let told = null;

export function dismiss(id) {
  notices.list = notices.list.filter((one) => one.id !== id);
  changed();
}

function put(notice) {
  const others = notices.list.filter((one) => one.id !== notice.id);
  notices.list = [...others, notice].slice(-MOST);
  if (document.hidden) notices.unseen++;
  const life = LIFE_MS[notice.tone];
  if (life) setTimeout(() => notices.list.includes(notice) && dismiss(notice.id), life);
}

const other = { yes: "NO", no: "YES" };

function filled(row) {
  const size = `${contracts(row.filled_quantity)} of ${contracts(row.quantity)}`;
  return {
    id: `order:${row.trade_id}`,
    tone: "good",
    title: row.closes ? `Sold ${size} ${other[row.side]}` : `Bought ${size} ${row.side.toUpperCase()} at ${cents(row.average_fill_price)}¢`,
    text: `${windowName(row.ticker)} ET · ${brief(row.strategy_name)}`,
  };
}

const failed = (row) => ({
  id: `order:${row.trade_id}`,
  tone: "bad",
  title: row.status === "unknown" ? "An order's outcome is unknown" : "An order was rejected",
  text: `${contracts(row.quantity)} ${row.side.toUpperCase()} at ${cents(row.price)}¢ · ${windowName(row.ticker)} ET · ${row.notes}`,
});

const settled = (row) => ({
  id: `window:${row.ticker}`,
  tone: row.pnl < 0 ? "warn" : "good",
  title: `${windowName(row.ticker)} ET settled ${row.result.toUpperCase()}: ${gain(row.pnl)}`,
  text: `${row.orders === 1 ? "1 order" : `${row.orders} orders`}, after fees`,
});

const HEADS = { critical: "Critical", warning: "Warning", info: "Trading state" };
const TONES = { critical: "bad", warning: "warn", info: "plain" };
const alarm = (row) => ({ id: `alert:${row.id}`, tone: TONES[row.level], title: HEADS[row.level], text: row.text });

/** Everything there is to tell of now: what makes it new, and its words. */
function* candidates() {
  const { state } = store;
  for (const row of newest(state.order).slice(0, LOOKED)) {
    if (row.status === "rejected" || row.status === "unknown") yield [`${row.trade_id} ${row.status}`, failed, row];
    else if (row.filled_quantity > 0) yield [`${row.trade_id} ${row.filled_quantity}`, filled, row];
  }
  for (const row of newest(state.window).slice(0, LOOKED)) {
    if (row.position || row.pnl || row.payout) yield [`window ${row.ticker}`, settled, row];
  }
  for (const row of newest(state.alert).slice(0, LOOKED)) {
    if (row.level !== "info" || row.code.startsWith("state_")) yield [`alert ${row.id}`, alarm, row];
  }
}

/** Listen for what is new. */
export function notice() {
  let seen = [];
  subscribe(() => {
    const { order, window, alert } = store.state;
    const same = seen[0] === order && seen[1] === window && seen[2] === alert;
    if (!store.session || same) return;
    seen = [order, window, alert];
    const first = told === null;
    told ??= new Set();
    for (const [key, say, row] of [...candidates()].reverse()) {
      // What is still there is kept in mind longest.
      if (!told.delete(key) && !first) put(say(row));
      told.add(key);
    }
    while (told.size > KEPT) told.delete(told.values().next().value);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && notices.unseen) {
      notices.unseen = 0;
      changed();
    }
  });
}
