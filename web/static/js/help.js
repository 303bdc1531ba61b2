// The help sheet: every key, and what the signs of the page mean.
import { html, useEffect, useRef } from "./ui.js";

const KEYS = [
  ["1 – 7", "tabs, from Trade to System"],
  ["[ ]", "market before, market after"],
  ["Shift H", "HALT: cancel everything and stop (asks first)"],
  ["Shift P", "pause, or resume (asks first)"],
  ["Shift C", "close the position of the market that is shown (asks first)"],
  ["S", "sound on or off"],
  ["T", "dark or light"],
  ["?", "this sheet"],
  ["Esc", "close what is open"],
];
const WORDS = [
  ["¢", "price of one contract, which pays 100¢ or nothing; money is in $"],
  ["P&L", "profit and loss after fees; P&L now sells at the bid, before the fee of selling"],
  ["Fair", "probability of YES by the model, with its range; edge is what is left of it after price and fee"],
  ["Part filled", "an order that took what the book had; its rest was cancelled"],
  ["Unfilled", "an order that takes at once or not at all, and came too late: the book had nothing at its price"],
  ["\u2212YES, \u2212NO", "contracts that were sold: an exit; point at it to see what holding on would have paid"],
  ["#12", "contracts that trade before an order that rests"],
  ["old, grey", "a number older than it may be: do not act on it"],
  ["▲ stale", "a stream is open and brings nothing new"],
  ["ET, UTC", "windows are named by their close in New York, moments are in UTC"],
];

const rows = (list) => list.map(([name, text]) => html`<div key=${name}><dt><kbd>${name}</kbd></dt><dd>${text}</dd></div>`);

export function Help({ close }) {
  const element = useRef(null);
  useEffect(() => {
    if (!element.current.open) element.current.showModal();
  }, []);
  return html`<dialog ref=${element} class="confirm help" aria-labelledby="help-title" onClose=${close}>
    <h2 id="help-title">Keys and words</h2>
    <dl>${rows(KEYS)}</dl>
    <dl>${rows(WORDS)}</dl>
    <menu><button type="button" autofocus onClick=${() => element.current.close()}>Close</button></menu>
  </dialog>`;
}
