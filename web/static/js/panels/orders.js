// Orders, fills and settled windows.
import { html, memo, useState } from "../ui.js";
import { Empty, Panel, Tabs } from "../panel.js";
import { brief, windowName } from "../names.js";
import { asCents } from "../ticket.js";
import { download } from "../csv.js";
import { cents, clock, contracts, gain, known, money, number, outcome, partly, tone } from "../format.js";

const SHOWN = 60;
const Side = ({ side }) => html`<span class=${`side ${side}`}>${side.toUpperCase()}</span>`;

const OPEN = new Set(["pending", "submitted", "open", "partially_filled", "unknown"]);
const named = (row) => `${contracts(row.quantity)} ${row.side.toUpperCase()} at ${cents(row.price)}¢, ${contracts(row.filled_quantity)} filled`;

const cancelOf = (row) => ({
  path: `trades/${encodeURIComponent(row.trade_id)}/cancel`,
  title: "Cancel the order",
  button: "Cancel the order",
  tone: "warn",
  says: () => `Takes ${named(row)} off the book. What is filled stays.`,
});

const amendOf = (row) => ({
  path: `trades/${encodeURIComponent(row.trade_id)}/amend`,
  title: "Amend the order",
  button: "Cancel and place anew",
  tone: "warn",
  says: () => `${named(row)}. It is cancelled and a new one goes through all gates: its place in the queue is lost.`,
  fields: [
    ["price", `Price, ¢ of ${row.side.toUpperCase()}`, asCents(row.price)],
    ["quantity", "Contracts that shall rest (empty: as many as now)", ""],
  ],
  read: ({ price, quantity }) => ({
    price: Number((Number(price) / 100).toFixed(4)),
    ...(quantity === "" ? {} : { quantity: Number(quantity) }),
  }),
});

const Actions = ({ row, ask }) => html`<span class="actions">
  <button type="button" class="small" onClick=${() => ask(amendOf(row))}>Amend</button>
  <button type="button" class="small warn" onClick=${() => ask(cancelOf(row))}>Cancel</button>
</span>`;

/** An exit against holding on, in words. */
const exitOf = (row) => `an exit: sold, brought ${money(row.brought)} after fees; ${row.held_to_settlement === null ? "what holding on pays is known when the window settles" : `holding on would have paid ${money(row.held_to_settlement)}: ${gain(row.pnl)}`}`;

const Order = memo(({ row, ask }) => html`<tr class=${`order ${row.status}`}>
  <td>${clock(row.created_at)}</td>
  <td>${windowName(row.ticker)}</td>
  <td>${row.closes ? html`<span class=${`side exit ${row.side === "yes" ? "no" : "yes"}`} title=${exitOf(row)}>−${row.side === "yes" ? "NO" : "YES"}</span>` : html`<${Side} side=${row.side} />`}</td>
  <td class="n">${contracts(row.filled_quantity)}<i>/${contracts(row.quantity)}</i></td>
  <td class="n">${cents(row.price)}</td>
  <td class="n">${cents(row.average_fill_price)}</td>
  <td title=${known(row.queue_position) ? `${contracts(row.queue_position)} contracts trade before it at its price, as told at ${clock(row.queue_at)}` : row.notes}><span class=${`status ${partly(row) ? "partial" : row.status}`}>${outcome(row)}</span>${known(row.queue_position) && html` <i>#${contracts(row.queue_position)}</i>`}</td>
  <td class=${`n ${tone(row.pnl)}`} title=${row.closes ? exitOf(row) : `fees ${money(row.fees)}`}>${gain(row.pnl)}</td>
  <td class="name" title=${row.strategy_name}>${OPEN.has(row.status) && ask ? html`<${Actions} row=${row} ask=${ask} />` : brief(row.strategy_name)}</td>
</tr>`);

const Fill = memo(({ row }) => html`<tr>
  <td>${clock(row.filled_at)}</td>
  <td>${windowName(row.ticker)}</td>
  <td><${Side} side=${row.side} /></td>
  <td class="n">${contracts(row.quantity)}</td>
  <td class="n">${cents(row.price)}</td>
  <td class="n">${money(row.fee)}</td>
  <td>${row.liquidity}</td>
  <td class="name" title=${row.strategy_name}>${row.strategy_name ? brief(row.strategy_name) : "not ours"}</td>
</tr>`);

const Settled = memo(({ row }) => html`<tr>
  <td>${windowName(row.ticker)}</td>
  <td><${Side} side=${row.result} /></td>
  <td class="n">${number(row.strike, 4)}</td>
  <td class="n">${number(row.settlement, 4)}</td>
  <td class="n">${number(row.position, Number.isInteger(row.position) ? 0 : 2)}</td>
  <td class="n">${row.orders}</td>
  <td class="n">${money(row.fees)}</td>
  <td class=${`n ${tone(row.pnl)}`}>${gain(row.pnl)}</td>
</tr>`);

const VIEWS = {
  orders: {
    columns: [
      ["Time", "created_at"], ["Window", "ticker"], ["Side", "side"], ["#Filled", "filled_quantity"], ["#Limit ¢", "price"], ["#Avg ¢", "average_fill_price"],
      ["Status", "status"], ["#P&L", "pnl"], ["Strategy", "strategy_name"],
    ],
    row: (row, ask) => html`<${Order} key=${row.trade_id} row=${row} ask=${ask} />`,
    empty: ["No orders yet", "They appear here the moment risk approves one."],
  },
  fills: {
    columns: [
      ["Time", "filled_at"], ["Window", "ticker"], ["Side", "side"], ["#Contracts", "quantity"], ["#Price ¢", "price"], ["#Fee", "fee"],
      ["Liquidity", "liquidity"], ["Strategy", "strategy_name"],
    ],
    row: (row) => html`<${Fill} key=${row.fill_id} row=${row} />`,
    empty: ["No fills yet", "Every execution is listed once, with the fee charged."],
  },
  windows: {
    columns: [
      ["Window", "ticker"], ["Result", "result"], ["#Strike", "strike"], ["#Settled at", "settlement"], ["#Held", "position"], ["#Orders", "orders"],
      ["#Fees", "fees"], ["#P&L", "pnl"],
    ],
    row: (row) => html`<${Settled} key=${row.ticker} row=${row} />`,
    empty: ["No window has settled yet", "A window's result comes shortly after its close."],
  },
};

const Rows = memo(({ view, rows, ask, shown }) => html`<tbody>${rows.slice(0, shown).map((one) => VIEWS[view].row(one, ask))}</tbody>`);

const orders = new WeakMap();
/** Rows by one of their fields; unknown values last. One list per list and order, so that an unchanged table is not drawn. */
function by(rows, [field, down]) {
  if (!field) return rows;
  let lists = orders.get(rows);
  if (!lists) orders.set(rows, (lists = {}));
  const turn = down ? -1 : 1;
  return (lists[`${field} ${down}`] ??= [...rows].sort((one, two) => {
    const [a, b] = [one[field], two[field]];
    if (a === b) return 0;
    if (a === null || b === null) return a === null ? 1 : -1;
    return a < b ? -turn : turn;
  }));
}

/** A table that is put in order by a click on a head: first the greatest, then the least, then as it came. */
export function Table({ view, rows, ask, shown = SHOWN }) {
  const [order, setOrder] = useState(["", true]);
  const { columns, empty } = VIEWS[view];
  const [field, down] = columns.some(([, name]) => name === order[0]) ? order : ["", true];
  if (!rows.length) return html`<${Empty} title=${empty[0]}>${empty[1]}<//>`;
  const turn = (name) => setOrder(name !== field ? [name, true] : down ? [name, false] : ["", true]);
  return html`<table class=${`list ${view}`}>
    <thead><tr>${columns.map(([name, key]) => html`<th key=${name} class=${name[0] === "#" ? "n" : ""} aria-sort=${key !== field ? undefined : down ? "descending" : "ascending"}>
      <button type="button" class="sort" title="Put in order" onClick=${() => turn(key)}>${name.replace("#", "")}${key === field ? (down ? " ▾" : " ▴") : ""}</button></th>`)}</tr></thead>
    <${Rows} view=${view} rows=${by(rows, [field, down])} ask=${ask} shown=${shown} />
  </table>`;
}

const picked = new WeakMap();
/** Rows in which every word that was typed begins one: market, side, status, strategy, time. */
export function matching(rows, typed) {
  const wanted = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return rows;
  let lists = picked.get(rows);
  if (!lists) picked.set(rows, (lists = new Map()));
  let list = lists.get(typed);
  if (!list) {
    const says = (row) => [row.ticker, windowName(row.ticker), row.side ?? row.result, row.status && outcome(row), row.closes && "exit", row.strategy_name, row.liquidity].join(" ").toLowerCase().split(/[\s-]+/);
    list = rows.filter((row) => {
      const parts = says(row);
      return wanted.every((word) => parts.some((part) => part.startsWith(word)));
    });
    lists.set(typed, list);
  }
  return list;
}

export const Filter = ({ typed, set }) => html`<input class="filter narrow" type="search" value=${typed} placeholder="filter" aria-label="Filter the trades"
  title="words that a row must have: sol no filled kelly" onInput=${(event) => set(event.target.value)} />`;

const sorted = new WeakMap();
/** Those to which more can happen first; one list per list, so that an unchanged table is not drawn. */
export function openFirst(orders) {
  let list = sorted.get(orders);
  if (!list) {
    const open = orders.filter((row) => OPEN.has(row.status));
    sorted.set(orders, (list = open.length ? [...open, ...orders.filter((row) => !OPEN.has(row.status))] : orders));
  }
  return list;
}

export function Orders({ orders, fills, windows, status, ask }) {
  const [view, setView] = useState("orders");
  const open = status?.order_summary.open ?? 0;
  const options = [
    ["orders", open ? `Orders · ${open} open` : "Orders"],
    ["fills", "Fills"],
    ["windows", "Windows"],
  ];
  const [typed, setTyped] = useState("");
  const rows = matching({ orders: openFirst(orders), fills, windows }[view], typed);
  const tabs = html`<${Tabs} label="Orders" options=${options} chosen=${view} choose=${setView} />
    <${Filter} typed=${typed} set=${setTyped} />
    <button type="button" class="quiet small" disabled=${!rows.length} onClick=${() => download(view, rows)}>CSV</button>`;
  return html`<${Panel} id="orders" title="Trades" extra=${tabs} at=${status ? status.timestamp : null}>
    <${Table} view=${view} rows=${rows} ask=${ask} />
  <//>`;
}
