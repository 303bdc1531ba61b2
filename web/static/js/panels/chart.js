// Price against strike, and below it the market's price of YES, on one time axis with one crosshair.
import { html, useEffect, useLayoutEffect, useRef } from "../ui.js";
import { Empty, Panel } from "../panel.js";
import { cents, number, signed } from "../format.js";
import { engineNow, newest } from "../store.js";
import * as layers from "../chart-layers.js";

const SYNC = "window";
const utc = (seconds) => new Date(seconds * 1000).toISOString();

/** Lines joined on whole seconds: one array of times, one of values per line. */
function join(lines, from, to) {
  const table = new Map();
  lines.forEach(({ points, column }, place) => {
    for (const point of points) {
      const second = Math.floor(point[0] / 1000);
      if (second < from || second > to) continue;
      if (!table.has(second)) table.set(second, new Array(lines.length).fill(null));
      table.get(second)[place] = point[column];
    }
  });
  const times = [...table.keys()].sort((a, b) => a - b);
  return [times, ...lines.map((_, place) => times.map((time) => table.get(time)[place]))];
}

const axes = (look, format, size) => [
  {
    stroke: look.text,
    grid: { stroke: look.grid, width: 1 },
    ticks: { show: false },
    font: "11px system-ui",
    size: 22,
    values: (u, splits) => splits.map((time) => utc(time).slice(11, 16)),
    incrs: [60, 120, 180, 300, 900],
    space: 64,
  },
  {
    side: 1,
    stroke: look.text,
    grid: { stroke: look.grid, width: 1 },
    ticks: { show: false },
    font: "11px system-ui",
    size,
    values: (u, splits, axis, space, step) => splits.map((value) => format(value, step)),
  },
];

const line = (label, stroke, width, more = {}) => ({
  label,
  stroke,
  width,
  points: { show: false },
  spanGaps: true,
  ...more,
});

/** As many decimals as the steps of an axis need. */
const decimals = (step, most) => Math.min(most, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));

/** A range that holds every value, and `extra` as well, with a little air. */
function around(extra, least) {
  return (u, low, high) => {
    const seen = [low, high, ...extra()].filter((value) => Number.isFinite(value));
    if (!seen.length) return [0, 1];
    const bottom = Math.min(...seen);
    const top = Math.max(...seen);
    const air = Math.max((top - bottom) * 0.08, least(top));
    return [bottom - air, top + air];
  };
}

/** What stands under the crosshair, from the points themselves. */
function readout(element, now, charts) {
  const [price, quote] = charts;
  const { idx } = price.cursor;
  if (idx === null || idx === undefined || price.cursor.left < 0) {
    element.textContent = "";
    return;
  }
  const time = price.data[0][idx];
  const at = quote.data[0].indexOf(time);
  const text = [`${utc(time).slice(11, 19)}`, `index ${number(price.data[2][idx], now.market.digits)}`];
  if (at >= 0) {
    const [bid, ask, fair] = [1, 2, 3].map((line) => quote.data[line][at]);
    text.push(`${cents(bid)} / ${cents(ask)}¢`, `fair ${cents(fair)}¢`);
  }
  element.textContent = text.join("   ");
}

function options(element, look, special) {
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    padding: [8, 4, 0, 20],
    legend: { show: false },
    cursor: { sync: { key: SYNC }, points: { size: 6 }, drag: { x: false, y: false } },
    ...special,
  };
}

function priceChart(element, look, now) {
  const digits = () => now.market.digits;
  return new uPlot(
    options(element, look, {
      scales: {
        x: { time: true, range: () => now.span },
        y: { range: around(() => [now.market.strike ?? NaN], (top) => top * 0.00008) },
      },
      axes: axes(look, (value, step) => number(value, decimals(step, digits())), 74),
      series: [
        {},
        line("spot", look.spot, 1),
        line("index", look.index, 1.75),
      ],
      hooks: {
        drawClear: [
          layers.finalMinute(() => now.market, look.shade),
          layers.cone(() => now.market.cone, look.cone),
        ],
        draw: [
          layers.level(() => now.market.strike, look.strike, (price) => `strike ${number(price, digits())}`),
          layers.nowLine(() => engineNow() / 1000, look.now),
          layers.fills(() => now.fills, now.onIndex, look),
        ],
      },
    }),
    [[], [], []],
    element,
  );
}

function quoteChart(element, look, now) {
  return new uPlot(
    options(element, look, {
      scales: {
        x: { time: true, range: () => now.span },
        y: { range: (u, low, high) => [Math.max(0, (low ?? 0.4) - 0.04), Math.min(1, (high ?? 0.6) + 0.04)] },
      },
      axes: axes(look, (value) => `${number(value * 100)}¢`, 74),
      series: [
        {},
        line("bid", look.bid, 1.25, { paths: uPlot.paths.stepped({ align: 1 }) }),
        line("ask", look.ask, 1.25, { paths: uPlot.paths.stepped({ align: 1 }) }),
        line("fair", look.fair, 1.5),
      ],
      bands: [{ series: [2, 1], fill: look.shade }],
      hooks: {
        drawClear: [layers.finalMinute(() => now.market, look.shade)],
        draw: [
          layers.nowLine(() => engineNow() / 1000, look.now),
          layers.fills(() => now.fills, (fill) => [Date.parse(fill.filled_at) / 1000, fill.yes_price], look),
        ],
      },
    }),
    [[], [], [], []],
    element,
  );
}

/** What the charts look at; replaced contents, one object, so that the hooks stay the same. */
function view({ market, index, quote, fills }) {
  const from = Date.parse(market.open_at) / 1000;
  const to = Date.parse(market.close_at) / 1000;
  const points = (lines, name) => lines?.get(`${market.series}:${name}`) ?? [];
  const price = join(
    [
      { points: points(index, "spot"), column: 1 },
      { points: points(index, "index"), column: 1 },
    ],
    from,
    to,
  );
  const quotes = points(quote, "quote");
  const market_ = join([1, 2, 3].map((column) => ({ points: quotes, column })), from, to);
  const own = newest(fills).filter((fill) => fill.ticker === market.ticker);
  const onIndex = (fill) => {
    const at = Date.parse(fill.filled_at) / 1000;
    let place = price[0].findIndex((time) => time > at);
    if (place < 0) place = price[0].length;
    for (let back = place - 1; back >= 0; back--) {
      const value = price[2][back] ?? price[1][back];
      if (value !== null) return [at, value];
    }
    return null;
  };
  return { market, span: [from, to], price, quotes: market_, fills: own, onIndex };
}

function Charts(props) {
  const upper = useRef(null);
  const lower = useRef(null);
  const words = useRef(null);
  const held = useRef({ now: {}, charts: [] });
  Object.assign(held.current.now, view(props));
  useLayoutEffect(() => {
    const look = layers.colours();
    const now = held.current.now;
    const wrapped = new Proxy(now, { get: (target, key) => (key === "onIndex" ? (fill) => target.onIndex(fill) : target[key]) });
    const charts = [priceChart(upper.current, look, wrapped), quoteChart(lower.current, look, wrapped)];
    held.current.charts = charts;
    charts[0].over.addEventListener("mousemove", () => readout(words.current, now, charts));
    charts[0].over.addEventListener("mouseleave", () => (words.current.textContent = ""));
    const fit = () =>
      charts.forEach((chart, place) => {
        const element = [upper, lower][place].current;
        chart.setSize({ width: element.clientWidth, height: element.clientHeight });
      });
    const observer = new ResizeObserver(fit);
    observer.observe(upper.current);
    return () => {
      observer.disconnect();
      charts.forEach((chart) => chart.destroy());
    };
  }, [props.theme]);
  useEffect(() => {
    const [price, quote] = held.current.charts;
    price.setData(held.current.now.price);
    quote.setData(held.current.now.quotes);
  });
  return html`<div class="charts">
    <div class="plot price" ref=${upper}><div class="readout" ref=${words}></div></div>
    <div class="plot quote" ref=${lower}></div>
  </div>`;
}

function Reading({ market }) {
  const { digits } = market;
  const final = market.phase === "final_minute" || market.known > 0;
  return html`<div class="reading">
    <div><small>${market.index_source === "composite" ? "Spot (no index)" : "Index"}</small>
      <b class="big">${number(market.index, digits)}</b></div>
    <div><small>Strike</small><b>${number(market.strike, digits)}</b></div>
    <div><small>Distance</small><b class=${market.distance > 0 ? "up" : market.distance < 0 ? "down" : ""}>
      ${signed(market.distance, digits)} <i>${signed(market.distance_bps, 1)} bp</i></b></div>
    <div><small>Ahead</small>${market.ahead ? html`<b><span class=${`side ${market.ahead}`}>${market.ahead.toUpperCase()}</span></b>` : html`<b>–</b>`}</div>
    <div><small>1-min sigma</small><b>${number(market.sigma_bps, 1)} bp <i>${market.warm ? market.regime : "warming up"}</i></b></div>
    ${final
      ? html`<div class="settling final"><small><b>${market.known} of 60</b> prints known, mean ${number(market.known_mean, digits)}</small>
          <b>${market.needed_mean === null ? "all known" : `YES needs ≥ ${number(market.needed_mean, digits)}`}</b></div>`
      : html`<div class="settling"><small>Settles on</small><b><i>mean of the last 60 prints</i></b></div>`}
  </div>`;
}

const LEGEND = html`<span class="legend">
  <span class="key index">index</span><span class="key spot">spot</span>
  <span class="key bid">bid</span><span class="key ask">ask</span><span class="key fair">fair</span>
  <span class="key cone">1σ to close</span><span class="key yes">▲ bought YES</span><span class="key no">▼ bought NO</span>
</span>`;

export function Chart(props) {
  const { market, freshness } = props;
  if (!market) {
    return html`<${Panel} id="chart" title="Price against strike">
      <${Empty} title="No window listed">Waiting for the exchange to list a market of this series.<//>
    <//>`;
  }
  return html`<${Panel} id="chart" title="Price against strike" at=${market.index_at}
      limit=${freshness?.index} extra=${LEGEND}>
    <${Reading} market=${market} />
    <${Charts} ...${props} />
  <//>`;
}
