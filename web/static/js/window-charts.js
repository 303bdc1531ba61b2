// Price against strike, and below it the market's price of YES, on one time axis with one crosshair.
import { html, useEffect, useLayoutEffect, useRef } from "./ui.js";
import { cents, number, signed } from "./format.js";
import * as layers from "./chart-layers.js";

const SYNC = "window";
const utc = (seconds) => new Date(seconds * 1000).toISOString();

/** Lines joined on whole seconds: one array of times, one of values per line. */
export function join(lines, from, to) {
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

/** Where on the price a fill belongs: at its time, on the last price before it. */
export const placed = (price) => (fill) => {
  const at = Date.parse(fill.filled_at) / 1000;
  let place = price[0].findIndex((time) => time > at);
  if (place < 0) place = price[0].length;
  for (let back = place - 1; back >= 0; back--) {
    const value = price[2][back] ?? price[1][back];
    if (value !== null) return [at, value];
  }
  return null;
};

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

/** As many decimals as the steps of an axis need: a step of 0.025 needs three. */
function decimals(step, most) {
  let places = 0;
  while (places < most && Math.abs(step * 10 ** places - Math.round(step * 10 ** places)) > 1e-6) places++;
  return places;
}

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

/** The ends of the cone, so that it is seen whole. */
const widest = (cone) => (cone.length ? cone[cone.length - 1].slice(1) : []);

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
    const [bid, ask, low, high, fair, yes, no] = [1, 2, 3, 4, 5, 6, 7].map((line) => now.quotes[line]?.[at]);
    text.push(`${cents(bid)} / ${cents(ask)}¢`, `fair ${cents(fair)}¢ (${cents(low)}–${cents(high)})`);
    if (yes !== undefined) text.push(`edge YES ${signed(yes * 100, 1)}¢ NO ${signed(no * 100, 1)}¢`);
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

/** The newest price, and the strike. */
function marks({ market, price }, look, digits) {
  const tag = (value, colour) => ({ value, colour, text: number(value, digits) });
  const last = (line) => price[line].findLast((value) => value !== null) ?? NaN;
  const index = last(2);
  const newest = Number.isFinite(index) ? tag(index, look.index) : tag(last(1), look.spot);
  return [newest, tag(market.strike ?? NaN, look.strike)];
}

function priceChart(element, look, now) {
  const digits = () => now.market.digits;
  return new uPlot(
    options(element, look, {
      scales: {
        x: { time: true, range: () => now.span },
        y: { range: around(() => [now.market.strike ?? NaN, ...widest(now.market.cone)], (top) => top * 0.00008) },
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
          layers.level(() => now.market.strike, look.strike),
          layers.tags(() => marks(now, look, digits()), look),
          layers.nowLine(() => now.at(), look.now),
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
        y: { range: (u, low, high) => [Math.max(-0.03, (low ?? 0.4) - 0.04), Math.min(1.03, (high ?? 0.6) + 0.04)] },
      },
      axes: axes(look, (value) => `${number(value * 100)}¢`, 74),
      series: [
        {},
        line("bid", look.bid, 1.25, { paths: uPlot.paths.stepped({ align: 1 }) }),
        line("ask", look.ask, 1.25, { paths: uPlot.paths.stepped({ align: 1 }) }),
        line("low", "transparent", 0),
        line("high", "transparent", 0),
        line("fair", look.fair, 1.75),
      ],
      bands: [
        { series: [2, 1], fill: look.shade },
        { series: [4, 3], fill: look.band },
      ],
      hooks: {
        drawClear: [layers.finalMinute(() => now.market, look.shade)],
        draw: [
          layers.nowLine(() => now.at(), look.now),
          layers.fills(() => now.fills, (fill) => [Date.parse(fill.filled_at) / 1000, fill.yes_price], look),
        ],
      },
    }),
    [[], [], [], [], [], []],
    element,
  );
}

/**
 * Price above, quotes below, one time axis and one crosshair.
 * `picture` is `{market, span, price, quotes, fills, onIndex, at}`; `middle` stands between the two.
 */
export function WindowCharts({ picture, middle, theme }) {
  const upper = useRef(null);
  const lower = useRef(null);
  const words = useRef(null);
  const held = useRef({ now: {}, charts: [] });
  Object.assign(held.current.now, picture);
  useLayoutEffect(() => {
    const look = layers.colours();
    const now = held.current.now;
    const wrapped = new Proxy(now, { get: (target, key) => (key === "onIndex" ? (fill) => target.onIndex(fill) : key === "at" ? () => target.at() : target[key]) });
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
  }, [theme]);
  useEffect(() => {
    const [price, quote] = held.current.charts;
    price.setData(picture.price);
    quote.setData(picture.quotes.slice(0, 6));
  }, [picture, theme]);
  return html`<div class="charts">
    <div class="plot price" ref=${upper}><div class="readout" ref=${words}></div></div>
    ${middle}
    <div class="plot quote" ref=${lower}></div>
  </div>`;
}
