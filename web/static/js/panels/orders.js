// Orders, fills and settled windows.
import { html, memo, useState } from "../ui.js";
import { Empty, Panel, Tabs } from "../panel.js";
import { cents, clock, contracts, gain, money, number, shortTicker, tone, words } from "../format.js";

const SHOWN = 60;
const Side = ({ side }) => html`<span class=${`side ${side}`}>${side.toUpperCase()}</span>`;

const Order = memo(({ row }) => html`<tr class=${`order ${row.status}`}>
  <td>${clock(row.created_at)}</td>
  <td>${shortTicker(row.ticker)}</td>
  <td><${Side} side=${row.side} /></td>
  <td class="n">${contracts(row.filled_quantity)}<i>/${contracts(row.quantity)}</i></td>
  <td class="n">${cents(row.price)}</td>
  <td class="n">${cents(row.average_fill_price)}</td>
  <td title=${row.notes}><span class=${`status ${row.status}`}>${words(row.status)}</span></td>
  <td class="n">${money(row.fees)}</td>
  <td class=${`n ${tone(row.pnl)}`}>${gain(row.pnl)}</td>
  <td class="name" title=${row.strategy_name}>${row.strategy_name}</td>
</tr>`);

const Fill = memo(({ row }) => html`<tr>
  <td>${clock(row.filled_at)}</td>
  <td>${shortTicker(row.ticker)}</td>
  <td><${Side} side=${row.side} /></td>
  <td class="n">${contracts(row.quantity)}</td>
  <td class="n">${cents(row.price)}</td>
  <td class="n">${money(row.fee)}</td>
  <td>${row.liquidity}</td>
  <td class="name">${row.strategy_name ?? "not ours"}</td>
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
    columns: ["Time", "Window", "Side", "#Filled", "#Limit ¢", "#Avg ¢", "Status", "#Fees", "#P&L", "Strategy"],
    row: (row) => html`<${Order} key=${row.trade_id} row=${row} />`,
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

const Table = memo(({ view, rows }) => {
  const { columns, row, empty } = VIEWS[view];
  if (!rows.length) return html`<${Empty} title=${empty[0]}>${empty[1]}<//>`;
  return html`<table class=${`list ${view}`}>
    <thead><tr>${columns.map((name) => html`<th key=${name} class=${name[0] === "#" ? "n" : ""}>${name.replace("#", "")}</th>`)}</tr></thead>
    <tbody>${rows.slice(0, SHOWN).map(row)}</tbody>
  </table>`;
});

export function Orders({ orders, fills, windows, status }) {
  const [view, setView] = useState("orders");
  const open = status?.order_summary.open ?? 0;
  const options = [
    ["orders", open ? `Orders · ${open} open` : "Orders"],
    ["fills", "Fills"],
    ["windows", "Windows"],
  ];
  const tabs = html`<${Tabs} label="Orders" options=${options} chosen=${view} choose=${setView} />`;
  return html`<${Panel} id="orders" title="Trades" extra=${tabs} at=${status ? status.timestamp : null}>
    <${Table} view=${view} rows=${{ orders, fills, windows }[view]} />
  <//>`;
}
