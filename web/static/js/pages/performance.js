// How it went, and whether there is an edge.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../ui.js";
import { Empty, Panel } from "../panel.js";
import { DASH, gain, money, number, percent, signed, signedCents, tone, words } from "../format.js";
import { colours } from "../chart-layers.js";
import { download } from "../csv.js";
import { Filter, Table, matching, openFirst } from "../panels/orders.js";
import { Bars, Reliability } from "../svg.js";
import { brief } from "../names.js";
import { newest } from "../store.js";

/** Some air around the curve; a flat one is not drawn on an axis from zero to twice its height. */
function roomy(u, low, high) {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const air = Math.max((high - low) * 0.08, Math.abs(high) * 0.0005, 0.01);
  return [low - air, high + air];
}

function equityChart(element, look) {
  const axis = (format, more = {}) => ({ stroke: look.text, grid: { stroke: look.grid, width: 1 }, ticks: { show: false }, font: "11px system-ui", values: (u, splits) => splits.map(format), ...more });
  return new uPlot(
    {
      width: element.clientWidth,
      height: element.clientHeight,
      padding: [10, 6, 0, 16],
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: roomy }, d: { range: (u, low, high) => [0, Math.max(0.02, (high ?? 0) * 3)], dir: -1 } },
      axes: [
        axis((time) => new Date(time * 1000).toISOString().slice(11, 16), { size: 22 }),
        axis((value) => money(value), { side: 3, size: 82 }),
        axis((value) => percent(value, 1), { scale: "d", side: 1, size: 52, grid: { show: false } }),
      ],
      series: [
        {},
        { label: "equity", stroke: look.index, width: 1.75, points: { show: false } },
        { label: "peak", stroke: look.spot, width: 1, dash: [4, 4], points: { show: false } },
        { label: "drawdown", scale: "d", stroke: look.no, width: 1, fill: look.shade, points: { show: false } },
      ],
    },
    [[], [], [], []],
    element,
  );
}

function Equity({ points, theme }) {
  const element = useRef(null);
  const chart = useRef(null);
  useLayoutEffect(() => {
    chart.current = equityChart(element.current, colours());
    const fit = () => chart.current.setSize({ width: element.current.clientWidth, height: element.current.clientHeight });
    const observer = new ResizeObserver(fit);
    observer.observe(element.current);
    return () => {
      observer.disconnect();
      chart.current.destroy();
    };
  }, [theme]);
  useEffect(() => {
    chart.current.setData([points.map(([at]) => at / 1000), ...[1, 2, 3].map((column) => points.map((point) => point[column]))]);
  }, [points, theme]);
  return html`<div class="plot" ref=${element}></div>`;
}

const Fact = ({ name, children, of = "" }) => html`<div><dt>${name}</dt><dd class=${of}>${children}</dd></div>`;

/** The one verdict is the scoreboard's: from the journal, over every window since it began. */
const Verdict = ({ row, verdict, drawdown }) => html`${verdict && html`<p class="verdict">${verdict.sentence}.</p>`}
  <dl class="facts tiles">
    <${Fact} name="P&L after fees" of=${tone(row.pnl)}>${gain(row.pnl)}<//>
    <${Fact} name="Fees paid">${money(row.fees)}<//>
    <${Fact} name="Orders filled">${number(row.trades)}<//>
    <${Fact} name="Windows">${number(row.windows)}<//>
    <${Fact} name="Win rate">${percent(row.win_rate, 0)}<//>
    <${Fact} name="Per order" of=${tone(row.per_trade)}>${gain(row.per_trade)}<//>
    <${Fact} name="Per contract">${verdict?.windows ? signedCents(verdict.mean) : DASH}<//>
    <${Fact} name="95 % interval">${verdict && verdict.low !== null ? `${signed(verdict.low * 100, 1)} to ${signedCents(verdict.high)}` : DASH}<//>
    <${Fact} name="Deepest drawdown">${percent(drawdown, 1)}<//>
    <${Fact} name="Since">${row.covers_from ? `${row.covers_from.slice(5, 16).replace("T", " ")} UTC` : DASH}<//>
  </dl>`;

const Results = ({ rows }) => html`<table class="list">
  <thead><tr><th>Strategy</th><th class="n">Trades</th><th class="n">Won</th><th class="n">P&L</th><th class="n">Fees</th><th class="n">Each</th><th class="n">Best</th><th class="n">Worst</th></tr></thead>
  <tbody>${rows.map((row) => html`<tr key=${row.strategy}>
    <td>${words(row.strategy)}</td><td class="n">${row.trades}</td><td class="n">${percent(row.win_rate, 0)}</td>
    <td class=${`n ${tone(row.pnl)}`}>${gain(row.pnl)}</td><td class="n">${money(row.fees)}</td>
    <td class=${`n ${tone(row.per_trade)}`}>${gain(row.per_trade)}</td><td class="n">${gain(row.best)}</td><td class="n">${gain(row.worst)}</td>
  </tr>`)}</tbody></table>`;

const Days = ({ rows }) => html`<${Bars} title="P&L by day and strategy" rows=${rows.slice(-24).map((row) => ({ label: `${row.day.slice(5)}`, value: row.pnl, text: `${words(row.strategy)} ${gain(row.pnl)}` }))} />
  <table class="list"><thead><tr><th>Day (New York)</th><th>Strategy</th><th class="n">Trades</th><th class="n">Fees</th><th class="n">P&L</th></tr></thead>
  <tbody>${[...rows].reverse().map((row) => html`<tr key=${row.day + row.strategy}><td>${row.day}</td><td title=${row.strategy}>${brief(row.strategy)}</td><td class="n">${row.trades}</td>
    <td class="n">${money(row.fees)}</td><td class=${`n ${tone(row.pnl)}`}>${gain(row.pnl)}</td></tr>`)}</tbody></table>`;

const Three = ({ name, of }) => html`<tr><td>${name}</td>${["model", "market", "blend"].map((who) => html`<td key=${who} class="n">${number(of?.[who], 4)}</td>`)}</tr>`;

const counted = (count, one) => `${number(count)} ${one}${count === 1 ? "" : "s"}`;

/** Who forecasts better in one series, as the scoreboard says; lower scores are better. */
const Standing = ({ row }) => html`<table class="list standing"><thead><tr><th>${row.series}</th><th class="n">Model</th><th class="n">Market</th><th class="n">Traded</th></tr></thead><tbody>
    <${Three} name="Brier" of=${row.brier} /><${Three} name="Log loss" of=${row.log_loss} />
  </tbody></table>
  <p class="first-word">${row.sentence}.</p>
  <p><i>${row.lead === null ? "" : `The model ${row.lead < 0 ? "trails" : "leads"} by ${number(Math.abs(row.lead), 4)}${row.low === null ? "" : `, 95 % interval ${signed(row.low, 4)} to ${signed(row.high, 4)}`}. `}${counted(row.looks, "forecast")} in ${counted(row.windows, "window")} of the journal; lower scores are better. Traded: the blend of both that prices orders.</i></p>`;

const Score = ({ series, seen }) => html`<div class="score">
  <div>
    ${seen
      ? html`<${Reliability} sets=${[{ name: "market", bins: seen.market_bins, shift: 3 }, { name: "model", bins: seen.model_bins, shift: -3 }]} />`
      : html`<${Empty} title="No picture yet">It is drawn from windows that settle while the daemon runs.<//>`}
  </div>
  <div>
    <p class="legend"><span class="key fair">● model</span><span class="key spot">■ market</span></p>
    ${series.map((row) => html`<${Standing} key=${row.series} row=${row} />`)}
    ${seen && html`<p><i>The picture: ${counted(seen.forecasts, "forecast")} in ${counted(seen.windows, "window")} since the start; bars are 95 % intervals of windows.</i></p>`}
  </div>
</div>`;

const Selection = ({ rows }) => html`<table class="list"><thead><tr><th>After our fills</th><th class="n">Mean move</th><th class="n">Fills</th></tr></thead>
  <tbody>${rows.map((row) => html`<tr key=${row.seconds}><td>${row.seconds} s</td><td class=${`n ${tone(row.cents)}`}>${row.cents === null ? DASH : `${signed(row.cents, 2)}¢`}</td><td class="n">${row.fills}</td></tr>`)}</tbody></table>
  <p class="note">How the middle of the book moved, per contract; minus is against us.</p>`;

const Exits = ({ row }) => html`<table class="list"><thead><tr><th>Exits</th><th class="n">Contracts</th><th class="n">Brought</th><th class="n">Holding on</th><th class="n">Gained</th></tr></thead>
  <tbody><tr><td>${number(row.exits)}</td><td class="n">${number(row.contracts, 2)}</td><td class="n">${money(row.brought)}</td><td class="n">${money(row.held_to_settlement)}</td><td class=${`n ${tone(row.gained)}`}>${gain(row.gained)}</td></tr></tbody></table>`;

const WAIT = html`<${Empty} title="No results yet">They come when the first window in which something was bought has settled.<//>`;

export default function Performance({ state, theme, status, ask }) {
  const row = state.performance;
  const verdict = state.calibration?.verdict;
  const series = (state.calibration?.series ?? []).filter((one) => one.windows > 0);
  const points = state.equity?.get("equity") ?? [];
  const at = status ? status.timestamp : null;
  const traded = row && row.trades > 0;
  const [typed, setTyped] = useState("");
  const orders = matching(openFirst(newest(state.order)), typed);
  const csv = html`<${Filter} typed=${typed} set=${setTyped} /><button type="button" class="quiet small" disabled=${!orders.length} onClick=${() => download("trades", orders)}>CSV</button>`;
  return html`
    <${Panel} id="verdict" title="Verdict" at=${at}>${traded ? html`<${Verdict} row=${row} verdict=${verdict} drawdown=${status?.risk_metrics.max_drawdown} />` : WAIT}<//>
    <${Panel} id="equity" title="Equity and drawdown" at=${at}>
      ${points.length > 1 ? html`<${Equity} points=${points} theme=${theme} />` : html`<${Empty} title="One moment">The first points of the curve are being gathered.<//>`}<//>
    <${Panel} id="score" title="Model against market" at=${at}>${series.length ? html`<${Score} series=${series} seen=${row?.reliability} />` : html`<${Empty} title="Nothing scored yet">Forecasts are scored when their window has a result.<//>`}<//>
    <${Panel} id="days" title="P&L by day" at=${at}>${traded ? html`<${Days} rows=${row.days} />` : WAIT}<//>
    <${Panel} id="results" title="By strategy, and what followed our fills" at=${at}>
      ${traded ? html`<${Results} rows=${row.strategies} />` : WAIT}
      ${row?.exits.exits > 0 && html`<${Exits} row=${row.exits} />`}
      ${row && html`<${Selection} rows=${row.selection} />`}<//>
    <${Panel} id="trades" title="Trades" at=${at} extra=${csv}><${Table} view="orders" rows=${orders} ask=${ask} shown=${300} /><//>`;
}
