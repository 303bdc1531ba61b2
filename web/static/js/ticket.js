// What stands in the manual ticket; kept while other tabs are looked at.
import { go } from "./route.js";

export const ticket = {
  ticker: "",
  side: "yes",
  price: "",
  quantity: "10",
  order_type: "limit",
  probability: "",
};

/** Dollars of a price as the ticket's cents, without noise. */
export const asCents = (price) => String(Number((price * 100).toFixed(2)));

/** Fill the ticket from a price that was clicked, and show it. */
export function prefill({ ticker, side, price }) {
  Object.assign(ticket, { ticker, side, price: asCents(price) });
  go("ticket");
  dispatchEvent(new Event("ticket"));
}
