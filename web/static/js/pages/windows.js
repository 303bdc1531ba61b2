// Past windows, each as it was at any second of it: price, book, fair value, decisions, orders, fills.
import { html, memo, useEffect, useRef, useState } from "../ui.js";
import { Empty, Panel } from "../panel.js";
import { cents, clock, contracts, gain, number, outcome, tone, words } from "../format.js";
import { go } from "../route.js";
import { useRead } from "../poll.js";
import { brief, windowName } from "../names.js";
import { newest } from "../store.js";
import { WindowCharts, placed } from "../window-charts.js";

const SPEEDS = [10, 30, 120];

/** Moments up to `until`, as the charts want them. */
function picture(replay, until) {
  const seen = replay.moments.filter((one) => one.at <= until);
  const times = seen.map((one) => Math.floor(one.at / 1000));
  const column = (name) => seen.map((one) => one[name]);
  const price = [times, seen.map(() => null), column("index")];
  const market = { ...replay, cone: [], known: seen.at(-1)?.known ?? 0 };
  return {
    market,
    span: [Date.parse(replay.open_at) / 1000, Date.parse(replay.close_at) / 1000],
    price,
    quotes: [times, column("bid"), column("ask"), column("low"), column("high"), column("fair")],
    fills: replay.fills.filter((fill) => Date.parse(fill.filled_at) <= until),
    onIndex: placed(price),
    at: () => until / 1000,
  };
}

/** `KXSOL15M-26NOV290130-30` -> `29 Nov` */
const day = (ticker) => (ticker.split("-")[1] ?? "").replace(/^\d\d([A-Z])([A-Z]{2})(\d\d).*$/, (all, first, rest, date) => `${date} ${first}${rest.toLowerCase()}`);

const Row = memo(({ row, chosen }) => html`<tr class=${chosen ? "chosen" : ""} onClick=${() => go("windows", row.ticker)}>
  <td><a href=${`#windows/${row.ticker}`} aria-current=${chosen ? "true" : undefined} title=${row.ticker}>${day(row.ticker)} ${windowName(row.ticker)}</a></td>
  <td>${row.result ? html`<span class=${`side ${row.result}`}>${row.result.toUpperCase()}</span>` : html`<i>runs</i>`}</td>
  <td class="n">${row.position === undefined ? "" : number(row.position, Number.isInteger(row.position) ? 0 : 2)}</td>
  <td class="n">${row.orders ?? ""}</td>
  <td class=${`n ${tone(row.pnl)}`}>${row.pnl === undefined ? "" : gain(row.pnl)}</td>
</tr>`);

function pairs(flat) {
  return Array.from({ length: flat.length / 2 }, (_, place) => [flat[2 * place], flat[2 * place + 1]]);
}

const BookThen = ({ moment }) => html`<table class="list then"><thead><tr><th>YES ¢</th><th class="n">Contracts</th></tr></thead><tbody>
  ${pairs(moment.asks).reverse().map(([price, size], place) => html`<tr key=${`a${place}`}><td class="ask">${cents(price)}</td><td class="n">${contracts(size)}</td></tr>`)}
  <tr class="gap"><td colspan="2">${moment.fair === null ? "no fair value" : `fair ${cents(moment.fair)}¢ (${cents(moment.low)}–${cents(moment.high)})`}</td></tr>
  ${pairs(moment.bids).map(([price, size], place) => html`<tr key=${`b${place}`}><td class="bid">${cents(price)}</td><td class="n">${contracts(size)}</td></tr>`)}
</tbody></table>`;

/** What had become of an order by then, from its own times. */
function then(row, until) {
  const after = (iso) => iso && Date.parse(iso) <= until;
  if (after(row.filled_at) || after(row.cancelled_at)) return `${outcome(row)}${row.filled_quantity > 0 ? `, ${contracts(row.filled_quantity)} of ${contracts(row.quantity)}` : ""}`;
  return after(row.submitted_at) ? "sent" : "pending";
}

function events(replay, until) {
  const rows = [
    ...replay.decisions.map((row) => ({ at: row.last_at, kind: row.kind, who: row.strategy, text: row.kind === "signal" || row.kind === "approved" ? row.text : words(row.gate), side: row.side })),
    ...replay.orders.map((row) => ({ at: row.created_at, kind: "order", who: row.strategy_name, text: `${contracts(row.quantity)} at ${cents(row.price)}¢: ${then(row, until)}`, side: row.side })),
    ...replay.fills.map((row) => ({ at: row.filled_at, kind: "fill", who: row.strategy_name ?? "not ours", text: `${contracts(row.quantity)} at ${cents(row.price)}¢, ${row.liquidity}`, side: row.side })),
    ...replay.events.map(([at, text]) => ({ at, kind: "state", who: "", text, side: null })),
  ];
  return rows.filter((row) => Date.parse(row.at) <= until).sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, 200);
}

const Events = ({ rows }) => html`<table class="list log"><thead><tr><th>Time</th><th>Kind</th><th>Strategy</th><th>Side</th><th>What</th></tr></thead>
  <tbody>${rows.map((row, place) => html`<tr key=${rows.length - place}><td>${clock(row.at)}</td><td><span class=${`kind ${row.kind}`}>${row.kind}</span></td><td class="name" title=${row.who}>${brief(row.who)}</td>
    <td>${row.side ? html`<span class=${`side ${row.side}`}>${row.side.toUpperCase()}</span>` : ""}</td><td class="what">${row.text}</td></tr>`)}</tbody></table>`;

function Scrubber({ replay, wanted, theme }) {
  const first = replay.moments[0].at;
  const last = replay.moments.at(-1).at;
  const [until, setUntil] = useState(wanted || last);
  const [speed, setSpeed] = useState(0);
  useEffect(() => setUntil(Math.min(last, Math.max(first, wanted || last))), [replay.ticker, wanted]);
  useEffect(() => {
    if (!speed) return undefined;
    const timer = setInterval(() => setUntil((at) => Math.min(last, at + speed * 100)), 100);
    return () => clearInterval(timer);
  }, [speed, last]);
  useEffect(() => {
    if (speed && until >= last) setSpeed(0);
  }, [until]);
  const play = (fast) => {
    if (until >= last) setUntil(first);
    setSpeed(fast === speed ? 0 : fast);
  };
  const moment = [...replay.moments].reverse().find((one) => one.at <= until) ?? replay.moments[0];
  const middle = html`<div class="reading versus scrubber">
    <b>${clock(new Date(until).toISOString())}</b>
    <input type="range" min=${first} max=${last} step="1000" value=${until} aria-label="Time in the window"
      aria-valuetext=${clock(new Date(until).toISOString())} onInput=${(event) => setUntil(Number(event.target.value))} />
    ${SPEEDS.map((fast) => html`<button key=${fast} type="button" class="small" aria-pressed=${speed === fast} onClick=${() => play(fast)}>${speed === fast ? "❚❚" : "▶"} ×${fast}</button>`)}
  </div>`;
  return html`
    <${Panel} id="replay" title=${`${replay.ticker} · ${replay.complete ? `settled ${replay.result.toUpperCase()}${replay.settlement === null ? "" : ` at ${number(replay.settlement, replay.digits)}`}` : "still runs"}`}>
      <${WindowCharts} picture=${picture(replay, until)} middle=${middle} theme=${theme} /><//>
    <${Panel} id="then" title=${`Book at ${clock(new Date(moment.at).toISOString())}`}>
      ${moment.bids.length || moment.asks.length ? html`<${BookThen} moment=${moment} />` : html`<${Empty} title="No book">It waited for a snapshot at that moment.<//>`}<//>
    <${Panel} id="events" title="Decided and done until then"><${Events} rows=${events(replay, until)} /><//>`;
}

/** A window from before the daemon's last start: its lines are kept, its books are not. */
function fromHistory(told) {
  const line = (name) => told.lines.find((one) => one.line.endsWith(`:${name}`))?.points ?? [];
  const by = new Map();
  const take = (points, names) => {
    for (const { at, values } of points) {
      const second = Math.floor(Date.parse(at) / 1000) * 1000;
      const row = by.get(second) ?? { at: second, index: null, bid: null, ask: null, fair: null, low: null, high: null, known: 0, bids: [], asks: [] };
      names.forEach((name, place) => (row[name] = values[place] ?? null));
      by.set(second, row);
    }
  };
  take(line("index"), ["index"]);
  take(line("quote"), ["bid", "ask", "fair"]);
  const moments = [...by.values()].sort((a, b) => a.at - b.at);
  if (!moments.length) return null;
  const { ticker, result, strike, settlement } = told.window;
  const close = Math.ceil(moments.at(-1).at / 900_000) * 900_000;
  return {
    ticker, result, strike, settlement, moments, complete: true, digits: 4, decisions: told.decisions, orders: told.trades, fills: told.fills, events: [],
    open_at: new Date(close - 900_000).toISOString(), close_at: new Date(close).toISOString(),
  };
}

function Replay({ ticker, wanted, theme, version }) {
  const told = useRead(`windows/${encodeURIComponent(ticker)}/replay?${version}`.replace(/\?$/, ""));
  const old = useRead(told && !told.ok ? `windows/${encodeURIComponent(ticker)}` : "");
  const held = useRef(null);
  const replay = told?.ok ? told.body : old?.ok ? fromHistory(old.body) : null;
  if (replay) held.current = replay;
  const shown = replay ?? (held.current?.ticker === ticker ? held.current : null);
  if (shown?.moments.length) return html`<${Scrubber} replay=${shown} wanted=${wanted} theme=${theme} />`;
  const waiting = !told || (!told.ok && !old);
  return html`<${Panel} id="replay" title=${ticker}>
    <${Empty} title=${waiting ? "Loading the window…" : "This window was not watched"}>${waiting ? "" : "The daemon kept nothing of it: it did not run then, or the window has not begun."}<//><//>`;
}

export default function Windows({ state, market, theme, route }) {
  const kept = useRead("windows?limit=200", 10_000);
  const settled = kept?.ok ? kept.body.windows : newest(state.window);
  const running = market && !settled.some((row) => row.ticker === market.ticker) ? [{ ticker: market.ticker, result: null }] : [];
  const rows = [...running, ...settled];
  const ticker = route.rest[0] || settled[0]?.ticker || market?.ticker;
  const wanted = Number(route.rest[1]) || 0;
  return html`
    <${Panel} id="windows" title="Windows">
      ${rows.length
        ? html`<table class="list"><thead><tr><th>Closes (ET)</th><th>Result</th><th class="n">Held</th><th class="n">Orders</th><th class="n">P&L</th></tr></thead>
          <tbody>${rows.map((row) => html`<${Row} key=${row.ticker} row=${row} chosen=${row.ticker === ticker} />`)}</tbody></table>`
        : html`<${Empty} title="No window yet">They are listed when they have a result.<//>`}<//>
    ${ticker
      ? html`<${Replay} key=${ticker} ticker=${ticker} wanted=${wanted} theme=${theme} version="" />`
      : html`<${Panel} id="replay" title="Replay"><${Empty} title="Nothing to replay">The first window has not closed yet.<//><//>`}`;
}
