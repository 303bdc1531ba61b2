// The ladder: both sides of the book in prices of YES and NO, depth as bars, our own orders; a price
// that is clicked fills the ticket.
import { html, memo } from "../ui.js";
import { Empty, Panel } from "../panel.js";
import { cents, clock, column, contracts, known } from "../format.js";
import { prefill } from "../ticket.js";

const DEPTH = 5;
const queue = (row) => (known(row.queue_position) ? `; ${contracts(row.queue_position)} trade before it (${clock(row.queue_at)})` : "");
const OPEN = new Set(["pending", "submitted", "open", "partially_filled", "unknown"]);

const Price = ({ side, price, ticker, may, say }) => !may ? html`<span class="price">${say(price)}</span>` : html`<button type="button" class="price" title=${`ticket: buy ${side.toUpperCase()} at ${cents(price)}¢`}
  aria-label=${`buy ${side.toUpperCase()} at ${cents(price)} cents`}
  onClick=${() => prefill({ ticker, side, price })}>${say(price)}</button>`;

const Level = ({ level, no, side, deepest, ticker, own, may, say }) => {
  if (!level) return html`<tr class="none"><td></td><td></td><td></td><td></td></tr>`;
  const [price, size] = level;
  const mine = own.find((row) => Math.abs((row.side === "yes" ? price : no) - row.price) < 1e-9);
  return html`<tr class=${side}>
    <td><${Price} side="yes" price=${price} ticker=${ticker} may=${may} say=${say} /></td>
    <td><${Price} side="no" price=${no} ticker=${ticker} may=${may} say=${say} /></td>
    <td>${mine && html`<span class="mine" title=${`own order: filled / size${queue(mine)}`}>◆ ${contracts(mine.filled_quantity)}/${contracts(mine.quantity)}</span> `}${contracts(size)}</td>
    <td><meter min="0" max=${deepest} value=${size} aria-hidden="true"></meter></td>
  </tr>`;
};

const Ladder = memo(({ book, own, may }) => {
  const asks = book.asks.slice(0, DEPTH);
  const bids = book.bids.slice(0, DEPTH);
  const deepest = Math.max(1, ...[...asks, ...bids].map(([, size]) => size));
  const say = column([...asks, ...bids].map(([price]) => price));
  const shared = { deepest, ticker: book.ticker, own, may, say };
  const above = Array.from({ length: DEPTH }, (_, row) => DEPTH - 1 - row);
  return html`<div class="ladder">
    <div class="touch">
      <div><small>Bid</small><b class="bid">${cents(book.bid)}</b></div>
      <div><small>Spread</small><b>${cents(book.spread)}</b></div>
      <div><small>Ask</small><b class="ask">${cents(book.ask)}</b></div>
    </div>
    <table>
      <thead><tr><th>YES ¢</th><th>NO ¢</th><th>Contracts</th><th class="bar-column"><span class="off">Depth</span></th></tr></thead>
      <tbody>
        ${above.map((row) => html`<${Level} key=${`a${row}`} level=${asks[row]} no=${book.asks_no[row]} side="ask" ...${shared} />`)}
        <tr class="gap"><td colspan="4"><span>${book.mid === null ? "one side is empty" : `mid ${cents(book.mid)}`}</span></td></tr>
        ${[...above].reverse().map((row) => html`<${Level} key=${`b${row}`} level=${bids[row]} no=${book.bids_no[row]} side="bid" ...${shared} />`)}
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
  return html`<div class="tape" tabindex="0" role="region" aria-label="Public trades">
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

const owns = new WeakMap();
const NONE = [];
/** Open orders of a window, one list per list of orders, so that an unchanged ladder is not drawn again. */
function openIn(orders, ticker) {
  if (!orders) return NONE;
  let kept = owns.get(orders);
  if (kept?.ticker !== ticker) {
    const rows = orders.filter((row) => row.ticker === ticker && OPEN.has(row.status));
    owns.set(orders, (kept = { ticker, rows: rows.length ? rows : NONE }));
  }
  return kept.rows;
}

export function Book({ book, market, freshness, prints, orders, ask }) {
  if (!book || book.ticker !== market?.ticker) {
    return html`<${Panel} id="book" title="Order book">
      <${Empty} title="No book">Asked for; the first snapshot has not come.<//>
    <//>`;
  }
  const extra = book.fresh ? null : html`<span class="flag">waiting for a snapshot</span>`;
  return html`<${Panel} id="book" title="Order book" at=${book.fresh ? book.book_at : null}
      limit=${freshness?.book} extra=${extra}>
    <${Ladder} book=${book} own=${openIn(orders, book.ticker)} may=${Boolean(ask)} />
    <${Tape} prints=${prints} ticker=${market.ticker} />
  <//>`;
}
