// Orders, fills and settled windows.
import { html, memo, useState } from "../ui.js";
import { Empty, Panel, Tabs } from "../panel.js";
import { brief } from "../names.js";
import { asCents } from "../ticket.js";
import { download } from "../csv.js";
import { cents, clock, contracts, gain, known, money, number, shortTicker, tone, words } from "../format.js";

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

const Order = memo(({ row, ask }) => html`<tr class=${`order ${row.status}`}>
  <td>${clock(row.created_at)}</td>
  <td>${shortTicker(row.ticker)}</td>
  <td><${Side} side=${row.side} /></td>
  <td class="n">${contracts(row.filled_quantity)}<i>/${contracts(row.quantity)}</i></td>
  <td class="n">${cents(row.price)}</td>
  <td class="n">${cents(row.average_fill_price)}</td>
  <td title=${known(row.queue_position) ? `${contracts(row.queue_position)} contracts trade before it at its price, as told at ${clock(row.queue_at)}` : row.notes}><span class=${`status ${row.status}`}>${words(row.status)}</span>${known(row.queue_position) && html` <i>#${contracts(row.queue_position)}</i>`}</td>
  <td class=${`n ${tone(row.pnl)}`} title=${`fees ${money(row.fees)}`}>${gain(row.pnl)}</td>
  <td class="name" title=${row.strategy_name}>${OPEN.has(row.status) && ask ? html`<${Actions} row=${row} ask=${ask} />` : brief(row.strategy_name)}</td>
</tr>`);

const Fill = memo(({ row }) => html`<tr>
  <td>${clock(row.filled_at)}</td>
  <td>${shortTicker(row.ticker)}</td>
  <td><${Side} side=${row.side} /></td>
  <td class="n">${contracts(row.quantity)}</td>
  <td class="n">${cents(row.price)}</td>
  <td class="n">${money(row.fee)}</td>
  <td>${row.liquidity}</td>
  <td class="name" title=${row.strategy_name}>${row.strategy_name ? brief(row.strategy_name) : "not ours"}</td>
</tr>`);

const Settled = memo(({ row }) => html`<tr>
  <td>${shortTicker(row.ticker)}</td>
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
    columns: ["Time", "Window", "Side", "#Filled", "#Limit ¢", "#Avg ¢", "Status", "#P&L", "Strategy"],
    row: (row, ask) => html`<${Order} key=${row.trade_id} row=${row} ask=${ask} />`,
    empty: ["No orders yet", "They appear here the moment risk approves one."],
  },
  fills: {
    columns: ["Time", "Window", "Side", "#Contracts", "#Price ¢", "#Fee", "Liquidity", "Strategy"],
    row: (row) => html`<${Fill} key=${row.fill_id} row=${row} />`,
    empty: ["No fills yet", "Every execution is listed once, with the fee charged."],
  },
  windows: {
    columns: ["Window", "Result", "#Strike", "#Settled at", "#Held", "#Orders", "#Fees", "#P&L"],
    row: (row) => html`<${Settled} key=${row.ticker} row=${row} />`,
    empty: ["No window has settled yet", "A window's result comes shortly after its close."],
  },
};

export const Table = memo(({ view, rows, ask, shown = SHOWN }) => {
  const { columns, row, empty } = VIEWS[view];
  if (!rows.length) return html`<${Empty} title=${empty[0]}>${empty[1]}<//>`;
  return html`<table class=${`list ${view}`}>
    <thead><tr>${columns.map((name) => html`<th key=${name} class=${name[0] === "#" ? "n" : ""}>${name.replace("#", "")}</th>`)}</tr></thead>
    <tbody>${rows.slice(0, shown).map((one) => row(one, ask))}</tbody>
  </table>`;
});

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
  const rows = { orders: openFirst(orders), fills, windows }[view];
  const tabs = html`<${Tabs} label="Orders" options=${options} chosen=${view} choose=${setView} />
    <button type="button" class="quiet small" disabled=${!rows.length} onClick=${() => download(view, rows)}>CSV</button>`;
  return html`<${Panel} id="orders" title="Trades" extra=${tabs} at=${status ? status.timestamp : null}>
    <${Table} view=${view} rows=${rows} ask=${ask} />
  <//>`;
}
