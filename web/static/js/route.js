// Which tab is shown, in the address: a reload and a second tab show the same.
import { useEffect, useState } from "./ui.js";

export const TABS = [
  ["trade", "Trade"],
  ["performance", "Performance"],
  ["strategies", "Strategies"],
  ["windows", "Windows"],
  ["quant", "Quant"],
  ["ticket", "Ticket"],
  ["system", "System"],
];
const KNOWN = new Set(TABS.map(([name]) => name));

function read() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  return { name: KNOWN.has(name) ? name : "trade", rest };
}

/** @param {...(string|number)} parts tab, and what it is about */
export function go(...parts) {
  location.hash = parts.join("/");
}

/** @returns {{name: string, rest: string[]}} */
export function useRoute() {
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const moved = () => setRoute(read());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return route;
}
