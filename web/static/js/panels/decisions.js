// The decision log: why and why not, with the gate and its numbers.
import { html, memo, useState } from "../ui.js";
import { Empty, Panel, Tabs } from "../panel.js";
import { brief, windowName } from "../names.js";
import { go } from "../route.js";
import { download } from "../csv.js";
import { cents, clock, contracts, figure, number, percent, signed, words } from "../format.js";

const SHOWN = 80;
const ACTED = new Set(["signal", "approved"]);
const KINDS = { signal: "signal", pass: "pass", approved: "approved", denied: "denied" };

function numbers(row) {
  const out = [];
  if (row.quantity !== null) out.push(["qty", contracts(row.quantity)]);
  if (row.price !== null) out.push(["at", `${cents(row.price)}¢`]);
  if (row.probability !== null) out.push(["prob", percent(row.probability)]);
  if (row.edge !== null) out.push(["edge", `${signed(row.edge * 100, 1)}¢`]);
  if (row.limit !== null) out.unshift(["is", figure(row.value)], ["limit", figure(row.limit)]);
  for (const { name, value } of row.values) out.push([words(name), figure(value)]);
  return out;
}

const Decision = memo(({ row }) => html`<tr class=${`decision ${row.kind}`} title=${`show this moment of window ${windowName(row.ticker)} ET`}
  onClick=${() => go("windows", row.ticker, Date.parse(row.last_at))}>
  <td><a href=${`#windows/${row.ticker}/${Date.parse(row.last_at)}`}>${clock(row.last_at)}</a></td>
  <td><span class=${`kind ${row.kind}`}>${KINDS[row.kind]}</span></td>
  <td class="name" title=${row.strategy}>${brief(row.strategy)}</td>
  <td>${row.side ? html`<span class=${`side ${row.side}`}>${row.side.toUpperCase()}</span>` : ""}</td>
  <td class="gate" title=${row.text}>${ACTED.has(row.kind) ? row.text : words(row.gate)}${row.count > 1 ? html` <i>×${number(row.count)}</i>` : ""}</td>
  <td class="numbers" title=${numbers(row).map(([name, value]) => `${name} ${value}`).join("\n")}>
    ${numbers(row).map(([name, value]) => html`<span key=${name}><i>${name}</i> ${value}</span>`)}
  </td>
</tr>`);

const Log = memo(({ rows }) => html`<table class="list log">
  <thead><tr><th>Time</th><th>Kind</th><th>Strategy</th><th>Side</th><th>Gate</th><th>Numbers</th></tr></thead>
  <tbody>${rows.slice(0, SHOWN).map((row) => html`<${Decision} key=${row.id} row=${row} />`)}</tbody>
</table>`);

const FILTERS = [
  ["all", "All"],
  ["acted", "Acted"],
  ["denied", "Denied"],
  ["pass", "Passed"],
];
const fits = (kind, filter) =>
  filter === "all" || kind === filter || (filter === "acted" && ACTED.has(kind));

// Newest news first: a row that is counted on comes up again. One list per source and filter, so that an unchanged log is not drawn again.
const filtered = new WeakMap();
function select(rows, filter, strategy) {
  let lists = filtered.get(rows);
  if (!lists) filtered.set(rows, (lists = {}));
  return (lists[`${filter} ${strategy}`] ??= rows
    .filter((row) => fits(row.kind, filter) && (!strategy || row.strategy === strategy))
    .sort((a, b) => (a.last_at < b.last_at ? 1 : a.last_at > b.last_at ? -1 : 0)));
}

export function Decisions({ decisions, status }) {
  const [filter, setFilter] = useState("all");
  const [strategy, setStrategy] = useState("");
  const rows = select(decisions, filter, strategy);
  const names = [...new Set(decisions.map((row) => row.strategy))].sort();
  const tabs = html`<${Tabs} label="Decisions" options=${FILTERS} chosen=${filter} choose=${setFilter} />
    <select class="small" aria-label="Strategy" value=${strategy} onChange=${(event) => setStrategy(event.target.value)}>
      <option value="">all strategies</option>${names.map((name) => html`<option key=${name} value=${name}>${words(name)}</option>`)}
    </select>
    <button type="button" class="quiet small" disabled=${!rows.length} onClick=${() => download("decisions", rows)}>CSV</button>`;
  return html`<${Panel} id="decisions" title="Decisions" extra=${tabs} at=${status ? status.timestamp : null}>
    ${rows.length
      ? html`<${Log} rows=${rows} />`
      : html`<${Empty} title="Nothing here">Every signal and every refusal is listed with the gate that decided.<//>`}
  <//>`;
}
