// Names of strategies where there is little room: the first word, while it is nobody else's.
import { words } from "./format.js";
import { store } from "./store.js";

const first = (name) => name.split("_")[0];

/** `kelly_volatility` -> `kelly`; whole where two strategies begin alike. */
export function brief(name) {
  let alike = 0;
  for (const other of store.state.strategy?.keys() ?? []) if (first(other) === first(name)) alike++;
  return alike > 1 ? words(name) : first(name);
}
