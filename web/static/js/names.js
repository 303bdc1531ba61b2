// Short names where there is little room: of strategies, series and windows.
import { shortTicker, words } from "./format.js";
import { store } from "./store.js";

const first = (name) => name.split("_")[0];

/** `kelly_volatility` -> `kelly`; whole where two strategies begin alike. */
export function brief(name) {
  let alike = 0;
  for (const other of store.state.strategy?.keys() ?? []) if (first(other) === first(name)) alike++;
  return alike > 1 ? words(name) : first(name);
}

/** `KXSOL15M` and any ticker of it -> `SOL`. */
export const coin = (name) => name.split("-")[0].replace(/^KX/, "").replace(/15M$/, "");

/** A window by its close in New York: `01:45`, with its coin where several are traded. */
export const windowName = (ticker) => `${store.state.market?.size > 1 ? `${coin(ticker)} ` : ""}${shortTicker(ticker)}`;
