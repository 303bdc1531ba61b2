// How numbers look. Formatting only: a value that is not known is a dash, never a zero.

export const DASH = "–";
const MINUS = "\u2212";

const plain = new Map();
function digits(value, places) {
  let form = plain.get(places);
  if (!form) {
    form = new Intl.NumberFormat("en-US", {
      minimumFractionDigits: places,
      maximumFractionDigits: places,
    });
    plain.set(places, form);
  }
  return form.format(Math.abs(value));
}

export const known = (value) => typeof value === "number" && Number.isFinite(value);

export function number(value, places = 0) {
  return known(value) ? (value < 0 ? MINUS : "") + digits(value, places) : DASH;
}

export function signed(value, places = 2) {
  if (!known(value)) return DASH;
  const text = digits(value, places);
  if (!/[1-9]/.test(text)) return text;
  return (value < 0 ? MINUS : "+") + text;
}

export function money(value) {
  return known(value) ? `${value < 0 ? MINUS : ""}$${digits(value, 2)}` : DASH;
}

export function gain(value) {
  if (!known(value)) return DASH;
  const text = digits(value, 2);
  if (!/[1-9]/.test(text)) return `$${text}`;
  return `${value < 0 ? MINUS : "+"}$${text}`;
}

/** Dollars per contract as cents; tenths only where there are any. */
export function cents(dollars) {
  if (!known(dollars)) return DASH;
  const value = dollars * 100;
  return number(value, Math.abs(value - Math.round(value)) < 1e-6 ? 0 : 1);
}

/** Dollars per contract as cents with their sign. */
export const signedCents = (dollars) => (known(dollars) ? `${signed(dollars * 100, 1)}¢` : DASH);

export function percent(share, places = 1) {
  return known(share) ? `${number(share * 100, places)}%` : DASH;
}

export function contracts(value) {
  return number(value, Number.isInteger(value) ? 0 : 2);
}

/** Up or down, for colour; the sign in the text says the same. */
export function tone(value) {
  if (!known(value) || Math.abs(value) < 0.005) return "";
  return value > 0 ? "up" : "down";
}

export function clock(iso) {
  return iso ? iso.slice(11, 19) : DASH;
}

export function age(seconds) {
  if (!known(seconds)) return DASH;
  if (seconds < 10) return `${digits(Math.max(0, seconds), 1)} s`;
  if (seconds < 120) return `${digits(seconds, 0)} s`;
  if (seconds < 7200) return `${digits(seconds / 60, 0)} min`;
  return `${digits(seconds / 3600, 0)} h`;
}

export function countdown(ms) {
  const left = Math.max(0, Math.ceil(ms / 1000));
  return `${String(Math.floor(left / 60)).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`;
}

/** `min_edge` -> `min edge`, `not_trading_halted` -> `not trading: halted`. */
export function words(code) {
  return (code ?? "").replace(/^not_trading_/, "not trading: ").replaceAll("_", " ");
}

/** What has become of an order; one that took what there was and no more is not simply cancelled. */
export function outcome(row) {
  if (row.status !== "cancelled") return words(row.status);
  if (partly(row)) return "part filled";
  return row.order_type === "ioc" ? "unfilled" : "cancelled";
}
export const partly = (row) => row.status === "cancelled" && row.filled_quantity > 0;

/** Cents of a column of prices: with tenths in every row as soon as one has them. */
export function column(prices) {
  const tenths = prices.some((price) => known(price) && Math.abs(price * 100 - Math.round(price * 100)) > 1e-6);
  return (price) => number(known(price) ? price * 100 : price, tenths ? 1 : 0);
}

/** A ticker without its series: `26NOV221015-15`. */
export function shortTicker(ticker) {
  const parts = (ticker ?? "").split("-");
  return parts.length > 1 ? parts[1].slice(-4).replace(/^(..)(..)$/, "$1:$2") : ticker;
}

/** A number behind a decision, short. */
export function figure(value) {
  if (!known(value)) return DASH;
  const size = Math.abs(value);
  if (size !== 0 && size < 0.0001) return value.toExponential(1).replace("-", MINUS);
  return (value < 0 ? MINUS : "") + String(Number(size.toPrecision(4)));
}
