// The ladder: both sides of the YES book, best prices in the middle, depth as bars.
import { html, memo } from "../ui.js";
import { Empty, Panel } from "../panel.js";
import { cents, clock, contracts } from "../format.js";

const DEPTH = 5;

const Level = ({ level, side, deepest }) => {
  if (!level) return html`<tr class="none"><td></td><td></td><td></td></tr>`;
  const [price, size] = level;
  return html`<tr class=${side}>
    <td>${cents(price)}</td>
    <td>${contracts(size)}</td>
    <td><meter min="0" max=${deepest} value=${size} aria-hidden="true"></meter></td>
  </tr>`;
};

const Ladder = memo(({ book }) => {
  const asks = book.asks.slice(0, DEPTH);
  const bids = book.bids.slice(0, DEPTH);
  const deepest = Math.max(1, ...[...asks, ...bids].map(([, size]) => size));
  const above = Array.from({ length: DEPTH }, (_, row) => asks[DEPTH - 1 - row]);
  const below = Array.from({ length: DEPTH }, (_, row) => bids[row]);
  return html`<div class="ladder">
    <div class="touch">
      <div><small>Bid</small><b class="bid">${cents(book.bid)}</b></div>
      <div><small>Spread</small><b>${cents(book.spread)}</b></div>
      <div><small>Ask</small><b class="ask">${cents(book.ask)}</b></div>
    </div>
    <table>
      <thead><tr><th>YES ¢</th><th>Contracts</th><th class="bar-column"><span class="off">Depth</span></th></tr></thead>
      <tbody>
        ${above.map((level, row) => html`<${Level} key=${`a${row}`} level=${level} side="ask" deepest=${deepest} />`)}
        <tr class="gap"><td colspan="3"><span>${book.mid === null ? "one side is empty" : `mid ${cents(book.mid)}`}</span></td></tr>
        ${below.map((level, row) => html`<${Level} key=${`b${row}`} level=${level} side="bid" deepest=${deepest} />`)}
      </tbody>
    </table>
  </div>`;
});

const Print = memo(({ row }) => html`<tr>
  <td>${clock(row.at)}</td>
  <td class=${row.taker_side === "yes" ? "bid" : "ask"}>${row.taker_side === "yes" ? "▲" : "▼"} ${cents(row.price)}</td>
  <td class="n">${contracts(row.quantity)}</td>
</tr>`);

const Tape = memo(({ prints, ticker }) => {
  const rows = prints.filter((row) => row.ticker === ticker).slice(0, 30);
  return html`<div class="tape" tabindex="0" aria-label="Public trades">
    <table class="list">
      <thead><tr><th>Trades</th><th>YES ¢</th><th class="n">Contracts</th></tr></thead>
      <tbody>
        ${rows.length
          ? rows.map((row) => html`<${Print} key=${row.trade_id} row=${row} />`)
          : html`<tr><td colspan="3" class="dim">none seen yet</td></tr>`}
      </tbody>
    </table>
  </div>`;
});

export function Book({ book, market, freshness, prints }) {
  if (!book || book.ticker !== market?.ticker) {
    return html`<${Panel} id="book" title="Order book">
      <${Empty} title="No book">Asked for; the first snapshot has not come.<//>
    <//>`;
  }
  const extra = book.fresh ? null : html`<span class="flag">waiting for a snapshot</span>`;
  return html`<${Panel} id="book" title="Order book" at=${book.fresh ? book.book_at : null}
      limit=${freshness?.book} extra=${extra}>
    <${Ladder} book=${book} />
    <${Tape} prints=${prints} ticker=${market.ticker} />
  <//>`;
}
